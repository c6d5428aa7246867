/* The log: one event, one line, one write. */
#include "base/base.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum log_level log_threshold = LOG_INFO;

static const char *const level_names[] = {"DEBUG", "INFO", "WARN", "ERROR"};

static void write_line(enum log_level level, struct buf *text)
{
    uint64_t now = clock_wall_ms();
    time_t seconds = (time_t)(now / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    char when[32];
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
    for (size_t i = 0; i < text->len; i++)
        if ((unsigned char)text->data[i] < ' ') /* one event stays one line */
            text->data[i] = ' ';
    _cleanup_(buf_done) struct buf line = {0};
    buf_printf(&line, "%s.%03uZ %s %s\n", when, (unsigned)(now % 1000), level_names[level],
               text->data);
    if (write(STDERR_FILENO, line.data, line.len) < 0)
        return; /* nowhere left to say so */
}

void log_line(enum log_level level, const char *format, ...)
{
    if (level < log_threshold)
        return;
    _cleanup_(buf_done) struct buf text = {0};
    va_list ap;
    va_start(ap, format);
    buf_vprintf(&text, format, ap);
    va_end(ap);
    write_line(level, &text);
}

void log_failure(enum log_level level, const struct error *e, const char *format, ...)
{
    if (level < log_threshold)
        return;
    _cleanup_(buf_done) struct buf text = {0};
    va_list ap;
    va_start(ap, format);
    buf_vprintf(&text, format, ap);
    va_end(ap);
    buf_printf(&text, ": %s", e->message);
    if (e->detail)
        buf_printf(&text, "; %s", e->detail);
    if (e->hint)
        buf_printf(&text, "; hint: %s", e->hint);
    buf_printf(&text, " [%s]", e->sqlstate);
    write_line(level, &text);
}
