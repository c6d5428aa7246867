/* struct interval: a span of time while it is being worked on, and the calendar that the files of
 * dates and times share. Private to the datetime*.c and interval*.c files. */
#pragma once

#include "types/types_int.h"

/* The three parts are kept apart, as in PostgreSQL: a month has no fixed number of days, a day no
 * fixed number of hours. */
struct interval {
    int32_t months, days;
    int64_t us;
};

/* Reads the text form, in a value or as a user wrote it: 22007, 22015. */
struct error *interval_read(const char *s, size_t n, struct interval *ret);
/* A number without a unit counts what `fields` end with: '1-2' hour to minute */
struct error *interval_read_fields(const char *s, size_t n, int fields, struct interval *ret);
/* IntervalStyle postgres: "1 year 2 mons -3 days 04:05:06.7" */
void interval_print(const struct interval *i, struct buf *out);
struct error *interval_of(const struct value *v, struct interval *ret);
struct value interval_value(const struct interval *i, struct arena *a);
/* Order of spans, a month counted as 30 days and a day as 24 hours. */
int interval_compare(const struct interval *x, const struct interval *y);
struct error *interval_add(const struct interval *x, const struct interval *y,
                           struct interval *ret);
struct error *interval_negate(const struct interval *x, struct interval *ret);
/* What `by` is from a moment backwards. 22008 for the moment when it has no opposite. */
struct error *interval_back(int64_t us, const struct value *by, struct interval *ret);
/* 22008 "interval out of range" */
struct error *interval_out_of_range(void);
struct error *interval_multiply(const struct interval *x, double by, struct interval *ret);
struct error *interval_divide(const struct interval *x, double by, struct interval *ret);

/* The time of day, whatever the day. */
int64_t types__into_day(int64_t us);
/* Months first (31st + 1 month is a month's last day), then days, then time. */
struct error *types__timestamp_move(int64_t us, const struct interval *by, struct value *ret);
CALL(types__timestamp_age);
CALL(types__timestamp_plus);
CALL(types__timestamptz_plus);
CALL(types__time_plus);
CALL(types__make_date);
struct error *types__make_day(const struct value *v, int64_t shown, struct value *ret);
CALL(types__make_time);
CALL(types__trunc_timestamptz); /* by the thread's zone */

/* ---- the calendar (datetime_io.c); year 0 is 1 BC ----------------------------------------- */

enum { MONTHS_IN_YEAR = 12 };
int64_t types__days_of(int64_t year, int month, int day);
void types__civil_of(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day);
int types__month_length(int64_t year, int month);
