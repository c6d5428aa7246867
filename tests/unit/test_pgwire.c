/* pgwire: framing and decoding of what clients send, encoding of answers, the COPY formats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "pgwire/pgwire.h"

#include <stdio.h>

static void expect_error(struct error *e, const char *sqlstate, const char *text)
{
    assert_non_null(e);
    assert_string_equal(e->sqlstate, sqlstate);
    if (text)
        assert_string_equal(e->message, text);
    error_free(e);
}

static struct pgwire_frame frame(const char *data, size_t len)
{
    struct pgwire_frame f;
    size_t need = 1;
    assert_null(pgwire_next_frame(PGWIRE_RUNNING, data, len, &f, &need));
    assert_int_equal(need, 0);
    return f;
}
#define FRAME(literal) frame(literal, sizeof(literal) - 1)

/* ---- framing ------------------------------------------------------------------------------ */

/* A message that arrives byte by byte is asked for until it is whole, then cut out exactly. */
static void frames_arrive_in_pieces(void **state)
{
    static const char stream[] = "Q\0\0\0\rselect 1\0S\0\0\0\4";
    struct pgwire_frame f;
    size_t need;
    for (size_t n = 0; n < 14; n++) {
        assert_null(pgwire_next_frame(PGWIRE_RUNNING, stream, n, &f, &need));
        assert_int_equal(need, n < 5 ? 5 : 14);
    }
    f = frame(stream, sizeof(stream) - 1);
    assert_int_equal(f.type, 'Q');
    assert_int_equal(f.total, 14);
    const char *text;
    assert_null(pgwire_decode_query(&f, &text));
    assert_string_equal(text, "select 1");
    f = frame(stream + f.total, 5);
    assert_int_equal(f.type, 'S');
    assert_null(pgwire_decode_empty(&f));
}

/* An unknown message type is refused at its first byte, before anything is waited for. */
static void unknown_types_are_refused(void **state)
{
    struct pgwire_frame f;
    size_t need;
    expect_error(pgwire_next_frame(PGWIRE_RUNNING, "\1", 1, &f, &need), E_PROTOCOL,
                 "invalid frontend message type 1");
}

/* A length outside the limit of its type is refused with the header, before the body comes. */
static void lengths_are_limited(void **state)
{
    struct pgwire_frame f;
    size_t need;
    expect_error(pgwire_next_frame(PGWIRE_RUNNING, "Q\x40\0\0\1", 5, &f, &need), E_PROTOCOL,
                 "invalid message length");
    expect_error(pgwire_next_frame(PGWIRE_RUNNING, "Q\0\0\0\3", 5, &f, &need), E_PROTOCOL,
                 "invalid message length");
    expect_error(pgwire_next_frame(PGWIRE_RUNNING, "S\0\1\0\0", 5, &f, &need), E_PROTOCOL,
                 "invalid message length");
    expect_error(pgwire_next_frame(PGWIRE_STARTING, "\0\0\x27\x11", 4, &f, &need), E_PROTOCOL,
                 "invalid length of startup packet");
    assert_null(pgwire_next_frame(PGWIRE_STARTING, "\0\0\x27\x10", 4, &f, &need));
    assert_int_equal(need, 10000);
}

/* ---- decoding ----------------------------------------------------------------------------- */

static struct error *start(const char *data, size_t len, struct pgwire_start *s)
{
    struct pgwire_frame f;
    size_t need = 1;
    assert_null(pgwire_next_frame(PGWIRE_STARTING, data, len, &f, &need));
    assert_int_equal(need, 0);
    return pgwire_decode_start(&f, s);
}

/* The four kinds of first message are told apart, and parameters come in order. */
static void startup_is_decoded(void **state)
{
    struct pgwire_start s;
    assert_null(start("\0\0\0\x1c\0\3\0\0user\0me\0database\0x\0\0", 28, &s));
    assert_int_equal(s.kind, PGWIRE_START_SESSION);
    assert_int_equal(s.n, 2);
    assert_string_equal(s.names[1], "database");
    assert_string_equal(s.values[1], "x");
    assert_null(start("\0\0\0\x08\x04\xd2\x16\x2f", 8, &s));
    assert_int_equal(s.kind, PGWIRE_START_SSL);
    assert_null(start("\0\0\0\x08\x04\xd2\x16\x30", 8, &s));
    assert_int_equal(s.kind, PGWIRE_START_GSSENC);
    assert_null(start("\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\7\0\0\0\x9", 16, &s));
    assert_int_equal(s.kind, PGWIRE_START_CANCEL);
    assert_int_equal(s.cancel_pid, 7);
    assert_int_equal(s.cancel_secret, 9);
}

/* Startup packets that are cut, or of another protocol, are errors. */
static void bad_startup_is_refused(void **state)
{
    struct pgwire_start s;
    expect_error(start("\0\0\0\x0d\0\3\0\0user\0", 13, &s), E_PROTOCOL, NULL);
    expect_error(start("\0\0\0\x0c\0\3\0\0user", 12, &s), E_PROTOCOL, NULL);
    expect_error(start("\0\0\0\x08\0\2\0\0", 8, &s), E_UNSUPPORTED, NULL);
    expect_error(start("\0\0\0\x0c\x04\xd2\x16\x2e\0\0\0\7", 12, &s), E_PROTOCOL, NULL);
}

/* Bind carries formats and values; one format stands for all, a length of -1 is NULL. */
static void bind_is_decoded(void **state)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct pgwire_bind b;
    struct pgwire_frame f = FRAME("B\0\0\0\x1b"
                                  "p\0s\0\0\1\0\1\0\2\0\0\0\1x\xff\xff\xff\xff\0\1\0\1");
    assert_null(pgwire_decode_bind(&f, &a, &b));
    assert_string_equal(b.portal, "p");
    assert_string_equal(b.statement, "s");
    assert_int_equal(b.n_params, 2);
    assert_int_equal(b.params[0].format, 1);
    assert_int_equal(b.params[0].len, 1);
    assert_int_equal(b.params[0].data[0], 'x');
    assert_null(b.params[1].data);
    assert_int_equal(b.n_results, 1);
    assert_int_equal(b.results[0], 1);
}

/* Counts and lengths that promise more than the message holds are refused, and nothing is allocated
 * for them. */
static void bad_bind_is_refused(void **state)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct pgwire_bind b;
    struct pgwire_frame f = FRAME("B\0\0\0\x0a\0\0\0\0\xff\xff");
    expect_error(pgwire_decode_bind(&f, &a, &b), E_PROTOCOL, "invalid Bind message");
    f = FRAME("B\0\0\0\x10\0\0\0\0\0\1\0\0\0\x50\0\0");
    expect_error(pgwire_decode_bind(&f, &a, &b), E_PROTOCOL, "invalid Bind message");
    f = FRAME("B\0\0\0\x0c\0\0\0\0\0\0\0\1");
    expect_error(pgwire_decode_bind(&f, &a, &b), E_PROTOCOL, "invalid Bind message");
    assert_true(a.used < 1024);
}

/* Parse, Execute, Describe: fields in place, anything left over is an error. */
static void small_messages_are_decoded(void **state)
{
    _cleanup_(arena_done) struct arena a = {0};
    struct pgwire_parse p;
    struct pgwire_frame f = FRAME("P\0\0\0\x0e"
                                  "s\0q\0\0\1\0\0\0\x17");
    assert_null(pgwire_decode_parse(&f, &a, &p));
    assert_string_equal(p.query, "q");
    assert_int_equal(p.types[0], 23);
    f = FRAME("P\0\0\0\x0a"
              "s\0q\0\0\1");
    expect_error(pgwire_decode_parse(&f, &a, &p), E_PROTOCOL, NULL);
    struct pgwire_execute e;
    f = FRAME("E\0\0\0\x0a"
              "p\0\0\0\0\5");
    assert_null(pgwire_decode_execute(&f, &e));
    assert_int_equal(e.max_rows, 5);
    struct pgwire_target t;
    f = FRAME("D\0\0\0\x07Sx\0");
    assert_null(pgwire_decode_target(&f, &t));
    assert_int_equal(t.kind, 'S');
    f = FRAME("D\0\0\0\x07Zx\0");
    expect_error(pgwire_decode_target(&f, &t), E_PROTOCOL, "invalid DESCRIBE message subtype 90");
    f = FRAME("D\0\0\0\x08Sx\0y");
    expect_error(pgwire_decode_target(&f, &t), E_PROTOCOL, NULL);
}

/* ---- encoding ----------------------------------------------------------------------------- */

/* An error goes out with the fields it has, and no others. */
static void errors_are_encoded(void **state)
{
    _cleanup_(buf_done) struct buf b = {0};
    struct error *e = error_at(error_hint(error_new(E_SYNTAX, "no"), "try"), 12);
    pgwire_put_error(&b, "ERROR", e, "COPY t, line 3");
    error_free(e);
    static const char want[] = "E\0\0\0\x3c"
                               "SERROR\0VERROR\0C42601\0Mno\0Htry\0P12\0WCOPY t, line 3\0";
    assert_int_equal(b.len, b.data[4] + 1);
    assert_memory_equal(b.data + 5, want + 5, sizeof(want) - 5);
}

/* Lengths are filled in around what was appended. */
static void rows_are_encoded(void **state)
{
    _cleanup_(buf_done) struct buf b = {0};
    size_t at = pgwire_begin_row(&b, 1);
    buf_put32(&b, 2);
    buf_puts(&b, "ab");
    pgwire_end(&b, at);
    assert_int_equal(b.len, 13);
    assert_memory_equal(b.data, "D\0\0\0\x0c\0\1\0\0\0\2ab", 13);
}

/* ---- text --------------------------------------------------------------------------------- */

/* Only real UTF-8 without zero bytes passes, wherever the fault lies. */
static void utf8_is_checked(void **state)
{
    assert_null(pgwire_check_utf8("plain ascii, long enough", 24));
    assert_null(pgwire_check_utf8("h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", 12));
    expect_error(pgwire_check_utf8("abcdefgh\xff", 9), "22021",
                 "invalid byte sequence for encoding \"UTF8\": 0xff");
    expect_error(pgwire_check_utf8("abcdefg\0", 8), "22021",
                 "invalid byte sequence for encoding \"UTF8\": 0x00");
    static const char *const bad[] = {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        expect_error(pgwire_check_utf8(bad[i], strlen(bad[i])), "22021", NULL);
}

/* What is told to the client is UTF-8, wherever a text was cut. */
static void utf8_is_told(void **state)
{
    _cleanup_(buf_done) struct buf b = {0};
    pgwire_put_utf8(&b, "a\xc3\xa4 \xe2\x82\" \xff\xf0\x9f\x98\x80\xc3");
    assert_int_equal(b.len, 10);
    assert_memory_equal(b.data, "a\xc3\xa4 \" \xf0\x9f\x98\x80", 10);
}

/* ---- COPY --------------------------------------------------------------------------------- */

/* Reads everything, in chunks of `chunk` bytes, and prints it: fields in <>, NULL as ~. */
static struct error *read_all(const struct pgwire_copy_options *o, int max, const char *data,
                              size_t len, size_t chunk, struct buf *out)
{
    struct pgwire_copy *c = pgwire_copy_new(o, max);
    struct error *e = NULL;
    buf_clear(out);
    for (size_t at = 0;; at += chunk) {
        bool last = at >= len;
        char *piece = NULL;
        if (last) {
            pgwire_copy_finish(c);
        } else { /* its own memory, so that a read past it is seen */
            size_t n = MIN(chunk, len - at);
            piece = mem_alloc(n);
            memcpy(piece, data + at, n);
            pgwire_copy_feed(c, piece, n);
        }
        enum pgwire_copy_step step;
        struct pgwire_copy_row row;
        while (!(e = pgwire_copy_next(c, &step, &row)) && step == PGWIRE_COPY_ROW) {
            buf_printf(out, "%d:", (int)row.line);
            for (int i = 0; i < row.n; i++)
                buf_printf(out, row.fields[i].p ? "<%.*s>" : "~", (int)row.fields[i].n,
                           row.fields[i].p);
            buf_puts(out, ";");
        }
        mem_free(piece);
        if (e || last)
            break;
    }
    pgwire_copy_free(c);
    return e;
}

static void expect_rows(struct pgwire_copy_options o, int max, const char *data, size_t len,
                        const char *want)
{
    _cleanup_(buf_done) struct buf out = {0};
    for (size_t chunk = 1; chunk <= len + 1; chunk++) {
        assert_null(read_all(&o, max, data, len, chunk, &out));
        assert_string_equal(out.data ? out.data : "", want);
    }
}
#define ROWS(options, max, text, want) expect_rows(options, max, text, sizeof(text) - 1, want)

static void expect_copy_error(struct pgwire_copy_options o, const char *data, size_t len,
                              const char *message)
{
    _cleanup_(buf_done) struct buf out = {0};
    for (size_t chunk = 1; chunk <= len + 1; chunk++)
        expect_error(read_all(&o, 3, data, len, chunk, &out), "22P04", message);
}
#define COPY_ERROR(options, text, message)                                                         \
    expect_copy_error(options, text, sizeof(text) - 1, message)

/* Text rows come out the same however the stream is cut: escapes, NULL, empty fields, no last
 * newline. */
static void text_rows_are_parsed(void **state)
{
    struct pgwire_copy_options o = pgwire_copy_defaults(PGWIRE_TEXT);
    ROWS(o, 3, "1\tab\t\\N\n2\t\tc\n", "1:<1><ab>~;2:<2><><c>;");
    ROWS(o, 3, "a\\tb\t\\\\\t\\x41\\102\\N\nz", "1:<a\tb><\\><ABN>;2:<z>;");
    ROWS(o, 3, "a\\\nb\tc\n", "1:<a\nb><c>;");
    ROWS(o, 3, "\n\nx\n", "1:<>;2:<>;3:<x>;");
    ROWS(o, 3, "a\r\nb\r\n", "1:<a>;2:<b>;");
    ROWS(o, 3, "a\rb\r", "1:<a>;2:<b>;");
    ROWS(o, 1, "1\t2\t3\t4\n", "1:<1><2>;");
    ROWS(o, 3, "a\t\\N\\", "1:<a>~;");
    ROWS(o, 3, "a\\\\\\", "1:<a\\>;");
    ROWS(o, 3, "\\", "1:<>;");
    ROWS(o, 3, "", "");
}

/* \. on its own line ends the data; what follows is ignored. Elsewhere it is an error. */
static void end_marker_is_understood(void **state)
{
    struct pgwire_copy_options o = pgwire_copy_defaults(PGWIRE_TEXT);
    ROWS(o, 3, "a\n\\.\nb\n", "1:<a>;");
    ROWS(o, 3, "a\n\\.", "1:<a>;");
    COPY_ERROR(o, "a\\.\n", "end-of-copy marker corrupt");
    COPY_ERROR(o, "\\.x\n", "end-of-copy marker corrupt");
    o = pgwire_copy_defaults(PGWIRE_CSV);
    ROWS(o, 3, "a\n\\.\nb\n", "1:<a>;");
    ROWS(o, 3, "\\.x,\\\n", "1:<\\.x><\\>;");
}

/* A line end of another kind than the first one is an error, not data. */
static void mixed_line_ends_are_errors(void **state)
{
    struct pgwire_copy_options o = pgwire_copy_defaults(PGWIRE_TEXT);
    COPY_ERROR(o, "a\nb\rc\n", "literal carriage return found in data");
    COPY_ERROR(o, "a\r\nb\n", "literal newline found in data");
    o = pgwire_copy_defaults(PGWIRE_CSV);
    COPY_ERROR(o, "a\nb\rc\n", "unquoted carriage return found in data");
}

/* Csv: quotes hold delimiters, quotes and line ends; an unquoted empty field is NULL, a quoted one
 * is not. */
static void csv_rows_are_parsed(void **state)
{
    struct pgwire_copy_options o = pgwire_copy_defaults(PGWIRE_CSV);
    ROWS(o, 3, "1,\"a,b\",\n2,\"\",\"say \"\"hi\"\"\"\n", "1:<1><a,b>~;2:<2><><say \"hi\">;");
    ROWS(o, 3, "\"a\nb\",c\nd\n", "2:<a\nb><c>;3:<d>;");
    ROWS(o, 3, "a\"b\"c\n", "1:<abc>;");
    o.escape = '\\';
    ROWS(o, 3, "\"a\\\"b\\\\c\\d\"\n", "1:<a\"b\\c\\d>;");
    o.header = true;
    ROWS(o, 3, "x,y\n1,2\n", "2:<1><2>;");
    o.header = false;
    o.null_string = "nil";
    ROWS(o, 3, "nil,\"nil\",\n", "1:~<nil><>;");
    COPY_ERROR(o, "\"abc\n", "unterminated CSV quoted field");
}

/* FORCE_NOT_NULL and FORCE_NULL turn around what quotes decide. */
static void csv_force_options(void **state)
{
    static const bool yes[] = {true, true};
    struct pgwire_copy_options o = pgwire_copy_defaults(PGWIRE_CSV);
    o.force_not_null = yes;
    ROWS(o, 2, ",a\n", "1:<><a>;");
    o.force_not_null = NULL;
    o.force_null = yes;
    ROWS(o, 2, "\"\",a\n", "1:~<a>;");
}

/* Binary rows: header with extension, null fields, the trailer; a wrong count or a cut row is an
 * error. */
static void binary_rows_are_parsed(void **state)
{
    struct pgwire_copy_options o = pgwire_copy_defaults(PGWIRE_BINARY);
#define HEAD "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
    ROWS(o, 2, HEAD "\0\2\0\0\0\1x\xff\xff\xff\xff\0\2\0\0\0\0\0\0\0\2yz\xff\xff",
         "1:<x>~;2:<><yz>;");
    ROWS(o, 1, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\3abc\0\1\0\0\0\1x\xff\xff", "1:<x>;");
    COPY_ERROR(o, HEAD "\0\2\0\0\0\0\0\0\0\0", "row field count is 2, expected 3");
    COPY_ERROR(o, HEAD "\0\3\0\0\0\1x\0\0", "unexpected EOF in COPY data");
    COPY_ERROR(o, HEAD "\0\3\xff\xff\xff\xf0", "invalid field size");
    COPY_ERROR(o, "garbage, not a COPY file", "COPY file signature not recognized");
    COPY_ERROR(o, "PGCO", "COPY file signature not recognized");
    COPY_ERROR(o, HEAD "\xff\xffxx", "received copy data after EOF marker");
}

/* What is written is read back the same, in each format. */
static void copy_formats_round_trip(void **state)
{
    static const char *const values[] = {"plain",    "",    NULL,  "tab\there",       "a\\b\nc\rd",
                                         "q\"uo,te", "\\N", "\\.", "\x01\x7f\xc3\xa9"};
    _cleanup_(buf_done) struct buf data = {0}, out = {0}, want = {0};
    for (int format = PGWIRE_TEXT; format <= PGWIRE_BINARY; format++) {
        struct pgwire_copy_options o = pgwire_copy_defaults((enum pgwire_copy_format)format);
        buf_clear(&data);
        buf_clear(&want);
        pgwire_copy_put_start(&data, &o);
        for (size_t i = 0; i < ARRAY_LEN(values); i++) {
            pgwire_copy_put_row(&data, &o, 2);
            pgwire_copy_put_field(&data, &o, 0, values[i], values[i] ? strlen(values[i]) : 0);
            pgwire_copy_put_field(&data, &o, 1, "x", 1);
            pgwire_copy_put_row_end(&data, &o);
            buf_printf(&want, values[i] ? "<%s><x>;" : "~<x>;", values[i]);
        }
        pgwire_copy_put_finish(&data, &o);
        assert_null(read_all(&o, 2, data.data, data.len, 7, &out));
        _cleanup_(buf_done) struct buf bare = {0}; /* without line numbers */
        for (const char *p = out.data; *p; p++) {
            if (p == out.data || p[-1] == ';')
                p = strchr(p, ':') + 1;
            buf_append(&bare, p, 1);
        }
        assert_string_equal(bare.data, want.data);
    }
}

/* A row of a megabyte in chunks of a hundred bytes is read in linear time (this would take minutes
 * else). */
static void long_rows_are_linear(void **state)
{
    size_t n = 4 << 20;
    char *text = mem_alloc(n);
    memset(text, 'x', n);
    text[n - 1] = '\n';
    struct pgwire_copy_options o = pgwire_copy_defaults(PGWIRE_TEXT);
    struct pgwire_copy *c = pgwire_copy_new(&o, 1);
    enum pgwire_copy_step step = PGWIRE_COPY_MORE;
    struct pgwire_copy_row row = {0};
    uint64_t before = clock_ms();
    for (size_t at = 0; at < n && step == PGWIRE_COPY_MORE; at += 64) {
        pgwire_copy_feed(c, text + at, 64);
        assert_null(pgwire_copy_next(c, &step, &row));
    }
    assert_int_equal(step, PGWIRE_COPY_ROW);
    assert_int_equal(row.fields[0].n, n - 1);
    assert_true(clock_ms() - before < 5000);
    pgwire_copy_free(c);
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_arrive_in_pieces),
        cmocka_unit_test(unknown_types_are_refused),
        cmocka_unit_test(lengths_are_limited),
        cmocka_unit_test(startup_is_decoded),
        cmocka_unit_test(bad_startup_is_refused),
        cmocka_unit_test(bind_is_decoded),
        cmocka_unit_test(bad_bind_is_refused),
        cmocka_unit_test(small_messages_are_decoded),
        cmocka_unit_test(errors_are_encoded),
        cmocka_unit_test(rows_are_encoded),
        cmocka_unit_test(utf8_is_checked),
        cmocka_unit_test(utf8_is_told),
        cmocka_unit_test(text_rows_are_parsed),
        cmocka_unit_test(end_marker_is_understood),
        cmocka_unit_test(mixed_line_ends_are_errors),
        cmocka_unit_test(csv_rows_are_parsed),
        cmocka_unit_test(csv_force_options),
        cmocka_unit_test(binary_rows_are_parsed),
        cmocka_unit_test(copy_formats_round_trip),
        cmocka_unit_test(long_rows_are_linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
