/*
 * Calls of etcd's JSON gateway: one POST, one JSON object back.
 *
 * A call tries the endpoint that answered last, then the others, then all again until its deadline.
 * What matters most is what is *not* tried again: a transaction of which a byte may have arrived.
 * The request body is given to curl through a callback that counts; a body that was never asked for
 * was never sent. The same callback refuses to be rewound, so that curl does not resend by itself
 * over a fresh connection when a kept one turns out to be dead.
 *
 * Handles come from a small pool; each is used by one thread at a time and keeps its connections
 * alive.
 */
#include "coord/etcd_int.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

/* ---- one exchange ------------------------------------------------------------------------- */

struct exchange {
    const char *body;
    size_t len, sent;
    struct buf answer;
    bool too_long;
};

static size_t give_body(char *to, size_t size, size_t n, void *arg)
{
    struct exchange *x = arg;
    size_t part = MIN(size * n, x->len - x->sent);
    memcpy(to, x->body + x->sent, part);
    x->sent += part;
    return part;
}

static int refuse_rewind(void *arg, curl_off_t offset, int origin)
{
    return CURL_SEEKFUNC_FAIL;
}

static size_t take_answer(char *data, size_t size, size_t n, void *arg)
{
    struct exchange *x = arg;
    if (x->answer.len + size * n > ETCD_ANSWER_MAX) {
        x->too_long = true;
        return 0;
    }
    buf_append(&x->answer, data, size * n);
    return size * n;
}

void etcd__setup(const struct etcd *e, CURL *h, const char *url)
{
    curl_easy_setopt(h, CURLOPT_URL, url);
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    if (e->ca)
        curl_easy_setopt(h, CURLOPT_CAINFO, e->ca);
    if (e->cert) {
        curl_easy_setopt(h, CURLOPT_SSLCERT, e->cert);
        curl_easy_setopt(h, CURLOPT_SSLKEY, e->key);
    }
    curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(h, CURLOPT_PROXY, "");
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(h, CURLOPT_TCP_KEEPIDLE, 5L);
    curl_easy_setopt(h, CURLOPT_TCP_KEEPINTVL, 2L);
    curl_easy_setopt(h, CURLOPT_POST, 1L);
}

static CURL *handle_take(struct etcd *e)
{
    CURL *h = NULL;
    pthread_mutex_lock(&e->lock);
    if (e->n_idle)
        h = e->idle[--e->n_idle];
    pthread_mutex_unlock(&e->lock);
    return h ? h : curl_easy_init();
}

static void handle_give(struct etcd *e, CURL *h)
{
    pthread_mutex_lock(&e->lock);
    bool kept = e->n_idle < ETCD_POOL;
    if (kept)
        e->idle[e->n_idle++] = h;
    pthread_mutex_unlock(&e->lock);
    if (!kept)
        curl_easy_cleanup(h);
}

static CURLcode exchange(struct etcd *e, CURL *h, const char *url, char *authorization,
                         struct exchange *x, uint64_t timeout_ms, long *ret_status,
                         char why[CURL_ERROR_SIZE])
{
    struct curl_slist user = {.data = authorization};
    struct curl_slist no_expect = {.data = (char *)"Expect:", .next = authorization ? &user : NULL};
    struct curl_slist headers = {.data = (char *)"Content-Type: application/json",
                                 .next = &no_expect};
    curl_easy_reset(h); /* options only; connections stay */
    etcd__setup(e, h, url);
    curl_easy_setopt(h, CURLOPT_HTTPHEADER, &headers);
    curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->len);
    curl_easy_setopt(h, CURLOPT_READFUNCTION, give_body);
    curl_easy_setopt(h, CURLOPT_READDATA, x);
    curl_easy_setopt(h, CURLOPT_SEEKFUNCTION, refuse_rewind);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)MIN(timeout_ms, 1000u));
    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, why);
    why[0] = 0;
    CURLcode rc = curl_easy_perform(h);
    curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, ret_status);
    if (rc != CURLE_OK && !why[0])
        snprintf(why, CURL_ERROR_SIZE, "%s", curl_easy_strerror(rc));
    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, NULL);
    curl_easy_setopt(h, CURLOPT_HTTPHEADER, NULL);
    return rc;
}

/* ---- a call: exchanges until one answers -------------------------------------------------- */

struct error *etcd__unreachable(const struct etcd *e, const char *why)
{
    return error_hint(error_new(E_UNAVAILABLE, "could not reach etcd at %s: %s", e->hosts, why),
                      "Check that etcd runs and that --coord names its client addresses. Data goes "
                      "on being served; changes of tables and servers wait.");
}

struct error *etcd__nonsense(void)
{
    return error_hint(error_new(E_PROTOCOL, "etcd sent an answer that makes no sense"),
                      "Check that --coord names etcd servers of version 3.4 or later.");
}

static struct error *unknown_outcome(const char *why)
{
    return error_hint(
        error_new(E_COORD_UNKNOWN, "no answer from etcd to a change of the catalog: %s", why),
        "It may or may not have happened; look before you try again.");
}

enum verdict { ANSWERED, REFUSED, RETRY, UNKNOWN };

/* Did a refused request certainly leave no trace, and is it of no use to send it elsewhere? */
static bool is_final(int code, const char *message)
{
    switch (code) {
    case GRPC_INVALID:
    case GRPC_NOT_FOUND:
    case GRPC_DENIED:
    case GRPC_EXHAUSTED:
    case GRPC_OUT_OF_RANGE:
    case GRPC_UNIMPLEMENTED:
    case GRPC_UNAUTHENTICATED:
    case 9: /* failed precondition */
        return true;
    default:
        return false;
    }
}

/* What an answer with an error in it means. */
static enum verdict judge_refusal(const json_t *answer, bool repeatable, int *ret_code,
                                  char why[CURL_ERROR_SIZE])
{
    const json_t *o = json_object_get(answer, "error");
    if (!json_is_object(o)) /* a unary call has the fields at the top, a stream's in "error" */
        o = answer;
    const char *message = json_string_value(json_object_get(o, "message"));
    if (!message)
        message = json_string_value(json_object_get(answer, "error"));
    json_t *number = json_object_get(o, "code");
    if (!json_is_integer(number))
        number = json_object_get(o, "grpc_code");
    int code = json_is_integer(number) ? (int)json_integer_value(number) : -1;
    snprintf(why, CURL_ERROR_SIZE, "%s", message ? message : "an error without a message");
    if (is_final(code, message)) {
        *ret_code = code;
        return REFUSED;
    }
    /* etcd proposes nothing without a leader */
    bool not_done = message && strstr(message, "no leader");
    return repeatable || not_done ? RETRY : UNKNOWN;
}

/* An answer that is no JSON object: what it says, when it says something in words. */
static void quote_answer(const struct buf *answer, long status, char why[CURL_ERROR_SIZE])
{
    size_t n = 0;
    while (n < answer->len && n < 120 && isprint((unsigned char)answer->data[n]))
        n++;
    snprintf(why, CURL_ERROR_SIZE, "its answer is not JSON (HTTP status %ld)%s%.*s", status,
             n ? ": " : "", (int)n, n ? answer->data : "");
}

/* One exchange with one endpoint, whatever it is about. */
static enum verdict post(struct etcd *e, size_t endpoint, const char *path, const char *body,
                         char *authorization, bool repeatable, uint64_t timeout_ms, json_t **ret,
                         int *ret_code, char why[CURL_ERROR_SIZE])
{
    CURL *h = handle_take(e);
    if (!h) {
        snprintf(why, CURL_ERROR_SIZE, "out of memory");
        return RETRY;
    }
    _cleanup_(mem_freep) char *url = mem_printf("%s%s", e->endpoints[endpoint], path);
    struct exchange x = {.body = body, .len = strlen(body)};
    long status = 0;
    CURLcode rc = exchange(e, h, url, authorization, &x, MAX(timeout_ms, 1u), &status, why);
    handle_give(e, h);
    enum verdict verdict = x.sent == 0 || repeatable ? RETRY : UNKNOWN;
    json_t *answer = NULL;
    if (rc == CURLE_OK) {
        answer = json_loadb(x.answer.data ? x.answer.data : "", x.answer.len, 0, NULL);
        if (!json_is_object(answer))
            quote_answer(&x.answer, status, why);
        else if (status == 200 && !json_object_get(answer, "error"))
            verdict = ANSWERED;
        else
            verdict = judge_refusal(answer, repeatable, ret_code, why);
    } else if (x.too_long) {
        snprintf(why, CURL_ERROR_SIZE, "its answer is too long");
    }
    buf_done(&x.answer);
    if (verdict == ANSWERED)
        *ret = answer;
    else
        json_decref(answer);
    return verdict;
}

/* ---- who we are --------------------------------------------------------------------------- */

/*
 * etcd gives a token for user and password, and forgets it after minutes without use, when its
 * users are changed, or when it starts again. Then it refuses what comes with it, before doing
 * anything; so that another token, and the request once more, is safe.
 */
void etcd__forget_token(struct etcd *e)
{
    pthread_mutex_lock(&e->lock);
    mem_free(e->token);
    e->token = NULL;
    pthread_mutex_unlock(&e->lock);
}

static bool is_stale_token(const struct etcd *e, const char *why)
{
    return e->user &&
           (strstr(why, "invalid auth token") || strstr(why, "revision of auth store is old"));
}

static char *header(struct etcd *e)
{
    pthread_mutex_lock(&e->lock);
    char *text = e->token ? mem_printf("Authorization: %s", e->token) : NULL;
    pthread_mutex_unlock(&e->lock);
    return text;
}

/* Keeps the token that etcd answered with. */
static enum verdict take_token(struct etcd *e, json_t *answer, char why[CURL_ERROR_SIZE])
{
    const char *token = json_string_value(json_object_get(answer, "token"));
    bool ok = token && !strpbrk(token, "\r\n");
    if (ok) {
        pthread_mutex_lock(&e->lock);
        mem_free(e->token);
        e->token = mem_strdup(token);
        pthread_mutex_unlock(&e->lock);
    } else {
        snprintf(why, CURL_ERROR_SIZE, "it gave no token");
    }
    json_decref(answer);
    return ok ? ANSWERED : RETRY;
}

static enum verdict authenticate(struct etcd *e, size_t endpoint, uint64_t timeout_ms,
                                 int *ret_code, char why[CURL_ERROR_SIZE])
{
    json_t *request = json_pack("{s:s, s:s}", "name", e->user, "password", e->password);
    char *body = request ? json_dumps(request, JSON_COMPACT) : NULL;
    json_decref(request);
    if (!body) {
        snprintf(why, CURL_ERROR_SIZE, "its user or password is not UTF-8");
        return RETRY;
    }
    json_t *answer;
    enum verdict verdict = post(e, endpoint, "/v3/auth/authenticate", body, NULL, true, timeout_ms,
                                &answer, ret_code, why);
    free(body);
    return verdict == ANSWERED ? take_token(e, answer, why) : verdict;
}

static enum verdict authorize(struct etcd *e, size_t endpoint, uint64_t timeout_ms, char **ret,
                              int *ret_code, char why[CURL_ERROR_SIZE])
{
    enum verdict verdict = ANSWERED;
    *ret = header(e);
    if (!*ret && e->user)
        verdict = authenticate(e, endpoint, timeout_ms, ret_code, why);
    if (!*ret && verdict == ANSWERED)
        *ret = header(e);
    return verdict;
}

bool etcd__authorization(struct etcd *e, size_t endpoint, uint64_t timeout_ms, char **ret,
                         int *ret_code, char why[CURL_ERROR_SIZE])
{
    return authorize(e, endpoint, timeout_ms, ret, ret_code, why) == ANSWERED;
}

static enum verdict attempt(struct etcd *e, size_t endpoint, const char *path, const char *body,
                            bool repeatable, uint64_t timeout_ms, json_t **ret, int *ret_code,
                            char why[CURL_ERROR_SIZE])
{
    _cleanup_(mem_freep) char *authorization = NULL;
    enum verdict verdict = authorize(e, endpoint, timeout_ms, &authorization, ret_code, why);
    if (verdict != ANSWERED)
        return verdict;
    verdict =
        post(e, endpoint, path, body, authorization, repeatable, timeout_ms, ret, ret_code, why);
    if (verdict != REFUSED || !is_stale_token(e, why))
        return verdict;
    etcd__forget_token(e);
    return RETRY;
}

static struct error *no_access(const char *why)
{
    return error_hint(error_new("28000", "etcd refused access: %s", why),
                      "Check --coord-user, --coord-password-file, and that this user may read and "
                      "write keys that begin with /minisql/.");
}

static struct error *refusal(int code, const char *why)
{
    switch (code) {
    case GRPC_EXHAUSTED:
        return error_hint(error_new(E_DISK_FULL, "etcd refused a change: %s", why),
                          "When its space is used up: compact and defragment it, then \"etcdctl "
                          "alarm disarm\".");
    case GRPC_DENIED:
    case GRPC_UNAUTHENTICATED:
        return no_access(why);
    case GRPC_UNIMPLEMENTED:
        return etcd__nonsense();
    default:
        if (strstr(why, "user name is empty") || strstr(why, "authentication"))
            return no_access(why);
        return error_new(E_UNAVAILABLE, "etcd refused: %s", why);
    }
}

static struct error *call(struct etcd *e, const char *path, const char *body, bool repeatable,
                          unsigned timeout_ms, json_t **ret, int *ret_code)
{
    char why[CURL_ERROR_SIZE] = "no time left";
    uint64_t deadline = clock_ms() + timeout_ms;
    size_t first = atomic_load(&e->preferred);
    for (size_t i = 0;; i++) {
        uint64_t now = clock_ms();
        if (now >= deadline)
            return etcd__unreachable(e, why);
        size_t endpoint = (first + i) % e->n_endpoints;
        /* each endpoint of a round gets its share of the time that is left */
        uint64_t share = (deadline - now) / (e->n_endpoints - i % e->n_endpoints);
        switch (attempt(e, endpoint, path, body, repeatable, share, ret, ret_code, why)) {
        case ANSWERED:
            atomic_store(&e->preferred, endpoint);
            return NULL;
        case REFUSED:
            return refusal(*ret_code, why);
        case UNKNOWN:
            atomic_store(&e->preferred, (endpoint + 1) % e->n_endpoints);
            return unknown_outcome(why);
        case RETRY:
            if ((i + 1) % e->n_endpoints == 0) /* a round is over */
                sleep_ms(50);
        }
    }
}

struct error *etcd__call(struct etcd *e, const char *path, json_t *request, bool repeatable,
                         unsigned timeout_ms, json_t **ret, int *ret_code)
{
    char *body = request ? json_dumps(request, JSON_COMPACT) : NULL;
    json_decref(request);
    if (!body)
        return error_new(E_INTERNAL, "could not build a request to etcd");
    int code = -1;
    struct error *error = call(e, path, body, repeatable, timeout_ms, ret, &code);
    free(body);
    if (ret_code)
        *ret_code = code;
    return error;
}

/* ---- JSON --------------------------------------------------------------------------------- */

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

json_t *etcd__json_bytes(const char *data, size_t len)
{
    const unsigned char *p = (const unsigned char *)data;
    char *text = mem_alloc((len + 2) / 3 * 4 + 1), *to = text;
    for (size_t i = 0; i < len; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16;
        v |= i + 1 < len ? (uint32_t)p[i + 1] << 8 : 0;
        v |= i + 2 < len ? (uint32_t)p[i + 2] : 0;
        *to++ = base64_digits[v >> 18];
        *to++ = base64_digits[v >> 12 & 63];
        *to++ = i + 1 < len ? base64_digits[v >> 6 & 63] : '=';
        *to++ = i + 2 < len ? base64_digits[v & 63] : '=';
    }
    json_t *j = json_stringn(text, (size_t)(to - text));
    mem_free(text);
    return j;
}

static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool etcd__bytes(const json_t *object, const char *name, char **ret, size_t *ret_len)
{
    const json_t *j = json_object_get(object, name);
    const char *s = j ? json_string_value(j) : "";
    size_t n = j ? json_string_length(j) : 0;
    if (!s || n % 4 != 0)
        return false;
    while (n > 0 && s[n - 1] == '=')
        n--;
    char *data = mem_alloc(n / 4 * 3 + 4);
    size_t len = 0;
    uint32_t v = 0;
    for (size_t i = 0; i < n; i++) {
        int d = digit_value(s[i]);
        if (d < 0) {
            mem_free(data);
            return false;
        }
        v = v << 6 | (uint32_t)d;
        if (i % 4 != 0)
            data[len++] = (char)(v >> (6 - i % 4 * 2));
    }
    data[len] = 0;
    *ret = data;
    *ret_len = len;
    return true;
}

json_t *etcd__json_u64(uint64_t v)
{
    char text[24];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
    return json_string(text);
}

bool etcd__u64(const json_t *object, const char *name, uint64_t *ret)
{
    const json_t *j = json_object_get(object, name);
    *ret = 0;
    if (!j)
        return true;
    if (json_is_integer(j)) {
        *ret = (uint64_t)json_integer_value(j);
        return json_integer_value(j) >= 0;
    }
    const char *s = json_string_value(j);
    if (!s || !isdigit((unsigned char)*s))
        return false;
    char *end;
    errno = 0;
    *ret = strtoull(s, &end, 10);
    return !*end && errno == 0;
}

bool etcd__kv(const json_t *o, struct coord_kv *ret)
{
    struct coord_kv kv = {0};
    size_t key_len = 0;
    bool ok = json_is_object(o) && etcd__bytes(o, "key", &kv.key, &key_len) &&
              etcd__bytes(o, "value", &kv.value, &kv.value_len) &&
              etcd__u64(o, "create_revision", &kv.create_revision) &&
              etcd__u64(o, "mod_revision", &kv.mod_revision) && etcd__u64(o, "lease", &kv.lease);
    if (!ok || key_len == 0 || strlen(kv.key) != key_len || kv.mod_revision == 0) {
        coord__kv_done(&kv);
        return false;
    }
    *ret = kv;
    return true;
}

bool etcd__revision(const json_t *answer, uint64_t *ret)
{
    return etcd__u64(json_object_get(answer, "header"), "revision", ret) && *ret > 0;
}
