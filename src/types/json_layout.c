/*
 * Where the arrays and objects in a jsonb lie in PostgreSQL's binary form, by which keyvalue() of
 * SQL/JSON paths tells objects apart. The form itself is nowhere made.
 *
 *     container   4 bytes, 4 for each key and each item, then keys, then items
 *     string      its bytes
 *     number      a numeric: 4 bytes, a header of 2 or 4, 2 for each four digits
 *     others      nothing
 *
 * Containers and numbers begin at a multiple of 4.
 */
#include "types/json.h"

static uint32_t aligned(uint32_t at)
{
    return (at + 3) & ~UINT32_C(3);
}

static uint32_t number_size(const struct value *digits)
{
    _cleanup_(buf_done) struct buf sent = {0};
    uint16_t head[4]; /* groups of four digits, weight, sign, scale */
    types__numeric_send(digits, &sent);
    for (int i = 0; i < 4; i++)
        head[i] =
            (uint16_t)((unsigned char)sent.data[i * 2] << 8 | (unsigned char)sent.data[i * 2 + 1]);
    int16_t weight = (int16_t)head[1];
    bool is_short = head[3] <= 63 && weight >= -64 && weight <= 63;
    return (is_short ? 6U : 8U) + 2U * head[0];
}

/* Gives where it ends. */
static uint32_t lay_out(struct json *j, uint32_t at)
{
    switch (j->kind) {
    case JSON_STRING:
    case JSON_MOMENT:
        return at + (uint32_t)j->text.s.n;
    case JSON_NUMBER:
        return aligned(at) + number_size(&j->text);
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    default:
        return at;
    }
    j->offset = aligned(at);
    at = j->offset + 4 + 4 * (uint32_t)j->n * (j->kind == JSON_OBJECT ? 2 : 1);
    for (int i = 0; j->kind == JSON_OBJECT && i < j->n; i++)
        at += (uint32_t)j->keys[i].s.n;
    for (int i = 0; i < j->n; i++)
        at = lay_out(&j->items[i], at);
    return at;
}

void types__json_lay_out(struct json *j)
{
    lay_out(j, 0);
}
