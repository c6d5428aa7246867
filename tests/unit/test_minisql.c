/* The shell's pure parts: where statements end, and how tables are drawn. */
#include "minisql/minisql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* ---- statements --------------------------------------------------------------------------------
 */

/* How many statements `text` holds when it is fed in pieces of `step` bytes; -1: a backslash came.
 */
static int count_statements(const char *text, size_t step, char *ret_prompt)
{
    struct minisql_splitter s = {0};
    size_t start = 0, len = strlen(text), end;
    int n = 0;
    for (size_t fed = MIN(step, len);;) {
        enum minisql_split found = minisql_split(&s, text + start, fed - start, &end);
        if (found == MINISQL_SPLIT_BACKSLASH) {
            n = -1;
            break;
        }
        if (found == MINISQL_SPLIT_STATEMENT) {
            n++;
            start += end;
            minisql_split_reset(&s);
        } else if (fed == len) {
            break;
        } else {
            fed = MIN(fed + step, len);
        }
    }
    *ret_prompt = minisql_split_prompt(&s);
    minisql_split_reset(&s);
    return n;
}

static void check_split(const char *text, int statements, char prompt)
{
    char got = 0;
    assert_int_equal(count_statements(text, strlen(text) + 1, &got), statements);
    assert_int_equal(got, prompt);
}

/* A semicolon ends a statement only outside of quotes, comments and parentheses. */
static void test_split_ends(void **state)
{
    check_split("select 1; select 2;\n", 2, '=');
    check_split("select ';' from t; \n", 1, '=');
    check_split("select 'it''s; ' ;", 1, '=');
    check_split("select \"a;b\"\"c;\" ;", 1, '=');
    check_split("select (1;2) ;", 1, '=');
    check_split("-- a; b\nselect 1; -- c;\n", 1, '=');
    check_split("/* ; /* ; */ ; */ select 1;", 1, '=');
    check_split("select $$ ; ' $$; select $x$ ; $$ ; $x$;", 2, '=');
    check_split("select E'\\'; ', E'a''\\';'; select 2;", 2, '=');
    check_split("select 'a\\'; select 2;", 2, '=');
}

/* A dollar sign after a word or before a digit starts no quote; a word that ends in e no E'..'. */
static void test_split_lookalikes(void **state)
{
    check_split("select $1; select $2;", 2, '=');
    check_split("select a$b$c; select 1;", 2, '=');
    check_split("select the'a\\'; select 2;", 2, '=');
    check_split("select 1 - -1; select 2 / 1 * 3;", 2, '=');
}

/* The prompt shows what is still open. */
static void test_split_prompts(void **state)
{
    check_split("", 0, '=');
    check_split(" -- nothing\n", 0, '=');
    check_split("select 1\n", 0, '-');
    check_split("select 'a;\n", 0, '\'');
    check_split("select E'a;\n", 0, '\'');
    check_split("select \"a;\n", 0, '"');
    check_split("select $f$ a;\n", 0, '$');
    check_split("/* a;\n", 0, '*');
    check_split("select (a;\n", 0, '(');
}

/* A backslash outside of quotes is a command, inside it is data. */
static void test_split_backslash(void **state)
{
    char prompt;
    assert_int_equal(count_statements("select 1 \\g\n", 100, &prompt), -1);
    assert_int_equal(count_statements("select '\\g';\n", 100, &prompt), 1);
}

/* Where lines are cut makes no difference, as long as no token of two characters is cut. */
static void test_split_by_lines(void **state)
{
    const char *lines[] = {"select 'a\n", "b;' , $t$ \n", "; $t\n", "$t$;\n", "select 2;\n"};
    struct minisql_splitter s = {0};
    _cleanup_(buf_done) struct buf text = {0};
    int n = 0;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        size_t end;
        buf_puts(&text, lines[i]);
        while (minisql_split(&s, text.data, text.len, &end) == MINISQL_SPLIT_STATEMENT) {
            n++;
            memmove(text.data, text.data + end, text.len - end + 1);
            text.len -= end;
            minisql_split_reset(&s);
        }
    }
    assert_int_equal(n, 2);
    minisql_split_reset(&s);
}

/* Only statements that can be repeated without harm count as reading. */
static void test_reads_only(void **state)
{
    assert_true(minisql_reads_only("select * from t where a = 'delete'"));
    assert_true(minisql_reads_only("  -- x\n WITH a AS (select 1) select \"update\" from a"));
    assert_true(minisql_reads_only("explain select 1"));
    assert_false(minisql_reads_only("insert into t values (1)"));
    assert_false(minisql_reads_only("with a as (delete from t returning *) select * from a"));
    assert_false(minisql_reads_only("select * into u from t"));
    assert_false(minisql_reads_only("explain analyze select 1"));
    assert_false(minisql_reads_only("select 1; drop table t; create table t(a int)"));
    assert_false(minisql_reads_only("select nextval('s')"));
    assert_false(minisql_reads_only("select $$ never closed"));
    assert_false(minisql_reads_only(""));
}

/* ---- tables ------------------------------------------------------------------------------------
 */

static const char *array_cell(const struct minisql_table *t, size_t row, size_t column)
{
    return ((const char *const *)t->source)[row * t->columns + column];
}

static const char *const names[] = {"id", "name"};
static const enum minisql_kind kinds[] = {MINISQL_NUMBER, MINISQL_TEXT};

static void check_drawn(const char *const *cells, size_t rows, struct minisql_style style,
                        const char *expected)
{
    struct minisql_table t = {.columns = 2,
                              .rows = rows,
                              .names = names,
                              .kinds = kinds,
                              .cell = array_cell,
                              .source = cells};
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    minisql_draw(&t, &style, out);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
}

/* Numbers stand to the right, names in the middle, NULL is empty, the footer counts. */
static void test_aligned(void **state)
{
    const char *cells[] = {"1", "a", "1000", NULL};
    struct minisql_style style = {.format = MINISQL_ALIGNED};
    check_drawn(cells, 2, style, "  id  | name \n------+------\n    1 | a\n 1000 | \n(2 rows)\n\n");
    style.null_text = "(null)";
    check_drawn(cells + 2, 1, style,
                "  id  |  name  \n------+--------\n 1000 | (null)\n(1 row)\n\n");
    check_drawn(cells, 0, style, " id | name \n----+------\n(0 rows)\n\n");
}

/* A value of several lines goes on in the next ones, marked with a plus. */
static void test_aligned_lines(void **state)
{
    const char *cells[] = {"1", "a\nlonger", "2\n3", "b"};
    struct minisql_style style = {.format = MINISQL_ALIGNED};
    check_drawn(cells, 2, style,
                " id |  name  \n----+--------\n  1 | a     +\n    | longer\n  2+| b\n  3 | \n"
                "(2 rows)\n\n");
}

/* Wide and combining characters keep the columns straight. */
static void test_width(void **state)
{
    assert_int_equal(minisql_text_width("abc", 3), 3);
    assert_int_equal(minisql_text_width("\xc3\xa9", 2), 1);         /* é */
    assert_int_equal(minisql_text_width("e\xcc\x81", 3), 1);        /* e and a combining accent */
    assert_int_equal(minisql_text_width("\xe4\xb8\xad", 3), 2);     /* 中 */
    assert_int_equal(minisql_text_width("\xf0\x9f\x98\x80", 4), 2); /* a smiley */
    assert_int_equal(minisql_text_width("\xff\xc3", 2), 2);         /* no UTF-8 */
}

/* Control characters are spelled out: data can't move the cursor. */
static void test_control_characters(void **state)
{
    const char *cells[] = {"1", "\x1b[2J\r\tx"};
    struct minisql_style style = {.format = MINISQL_ALIGNED, .tuples_only = true};
    check_drawn(cells, 1, style, "  1 | \\x1B[2J\\r       x\n\n");
}

/* Expanded output has a rule with the record's number, and one line for each column. */
static void test_expanded(void **state)
{
    const char *cells[] = {"1", "a value that is long\nb", "2", NULL};
    struct minisql_style style = {.format = MINISQL_ALIGNED, .expanded = true};
    check_drawn(cells, 2, style,
                "-[ RECORD 1 ]--------------\nid   | 1\nname | a value that is long+\n"
                "     | b\n-[ RECORD 2 ]--------------\nid   | 2\nname | \n\n");
}

/* Unaligned and CSV output are what other programs read; CSV quotes what needs it. */
static void test_unaligned_and_csv(void **state)
{
    const char *cells[] = {"1", "a,\"b\"", "2", NULL, "3", "\\."};
    struct minisql_style style = {.format = MINISQL_UNALIGNED};
    check_drawn(cells, 2, style, "id|name\n1|a,\"b\"\n2|\n(2 rows)\n");
    style.separator = "\t";
    style.tuples_only = true;
    check_drawn(cells, 1, style, "1\ta,\"b\"\n");
    style = (struct minisql_style){.format = MINISQL_CSV};
    check_drawn(cells, 3, style, "id,name\n1,\"a,\"\"b\"\"\"\n2,\n3,\"\\.\"\n");
}

/* JSON keeps numbers as numbers, except those that JSON can't write. */
static void test_json(void **state)
{
    const char *cells[] = {"-1.5", "a\"\\\n\x01", "NaN", NULL};
    struct minisql_style style = {.format = MINISQL_JSON};
    check_drawn(cells, 2, style,
                "[{\"id\": -1.5, \"name\": \"a\\\"\\\\\\n\\u0001\"},\n"
                " {\"id\": \"NaN\", \"name\": null}]\n");
    check_drawn(cells, 0, style, "[]\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split_ends),     cmocka_unit_test(test_split_lookalikes),
        cmocka_unit_test(test_split_prompts),  cmocka_unit_test(test_split_backslash),
        cmocka_unit_test(test_split_by_lines), cmocka_unit_test(test_reads_only),
        cmocka_unit_test(test_aligned),        cmocka_unit_test(test_aligned_lines),
        cmocka_unit_test(test_width),          cmocka_unit_test(test_control_characters),
        cmocka_unit_test(test_expanded),       cmocka_unit_test(test_unaligned_and_csv),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
