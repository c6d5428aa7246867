/*
 * timetz: a time of day and an offset from Greenwich. It is stored as one integer whose order is
 * PostgreSQL's: the time at Greenwich first, then the offset, that farther in the east first.
 *
 *   (microseconds of the day at Greenwich) * 2^21 + (seconds west + 2^20)
 */
#include "types/interval.h"
#include "types/zone.h"

enum { WEST_RANGE = 1 << 21, WEST_MIDDLE = 1 << 20, OFFSET_MAX_S = 16 * 3600 - 1 };

int64_t types__timetz_pack(int64_t us, int32_t east)
{
    return (us - east * SECOND_US) * WEST_RANGE + (WEST_MIDDLE - east);
}

int64_t types__timetz_unpack(int64_t packed, int32_t *ret_east)
{
    int64_t west = packed & (WEST_RANGE - 1);
    *ret_east = WEST_MIDDLE - (int32_t)west;
    return (packed - west) / WEST_RANGE + *ret_east * SECOND_US;
}

struct error *types__timetz_fit(int64_t packed, int32_t typmod, int64_t *ret)
{
    int32_t east;
    int64_t us = types__timetz_unpack(packed, &east);
    TRY(types__timestamp_fit(us, typmod, &us));
    *ret = types__timetz_pack(us, east);
    return NULL;
}

void types__timetz_print(int64_t packed, struct buf *out)
{
    int32_t east;
    types__time_print(types__timetz_unpack(packed, &east), out);
    types__offset_print(east, out);
}

/* On the wire: the time, and seconds west. */
struct error *types__timetz_recv(int64_t us, int32_t west, int32_t typmod, int64_t *ret)
{
    if (us < 0 || us > DAY_US)
        return error_new(E_DATETIME_RANGE, "time out of range");
    if (west < -OFFSET_MAX_S || west > OFFSET_MAX_S)
        return error_new("22009", "time zone displacement out of range");
    return types__timetz_fit(types__timetz_pack(us, -west), typmod, ret);
}

/* ---- casts ---------------------------------------------------------------------------------- */

CALL(types__timetz_to_time)
{
    int32_t east;
    *ret = value_int(types__timetz_unpack(v[0].i, &east));
    return NULL;
}

/* With the offset that the session's zone has now. */
CALL(types__time_to_timetz)
{
    *ret = value_int(types__timetz_pack(v[0].i, types__zone_offset(types__zone(), types_now())));
    return NULL;
}

CALL(types__timestamptz_to_timetz)
{
    if (v[0].i == TIMESTAMP_NEVER || v[0].i == TIMESTAMP_EVER) {
        *ret = (struct value){.kind = VALUE_NULL};
        return NULL;
    }
    int32_t east = types__zone_offset(types__zone(), v[0].i);
    int64_t local = v[0].i + east * SECOND_US;
    *ret = value_int(types__timetz_pack(local - types__timestamp_days(local) * DAY_US, east));
    return NULL;
}

/* ---- arithmetic ----------------------------------------------------------------------------- */

static struct error *moved(const struct value *time, const struct value *by, int sign,
                           struct value *ret)
{
    struct interval i;
    int32_t east;
    TRY(interval_of(by, &i));
    int64_t us = types__timetz_unpack(time->i, &east);
    *ret = value_int(types__timetz_pack(types__into_day(us + sign * (i.us % DAY_US)), east));
    return NULL;
}

static CALL(timetz_plus)
{
    return moved(&v[0], &v[1], 1, ret);
}

static CALL(plus_timetz)
{
    return moved(&v[1], &v[0], 1, ret);
}

static CALL(timetz_minus)
{
    return moved(&v[0], &v[1], -1, ret);
}

static struct error *moment(const struct value *date, const struct value *time, struct arena *a,
                            struct value *ret)
{
    int32_t east;
    TRY(types__date_to_timestamp(date, 1, a, ret));
    if (ret->i == TIMESTAMP_NEVER || ret->i == TIMESTAMP_EVER)
        return NULL;
    ret->i += types__timetz_unpack(time->i, &east);
    ret->i -= east * SECOND_US;
    return types__timestamp_valid(ret->i) ? NULL
                                          : error_new(E_DATETIME_RANGE, "timestamp out of range");
}

static CALL(date_and_timetz)
{
    return moment(&v[0], &v[1], a, ret);
}

static CALL(timetz_and_date)
{
    return moment(&v[1], &v[0], a, ret);
}

/* ---- AT TIME ZONE --------------------------------------------------------------------------- */

static void turn(const struct value *time, int32_t to, struct value *ret)
{
    int32_t east;
    int64_t us = types__timetz_unpack(time->i, &east);
    *ret = value_int(types__timetz_pack(types__into_day(us + (to - east) * SECOND_US), to));
}

static CALL(timetz_in_zone)
{
    const struct zone *z;
    TRY(types__zone_of(&v[0], &z));
    turn(&v[1], types__zone_offset(z, types_now()), ret);
    return NULL;
}

static CALL(timetz_at_offset)
{
    int64_t us = 0;
    TRY(types__interval_offset(&v[0], &us));
    if (us / SECOND_US <= -WEST_MIDDLE || us / SECOND_US >= WEST_MIDDLE)
        return error_new("22023", "time zone displacement out of range");
    turn(&v[1], (int32_t)(us / SECOND_US), ret);
    return NULL;
}

/* ---- rows ----------------------------------------------------------------------------------- */

#define I OID_INTERVAL
#define Z OID_TIMETZ

static const struct func rows[] = {
    BINARY("+", Z, I, Z, "timetz_plus", timetz_plus),
    BINARY("+", I, Z, Z, "plus_timetz", plus_timetz),
    BINARY("-", Z, I, Z, "timetz_minus", timetz_minus),
    BINARY("+", OID_DATE, Z, OID_TIMESTAMPTZ, "date_and_timetz", date_and_timetz),
    BINARY("+", Z, OID_DATE, OID_TIMESTAMPTZ, "timetz_and_date", timetz_and_date),
    SCALAR2("timestamptz", OID_DATE, Z, OID_TIMESTAMPTZ, "date_and_timetz", date_and_timetz),
    SCALAR2("timezone", OID_TEXT, Z, Z, "timetz_in_zone", timetz_in_zone),
    SCALAR2("timezone", I, Z, Z, "timetz_at_offset", timetz_at_offset),
};

const struct func_rows types__timetz_funcs = {rows, ARRAY_LEN(rows)};
