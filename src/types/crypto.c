/*
 * What PostgreSQL has in the extensions pgcrypto (digests, random bytes, passwords) and uuid-ossp
 * (uuids made of names). OpenSSL and libcrypt do the work. The rest of pgcrypto, encryption and
 * PGP, is not here.
 */
#include "types/types_int.h"

#include <crypt.h>
#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { UUID_BYTES = 16, RANDOM_MAX = 1024 };

/* ---- digests -------------------------------------------------------------------------------- */

enum { NAME_MAX_LEN = 63 };

static struct error *find_digest(const struct value *name, const EVP_MD **ret)
{
    static const struct {
        const char *name;
        const EVP_MD *(*get)(void);
    } kinds[] = {{"md5", EVP_md5},       {"sha1", EVP_sha1},     {"sha224", EVP_sha224},
                 {"sha256", EVP_sha256}, {"sha384", EVP_sha384}, {"sha512", EVP_sha512}};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (name->s.n == strlen(kinds[i].name) &&
            strncasecmp(name->s.p, kinds[i].name, name->s.n) == 0) {
            *ret = kinds[i].get();
            return NULL;
        }
    }
    char lower[NAME_MAX_LEN + 1] = ""; /* as an identifier is */
    for (size_t i = 0; i < MIN(name->s.n, NAME_MAX_LEN); i++)
        lower[i] =
            (char)(name->s.p[i] >= 'A' && name->s.p[i] <= 'Z' ? name->s.p[i] + 32 : name->s.p[i]);
    return error_new("22023", "Cannot use \"%s\": No such hash algorithm", lower);
}

static CALL(digest)
{
    const EVP_MD *kind = NULL;
    unsigned len = 0;
    TRY(find_digest(&v[1], &kind));
    unsigned char *sum = arena_alloc(a, EVP_MAX_MD_SIZE);
    TRY(types__digest(v[0].s.p, v[0].s.n, kind, sum, &len));
    *ret = types__bytes(sum, len);
    return NULL;
}

static CALL(hmac)
{
    const EVP_MD *kind = NULL;
    unsigned len = 0;
    TRY(find_digest(&v[2], &kind));
    unsigned char *sum = arena_alloc(a, EVP_MAX_MD_SIZE);
    if (v[1].s.n > INT32_MAX ||
        !HMAC(kind, v[1].s.p, (int)v[1].s.n, (const unsigned char *)v[0].s.p, v[0].s.n, sum, &len))
        return error_new(E_INTERNAL, "could not compute a digest");
    *ret = types__bytes(sum, len);
    return NULL;
}

static CALL(gen_random_bytes)
{
    if (v[0].i < 1 || v[0].i > RANDOM_MAX)
        return error_new("39000", "Length not in range");
    char *p = arena_alloc(a, (size_t)v[0].i);
    TRY(types__random(p, (size_t)v[0].i));
    *ret = types__bytes(p, (size_t)v[0].i);
    return NULL;
}

/* ---- passwords ------------------------------------------------------------------------------ */

/* The forms of pgcrypto; libcrypt knows more, which a PostgreSQL could not read. */
static const struct salt {
    const char *name, *prefix;
    unsigned long rounds, min, max; /* the usual number, and what it may be */
    bool odd;
} salts[] = {{"des", "", 0, 0, 0, false},
             {"md5", "$1$", 0, 0, 1000, false},
             {"xdes", "_", 725, 1, 0xffffff, true},
             {"bf", "$2a$", 6, 4, 31, false}};

static bool has_prefix(const char *s)
{
    for (size_t i = 0; i < ARRAY_LEN(salts); i++)
        if (salts[i].prefix[0] && strncmp(s, salts[i].prefix, strlen(salts[i].prefix)) == 0)
            return true;
    return strncmp(s, "$2x$", 4) == 0;
}

enum { DES_SALT = 2 };

/* pgcrypto takes any two bytes for the salt of DES: one that is no digit counts as the digit 0, and
 * is kept. NULL: that would be no text, which only a part of a character can cause. */
static const char *crypt_des(const char *password, const char *salt, struct crypt_data *data)
{
    static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    char known[DES_SALT + 1] = {0};
    for (int i = 0; i < DES_SALT; i++) {
        if (!salt[i])
            return NULL;
        known[i] = strchr(digits, salt[i]) ? salt[i] : digits[0];
    }
    char *made = crypt_rn(password, known, data, sizeof(*data));
    if (!made || made[0] == '*')
        return NULL;
    memcpy(made, salt, DES_SALT);
    struct error *e = types__utf8_check(made, strlen(made));
    bool text = !e;
    error_free(e);
    return text ? made : NULL;
}

static const char *crypt_known(const char *password, const char *salt, struct crypt_data *data)
{
    const char *made = crypt_rn(password, salt, data, sizeof(*data));
    return made && made[0] != '*' ? made : NULL;
}

static CALL(crypt_password)
{
    const char *password = arena_strndup(a, v[0].s.p, v[0].s.n);
    const char *salt = arena_strndup(a, v[1].s.p, v[1].s.n);
    struct crypt_data *data = mem_zalloc(sizeof(*data));
    const char *made =
        has_prefix(salt) ? crypt_known(password, salt, data) : crypt_des(password, salt, data);
    if (made)
        *ret = value_text(arena_strdup(a, made), strlen(made));
    mem_free(data);
    return made ? NULL : error_new("22023", "invalid salt");
}

static struct error *gen_salt(const struct value *name, const unsigned long *rounds,
                              struct arena *a, struct value *ret)
{
    const struct salt *s = NULL;
    for (size_t i = 0; i < ARRAY_LEN(salts) && !s; i++)
        if (name->s.n == strlen(salts[i].name) &&
            strncasecmp(name->s.p, salts[i].name, name->s.n) == 0)
            s = &salts[i];
    if (!s)
        return error_new("22023", "gen_salt: Unknown salt algorithm");
    unsigned long n = rounds && *rounds ? *rounds : s->rounds;
    if (rounds && *rounds &&
        (n < s->min || n > s->max || (s->odd && n % 2 == 0) || (s->max == 1000 && n != 1000)))
        return error_new("22023", "gen_salt: Incorrect number of rounds");
    char bytes[UUID_BYTES], *out = arena_alloc(a, CRYPT_GENSALT_OUTPUT_SIZE);
    TRY(types__random(bytes, sizeof(bytes)));
    if (!crypt_gensalt_rn(s->prefix, n, bytes, sizeof(bytes), out, CRYPT_GENSALT_OUTPUT_SIZE))
        return error_errno(E_INTERNAL, errno, "could not make a salt");
    *ret = value_text(out, strlen(out));
    return NULL;
}

static CALL(gen_salt1)
{
    return gen_salt(&v[0], NULL, a, ret);
}

static CALL(gen_salt2)
{
    unsigned long rounds = v[1].i < 0 ? ULONG_MAX : (unsigned long)v[1].i;
    return gen_salt(&v[0], &rounds, a, ret);
}

/* ---- uuids ---------------------------------------------------------------------------------- */

static struct error *named(const struct value *v, const EVP_MD *kind, unsigned version,
                           struct arena *a, struct value *ret)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    _cleanup_(buf_done) struct buf text = {0};
    types__uuid_send(&v[0], -1, &text);
    buf_append(&text, v[1].s.p, v[1].s.n);
    TRY(types__digest(text.data, text.len, kind, sum, &len));
    types__uuid_stamp(sum, version);
    return types__uuid_recv((const char *)sum, UUID_BYTES, -1, a, ret);
}

static CALL(uuid_v3)
{
    return named(v, EVP_md5(), 3, a, ret);
}

static CALL(uuid_v5)
{
    return named(v, EVP_sha1(), 5, a, ret);
}

#define DEFINE_UUID(name, text)                                                                    \
    static CALL(name)                                                                              \
    {                                                                                              \
        *ret = value_text(text, sizeof(text) - 1);                                                 \
        return NULL;                                                                               \
    }

DEFINE_UUID(uuid_nil, "00000000-0000-0000-0000-000000000000")
DEFINE_UUID(uuid_ns_dns, "6ba7b810-9dad-11d1-80b4-00c04fd430c8")
DEFINE_UUID(uuid_ns_url, "6ba7b811-9dad-11d1-80b4-00c04fd430c8")
DEFINE_UUID(uuid_ns_oid, "6ba7b812-9dad-11d1-80b4-00c04fd430c8")
DEFINE_UUID(uuid_ns_x500, "6ba7b814-9dad-11d1-80b4-00c04fd430c8")

/* ---- rows ----------------------------------------------------------------------------------- */

#define B OID_BYTEA
#define T OID_TEXT
#define U OID_UUID

#define UUID(n)                                                                                    \
    {                                                                                              \
        .name = #n, .kind = FUNC_SCALAR, .result = U, .sqlite_name = #n, .call = n                 \
    }
#define VOLATILE(n, args_n, a, b, r, fn)                                                           \
    {                                                                                              \
        .name = n, .kind = FUNC_SCALAR, .nargs = args_n, .args = {a, b}, .result = r,              \
        .strict = true, .volatile_ = true, .sqlite_name = #fn, .call = fn                          \
    }

static const struct func rows[] = {
    SCALAR2("digest", T, T, B, "digest_text", digest),
    SCALAR2("digest", B, T, B, "digest_bytea", digest),
    SCALAR3("hmac", T, T, T, B, "hmac_text", hmac),
    SCALAR3("hmac", B, B, T, B, "hmac_bytea", hmac),
    SCALAR2("crypt", T, T, T, "crypt", crypt_password),
    VOLATILE("gen_salt", 1, T, 0, T, gen_salt1),
    VOLATILE("gen_salt", 2, T, OID_INT4, T, gen_salt2),
    VOLATILE("gen_random_bytes", 1, OID_INT4, 0, B, gen_random_bytes),
    SCALAR2("uuid_generate_v3", U, T, U, "uuid_v3", uuid_v3),
    SCALAR2("uuid_generate_v5", U, T, U, "uuid_v5", uuid_v5),
    UUID(uuid_nil),
    UUID(uuid_ns_dns),
    UUID(uuid_ns_url),
    UUID(uuid_ns_oid),
    UUID(uuid_ns_x500),
};

const struct func_rows types__crypto_funcs = {rows, ARRAY_LEN(rows)};
