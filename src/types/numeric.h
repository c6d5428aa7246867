/* struct num: a decimal number while it is being worked on. Private to the numeric_*.c files. */
#pragma once

#include "types/types_int.h"

#include <gmp.h>

/* The infinities and NaN have no coefficient and no scale. NaN is equal to itself, and above all.
 */
enum num_kind { NUM_FINITE, NUM_NAN, NUM_PLUS_INFINITY, NUM_MINUS_INFINITY };

/*
 * coefficient / 10^scale. The coefficient is in `small` while it fits (38 digits), else in `z`.
 * `scale` is PostgreSQL's display scale: the digits behind the point that are printed.
 */
struct num {
    enum num_kind kind;
    int scale;
    bool big; /* z is initialized and holds the coefficient */
    __int128 small;
    mpz_t z;
};

enum {
    NUM_MAX_SCALE = 16383,       /* digits behind the point */
    NUM_MAX_DIGITS = 131072,     /* before it */
    NUM_MAX_RESULT_SCALE = 1000, /* of a division */
    NUM_MIN_SIGNIFICANT = 16,    /* digits that a division gives at least */
    NUM_SMALL_DIGITS = 38,
};

struct error *num_read(const char *s, size_t n, struct num *ret); /* 22P02, 22003 */
/* Checks PostgreSQL's limits of size, prints into the arena, and ends x. */
struct error *num_finish(struct num *x, struct arena *a, struct value *ret);
void num_print(const struct num *x, struct buf *out);
void num_of_int(__int128 i, struct num *ret);
void num_copy(const struct num *x, struct num *ret);
void num_done(struct num *x);
void num_grow(struct num *x);               /* small -> z */
void num_rescale(struct num *x, int scale); /* rounds half away from zero */
void num_truncate(struct num *x, int scale);
int num_sign(const struct num *x); /* NaN: 1 */
/* Makes it NaN, an infinity, or what `r` is: 0, 1 or -1. Not to be ended again where it is not. */
void num_of_special(double r, struct num *ret);
int num_compare(const struct num *x, const struct num *y);
void num_negate(struct num *x);
void num_add(struct num *x, const struct num *y); /* x += y */
void num_sub(struct num *x, const struct num *y);
void num_mul(struct num *x, const struct num *y);
/* x /= y with the given scale, rounded half away from zero or cut; y is not zero */
void num_div(struct num *x, const struct num *y, int scale, bool round);
int num_div_scale(const struct num *x, const struct num *y); /* PostgreSQL's select_div_scale */
void num_pow10(mpz_t z, int power);
void num_sqrt(struct num *x, int scale); /* x >= 0 */
struct error *num_division_by_zero(void);
/* numeric_math.c: x := f(x), with PostgreSQL's scale; on an error x is as it was */
struct error *num_exp(struct num *x);
struct error *num_ln(struct num *x);
struct error *num_log(struct num *x, const struct num *base);
/* `odd`: y is a whole odd number; a negative x needs a whole y. scale -1: PostgreSQL's */
struct error *num_power(struct num *x, const struct num *y, bool odd, int scale);
/* The decimal exponent of the first digit: 0 for 1..9, -1 for 0.1; 0 for zero. */
int num_exponent(const struct num *x);
struct error *num_too_big(void);
