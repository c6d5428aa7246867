/*
 * What a session's settings hold, by number: first the rows of the table (settings.c), then what
 * the session made up itself (a.b = c).
 *
 * A setting has up to three texts:
 *
 *   start    what the client asked for when it connected: RESET goes back there
 *   text     what holds now; NULL: start, and else the table's
 *   outside  what holds again after the transaction, while a SET LOCAL hides it
 *
 * Every change first writes down what was there before, once for each savepoint: the log. Its
 * entries are of growing depth (how many savepoints there were).
 *
 *   ROLLBACK TO   undoes what is as deep as the savepoint, or deeper
 *   RELEASE       makes these entries the outer savepoint's
 *   ROLLBACK      undoes all; COMMIT forgets the log, and what SET LOCAL said
 *
 * A statement outside of a transaction block is a transaction, too.
 */
#include "gateway/gateway_int.h"

#include <strings.h>

struct setting_value {
    char *text, *start, *outside;
    bool local; /* text is SET LOCAL's */
    int saved;  /* 1 + the depth of its last entry in the log; 0: none */
    char *told; /* what the client was told last */
};

struct setting_before {
    int i, depth;
    char *text, *outside;
    bool local;
    int saved;
};

void settings__done(struct settings *t)
{
    settings__end(t, true);
    for (int i = 0; i < t->n; i++) {
        mem_free(t->values[i].text);
        mem_free(t->values[i].start);
        mem_free(t->values[i].told);
    }
    for (int i = 0; i < t->n_custom; i++)
        mem_free(t->custom[i]);
    mem_free(t->custom);
    mem_free(t->values);
    mem_free(t->log);
}

const char *settings__text(const struct settings *t, int i)
{
    if (i >= t->n)
        return NULL;
    return t->values[i].text ? t->values[i].text : t->values[i].start;
}

const char *settings__start_text(const struct settings *t, int i)
{
    return i < t->n ? t->values[i].start : NULL;
}

bool settings__changed(const struct settings *t, int i)
{
    return i < t->n && t->values[i].text;
}

/* ---- names that are made up ----------------------------------------------------------------- */

int settings__find_custom(const struct settings *t, const char *name)
{
    for (int i = 0; i < t->n_custom; i++)
        if (!strcasecmp(t->custom[i], name))
            return i;
    return -1;
}

int settings__add_custom(struct settings *t, const char *name)
{
    t->custom = mem_realloc(t->custom, sizeof(*t->custom) * (size_t)(t->n_custom + 1));
    t->custom[t->n_custom] = mem_strdup(name);
    return t->n_custom++;
}

/* ---- changing ------------------------------------------------------------------------------- */

static struct setting_value *value_at(struct settings *t, int i)
{
    if (i >= t->n) {
        int n = MAX(i + 1, t->n * 2);
        t->values = mem_realloc(t->values, sizeof(*t->values) * (size_t)n);
        memset(t->values + t->n, 0, sizeof(*t->values) * (size_t)(n - t->n));
        t->n = n;
    }
    return &t->values[i];
}

static char *copy(const char *text)
{
    return text ? mem_strdup(text) : NULL;
}

static void write_down(struct settings *t, int i, int depth)
{
    struct setting_value *v = &t->values[i];
    if (v->saved > depth)
        return;
    if (t->n_log == t->cap_log) {
        t->cap_log = MAX(8, t->cap_log * 2);
        t->log = mem_realloc(t->log, sizeof(*t->log) * (size_t)t->cap_log);
    }
    t->log[t->n_log++] = (struct setting_before){.i = i,
                                                 .depth = depth,
                                                 .text = copy(v->text),
                                                 .outside = copy(v->outside),
                                                 .local = v->local,
                                                 .saved = v->saved};
    v->saved = depth + 1;
}

void settings__assign(struct settings *t, int i, char *text, bool local, int depth)
{
    struct setting_value *v = value_at(t, i);
    write_down(t, i, depth);
    if (local && !v->local) {
        v->outside = v->text;
        v->text = NULL;
    }
    if (!local && v->local) {
        mem_free(v->outside);
        v->outside = NULL;
    }
    v->local = local;
    mem_free(v->text);
    v->text = text;
}

bool settings__news(struct settings *t, int i, const char *text)
{
    struct setting_value *v = value_at(t, i);
    if (v->told && !strcmp(v->told, text))
        return false;
    mem_free(v->told);
    v->told = mem_strdup(text);
    return true;
}

void settings__keep_start(struct settings *t)
{
    settings__end(t, true);
    for (int i = 0; i < t->n; i++) {
        t->values[i].start = t->values[i].text;
        t->values[i].text = NULL;
    }
}

/* ---- ends ----------------------------------------------------------------------------------- */

void settings__undo(struct settings *t, int depth)
{
    while (t->n_log && t->log[t->n_log - 1].depth >= depth) {
        struct setting_before *b = &t->log[--t->n_log];
        struct setting_value *v = &t->values[b->i];
        mem_free(v->text);
        mem_free(v->outside);
        v->text = b->text;
        v->outside = b->outside;
        v->local = b->local;
        v->saved = b->saved;
    }
}

void settings__merge(struct settings *t, int depth)
{
    for (int k = t->n_log - 1; k >= 0 && t->log[k].depth > depth; k--) {
        struct setting_value *v = &t->values[t->log[k].i];
        t->log[k].depth = depth;
        v->saved = MIN(v->saved, depth + 1);
    }
}

void settings__end(struct settings *t, bool committed)
{
    if (!committed)
        settings__undo(t, 0);
    while (t->n_log) {
        struct setting_before *b = &t->log[--t->n_log];
        struct setting_value *v = &t->values[b->i];
        mem_free(b->text);
        mem_free(b->outside);
        if (v->local) {
            mem_free(v->text);
            v->text = v->outside;
            v->outside = NULL;
        }
        v->local = false;
        v->saved = 0;
    }
}
