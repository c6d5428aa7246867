/* Rows by columns: arrays that grow together, with text copied into chunks of their own. */
#include "exec/batch_int.h"

enum { FIRST_ROWS = 1024, CHUNK_BYTES = 64 * 1024 };

struct text_chunk {
    struct text_chunk *next;
    size_t used, size;
    char data[];
};

void exec__rows_init(struct rows *r, int n_columns)
{
    *r = (struct rows){.n_columns = n_columns};
    r->col = mem_zalloc(sizeof(*r->col) * (size_t)MAX(n_columns, 1));
}

static void free_text(struct text_chunk *c)
{
    while (c) {
        struct text_chunk *next = c->next;
        mem_free(c);
        c = next;
    }
}

void exec__rows_clear(struct rows *r)
{
    r->n = 0;
    if (!r->text)
        return;
    /* The newest chunk serves again. */
    free_text(r->text->next);
    r->text->next = NULL;
    r->text->used = 0;
}

void exec__rows_done(struct rows *r)
{
    for (int i = 0; r->col && i < r->n_columns; i++) {
        mem_free(r->col[i].kind);
        mem_free(r->col[i].bits);
        mem_free(r->col[i].len);
    }
    mem_free(r->col);
    free_text(r->text);
    *r = (struct rows){0};
}

static void grow(struct rows *r)
{
    r->cap = MAX((uint32_t)FIRST_ROWS, r->cap * 2);
    for (int i = 0; i < r->n_columns; i++) {
        struct vec *v = &r->col[i];
        v->kind = mem_realloc(v->kind, r->cap);
        v->bits = mem_realloc(v->bits, r->cap * sizeof(*v->bits));
        if (v->len)
            v->len = mem_realloc(v->len, r->cap * sizeof(*v->len));
        r->bytes += (r->cap / 2) * (v->len ? 13 : 9);
    }
}

static char *text_room(struct rows *r, size_t n)
{
    struct text_chunk *c = r->text;
    if (!c || c->size - c->used < n) {
        size_t size = MAX((size_t)CHUNK_BYTES, n);
        c = mem_alloc(sizeof(*c) + size);
        *c = (struct text_chunk){.next = r->text, .size = size};
        r->text = c;
        r->bytes += size;
    }
    char *p = c->data + c->used;
    c->used += n;
    return p;
}

static void set_text(struct rows *r, struct vec *v, const struct value *value)
{
    if (!v->len) {
        v->len = mem_alloc(r->cap * sizeof(*v->len));
        r->bytes += r->cap * sizeof(*v->len);
    }
    char *p = text_room(r, value->s.n);
    if (value->s.n > 0)
        memcpy(p, value->s.p, value->s.n);
    v->bits[r->n] = (uint64_t)(uintptr_t)p;
    v->len[r->n] = (uint32_t)value->s.n;
}

struct error *exec__rows_add(struct rows *r, const struct value *values)
{
    if (r->n == r->cap) {
        if (r->cap >= 1u << 31)
            return error_new("54000", "too many rows");
        grow(r);
    }
    for (int i = 0; i < r->n_columns; i++) {
        struct vec *v = &r->col[i];
        v->kind[r->n] = (uint8_t)values[i].kind;
        switch (values[i].kind) {
        case VALUE_NULL:
            break;
        case VALUE_INT:
            v->bits[r->n] = (uint64_t)values[i].i;
            break;
        case VALUE_REAL:
            memcpy(&v->bits[r->n], &values[i].r, sizeof(v->bits[0]));
            break;
        case VALUE_TEXT:
        case VALUE_BLOB:
            set_text(r, v, &values[i]);
            break;
        }
    }
    r->n++;
    return NULL;
}
