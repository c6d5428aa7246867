"""Random statements: values of all types, trees of text, and a generator for tests/sql/differential.

A statement is a tree of Nodes, whose reduction needs no knowledge of SQL: a part is left out or replaced by
a smaller one; what makes no sense fails on both sides alike, and is not taken.
"""
import collections
import copy
import random
import re

# ---- values: of each type extreme ones, and harmless ones --------------------------------------------

TEXTS = ["", "a", "Abc", "hello world", "ÄÖü ß", "日本語", "  pad ", "a%b_c", "\\", "12", "-3.5", "t", "x'y",
         "2024-02-29", "aXbXc", "zz", "A", "1;2", "\t", "e\u0301"]
VALUES = {  # type: (extreme, harmless)
    "bool": (["true", "false"], ["true", "false"]),
    "int2": (["-32768", "32767", "0", "1", "-1", "100"], list("0123456789")),
    "int4": (["-2147483648", "2147483647", "0", "1", "-1", "7", "1000"], list("0123456789")),
    "int8": (["-9223372036854775808", "9223372036854775807", "0", "1", "-1", "12", "4294967296"],
             list("0123456789")),
    "numeric": (["0", "-0.5", "1.10", "99999999999999999999.123", "0.000001", "-12345.6789", "1e10", "100",
                 "2.5", "-2.5", "0.00", "NaN", "Infinity", "-Infinity"], ["0", "1.50", "2.25", "-3.00", "10.10", "7"]),
    "float4": (["0", "1.5", "-2.25", "1e10", "1e-5", "3.4e38", "Infinity", "-Infinity", "0.1", "NaN", "-0"],
               ["0", "1.5", "-2.25", "8"]),
    "float8": (["0", "1.5", "-2.25", "1e10", "1e-5", "1e300", "-1e-300", "Infinity", "-Infinity", "0.1", "NaN", "-0"],
               ["0", "1.5", "-2.25", "8"]),
    "text": (TEXTS, ["a", "b", "Ab", "abc", "", "zz"]),
    "varchar": (TEXTS, ["a", "b", "Ab", "abc", "zz"]),
    "name": (["", "a", "Abc", "pg_class", "x" * 63], ["a", "b", "Ab"]),
    "char": (["a", "Z", "~"], ["a", "b"]),
    "bpchar": (["", "a", "Abc", "ÄÖü", "12", " b"], ["a", "b", "abc"]),
    "bytea": (["\\x", "\\x00", "\\xdeadbeef", "\\x61625c", "\\xff00ff"], ["\\x61", "\\x62", "\\x6162"]),
    "uuid": (["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
              "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"], ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
              "b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
    "date": (["2024-02-29", "1999-12-31", "0001-01-01", "4713-11-24 BC", "9999-12-31", "infinity",
              "-infinity", "2000-01-01"], ["2024-02-29", "1999-12-31", "2000-01-01"]),
    "time": (["00:00", "23:59:59.999999", "24:00", "12:34:56.789"], ["00:00", "12:34:56", "23:00"]),
    "timetz": (["00:00+00", "23:59:59.999999-12", "24:00+14", "12:34:56.789+02"], ["00:00+00", "12:34:56+02"]),
    "timestamp": (["2024-02-29 12:34:56.789", "1999-12-31 23:59:59.999999", "0044-03-15 12:00 BC", "infinity",
                   "-infinity", "2000-01-01", "9999-12-31"], ["2024-02-29 12:34:56", "2000-01-01", "1999-12-31"]),
    "timestamptz": (["2024-02-29 12:34:56.789+00", "1999-12-31 23:59:59.999999+02", "infinity", "-infinity",
                     "2000-01-01 00:00+00", "1900-01-01 00:00+00", "2024-03-31 02:30", "2024-10-27 01:30+00",
                     "2050-07-01 12:00"], ["2024-02-29 12:34:56+00", "2000-01-01+00"]),
    "interval": (["0", "1 day", "-1 mons", "1 year 2 mons 3 days 04:05:06.7", "-23:59:59", "1000000 hours",
                  "178000000 years", "30 days", "1 mon"], ["1 day", "2 hours", "1 mon", "0"]),
    "inet": (["192.168.1.5/24", "10.0.0.1", "::1", "2001:db8::5/32", "0.0.0.0/0", "255.255.255.255", "::ffff:1.2.3.4"],
             ["192.168.1.5/24", "10.0.0.1", "::1"]),
    "cidr": (["192.168.1.0/24", "10.0.0.1", "::1", "2001:db8::/32", "0.0.0.0/0"], ["192.168.1.0/24", "10.0.0.0/8"]),
    "oid": (["0", "1", "4294967295", "16384"], ["1", "2", "3"]),
    "bit": (["0", "1"], ["0", "1"]),
    "varbit": (["", "1", "0101", "11111111", "1010101010101010101010101010101010101"], ["101", "11"]),
    "money": (["0", "-1.5", "92233720368547758.07", "-92233720368547758.08", "1234.56"], ["1", "2.50", "100"]),
    "macaddr": (["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "08:00:2b:01:02:03"], ["08:00:2b:01:02:03"]),
    "macaddr8": (["00:00:00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff:ff:ff", "08:00:2b:ff:fe:01:02:03"],
                 ["08:00:2b:ff:fe:01:02:03"]),
    "int4range": (["empty", "[1,5)", "(,)", "[-2147483648,2147483647)", "[3,)", "(,4)", "[5,9)"], ["[1,5)", "[3,8)"]),
    "numrange": (["empty", "[1.0,2.50)", "(1,2.5]", "(,)", "[2.5,2.5]", "(2.5,)", "[NaN,NaN]"], ["[1,5)", "[3,8)"]),
    "daterange": (["empty", "[2024-01-01,2024-02-01)", "(,)", "[2024-02-01,infinity]", "[0044-03-15 BC,2000-01-01)"],
                  ["[2024-01-01,2024-02-01)"]),
    "tstzrange": (["empty", "[2024-01-01 00:00+00,2024-02-01 00:00+00)", "(,)", "(2024-01-15 12:00+00,infinity)"],
                  ["[2024-01-01 00:00+00,2024-02-01 00:00+00)"]),
    "xid": (["0", "1", "4294967295"], ["1", "2"]),
    "regtype": (["int4", "text[]", "-", "0", "3999999"], ["int4", "text"]),
    "regclass": (["pg_class", "pg_type", "-", "3999999"], ["pg_class"]),
    "oidvector": (["1", "3 1 4294967295"], ["1", "1 2"]),
    "int2vector": (["1", "-32768 0 32767"], ["1", "1 2"]),
    "int8range": (["empty", "[1,5)", "(,)", "[9223372036854775806,)"], ["[1,5)", "[3,9)"]),
    "tsrange": (["empty", "[2024-02-29 12:00,)", "(,)"], ["[2024-01-01,2024-03-01)"]),
    "json": (['{"a": 1, "b": [1, 2, {"c": null}], "a": "x"}', "[1, \"two\", null, 1.50]", "3", "\"s\"", "null",
              "{}", "[]", "true"], ['{"a": 1}', "[1, 2]", "3"]),
    "jsonb": (['{"a": 1, "b": [1, 2, {"c": null}], "aa": "x"}', "[1, \"two\", null, 1.50]", "3", "\"s\"", "null",
               "{}", "[]", "true", '{"b": {"c": [true, 1e2]}}', '["2024-02-29", "2024-02-29T12:34:56+01", "12:34:56.5", "24:00:00"]'],
              ['{"a": 1}', "[1, 2]", "3"]),
    "mood": (["sad", "ok", "happy"], ["sad", "ok", "happy"]),
    "jsonpath": (["$.a", "$.b[*]", "$[0]", "lax $.b.c[0]", "strict $.x", "$.**.keyvalue().id", "$[*].datetime()",
                  '$[*].datetime("HH24:MI:SS") ? (@ < "12:35:00+01".datetime())'], ["$.a"]),
}


def array_text(items):
    """{"a",NULL,"b c"}"""
    def quote(v):
        return "NULL" if v is None else '"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "{" + ",".join(map(quote, items)) + "}"


def arrays_of(extreme, harmless):
    return (["{}", array_text(extreme), array_text([None, *extreme[:2]]), array_text(extreme[-1:]),
             "{" + ",".join(array_text([v, v]) for v in extreme[:2]) + "}", "[0:1]=" + array_text(extreme[:1] * 2)],
            [array_text(harmless[:2]), array_text(harmless[-1:]), "{}"])


ELEMENTS = {f"_{t}": t for t in VALUES if not t.endswith("vector")}
VALUES.update({array: arrays_of(*VALUES[element]) for array, element in ELEMENTS.items()})
RANGES = {"int4range": "int4", "int8range": "int8", "numrange": "numeric", "daterange": "date", "tsrange": "timestamp", "tstzrange": "timestamptz"}
COLUMN_TYPE = {"bpchar": "char(5)", "varchar": "varchar(20)", "char": '"char"', "bit": "bit(1)"}
UNSORTED = ("json", "jsonpath", "xid", "_json", "_jsonpath", "_xid")  # not compared, or not by <


def type_name(type_):
    return '"char"' if type_ == "char" else type_


# Arguments that must not be just anything: (function, number of the argument): values
FIELDS = ["year", "month", "day", "hour", "minute", "second", "week", "quarter", "dow", "doy", "epoch", "decade",
          "century", "millennium", "isodow", "isoyear", "microseconds", "milliseconds", "julian", "timezone", "no"]
SMALL = ["-1", "0", "1", "2", "3", "7"]
TINY = ["0", "1", "2", "3", "0.5", "-1", "-2"]
PATTERNS = ["a", "^a", "b$", "[a-c]+", "(a|b)c?", "\\d+", "x*", "", "(", "a.c", "\\mhello", "(l+)o", "."]
LIKES = ["a%", "%b%", "_b_", "a\\%b%", "%", "", "A%"]
FORMATS = ["%s", "%I-%L", "%1$s %2$s", "%%", "%10s|", "%-5s|", "%", "%z"]
DATE_FORMATS = ["YYYY-MM-DD", "YYYY-MM-DD HH24:MI:SS.US", "Day, DD Mon YYYY", "FMDay FMDD FMMonth", "IYYY-IW-ID",
                "HH12:MI AM", "J", "Q", "DDD", "YY", "CC", "\"x\"YYYY", "D", "MS", "SSSS", "RM", "DDth", "TZ"]
NUMBER_FORMATS = ["999", "9,999.99", "S999.9", "FM999990.00", "000", "9.99EEEE", "RN", "999PR", "L99", "MI99", "V99"]
ARGUMENTS = {
    ("generate_series", 2, "interval"): ["1 year", "100 days", "-1 mon", "0"], ("repeat", 1): SMALL, ("lpad", 1): SMALL + ["12"], ("rpad", 1): SMALL + ["12"], ("factorial", 0): SMALL,
    ("^", 0): TINY, ("^", 1): TINY, ("power", 0): TINY, ("power", 1): TINY, ("pow", 0): TINY, ("pow", 1): TINY,
    ("exp", 0): TINY, ("date_trunc", 0): FIELDS, ("date_part", 0): FIELDS, ("extract", 0): FIELDS,
    ("encode", 1): ["hex", "base64", "escape", "x"], ("decode", 1): ["hex", "base64", "escape", "x"],
    ("convert_from", 1): ["UTF8", "x"], ("convert_to", 1): ["UTF8"], ("convert", 1): ["UTF8"],
    ("convert", 2): ["UTF8"], ("timezone", 0): ["UTC", "utc", "Europe/Berlin", "America/New_York", "+03", "EST"],
    ("chr", 0): ["-1", "0", "65", "228", "26085", "1114112"], ("round", 1): SMALL, ("trunc", 1): SMALL,
    ("array_fill", 1): ["{}", "{1}", "{2,2}"], ("~", 1): PATTERNS, ("!~", 1): PATTERNS, ("~*", 1): PATTERNS,
    ("!~*", 1): PATTERNS, ("regexp_replace", 1): PATTERNS, ("regexp_match", 1): PATTERNS,
    ("regexp_count", 1): PATTERNS, ("regexp_instr", 1): PATTERNS, ("regexp_like", 1): PATTERNS,
    ("regexp_substr", 1): PATTERNS, ("regexp_split_to_array", 1): PATTERNS, ("format", 0): FORMATS,
    ("regexp_replace", 3): ["g", "i", "gi", ""], ("regexp_match", 2): ["i", ""],
    ("~~", 1): LIKES, ("!~~", 1): LIKES, ("~~*", 1): LIKES, ("!~~*", 1): LIKES, ("like_escape", 1): ["\\", "#", ""],
    ("to_date", 1): DATE_FORMATS, ("to_timestamp", 1): DATE_FORMATS, ("to_number", 1): NUMBER_FORMATS,
    ("make_timestamp", 0): ["4", "2024"], ("make_timestamp", 1): ["1", "13"], ("make_timestamp", 2): ["1", "31"],
    ("make_timestamptz", 0): ["4", "2024"], ("make_timestamptz", 1): ["1", "13"], ("make_timestamptz", 2): ["1", "31"],
    ("date_trunc", 2): ["UTC", "Europe/Berlin", "no"], ("make_timestamptz", 6): ["UTC", "Europe/Berlin", "no"], ("make_date", 0): ["-1", "0", "4", "1999", "2024", "9999999"], ("age", 0): ["2000-01-01", "2024-02-29 12:00", "1999-12-31"], ("age", 1): ["2023-03-31", "1900-01-01 13:14:15.16"],
    **{(f"{r}range", 2): ["[)", "[]", "(]", "()"] for r in ("int4", "int8", "num", "date", "ts", "tstz")},
    ("normalize", 1): ["NFC", "NFD", "NFKC", "x"], ("substring", 1): None, ("set_config", 0): None,
    ("to_regtype", 0): ["int4", "text[]", "nope", "numeric(5, 2)", "timestamp with time zone", "_text", "public.mood", "\"char\""],
    ("pg_size_bytes", 0): ["12", "1 kB", "-2.5MB", "1e3", "3 TB ", "x", "1 PB", "9999999999 GB", ".5gb"], ("pg_encoding_to_char", 0): ["-1", "6", "8", "99"],
    ("format_type", 0): ["23", "1700", "1043", "1042", "1114", "0", "1231"], ("format_type", 1): ["-1", "5", "327686", "0"],
    ("lpad", 2): ["x", "", "xy"], ("rpad", 2): ["x", "", "xy"], ("width_bucket", 3): SMALL,
}
HEAVY = {"to_regtype", "repeat", "lpad", "rpad", "^", "power", "pow", "exp", "factorial", "array_fill", "generate_series"}
DAMAGE = [b"", b"\\", b",", b'"', b"\n", b"\t", b"x", b"-", b"\\N"]
COPY_OPTIONS = [  # formats, option, its values
    (("text", "csv"), "DELIMITER ", ["','", "'|'", "';'", "E'\\t'", "'x'", "'.'"]),
    (("text", "csv"), "NULL ", ["''", "'NULL'", "'\\N'", "'x'", "'0'"]), (("text", "csv"), "HEADER", [""]),
    (("text", "csv", "binary"), "ENCODING ", ["'UTF8'"]), (("csv",), "QUOTE ", ["'~'", "'\"'", "'x'"]),
    (("csv",), "ESCAPE ", ["'\\'", "'\"'", "'~'"])]
# Of which texts of a type are made that may or may not be some; of arrays and ranges, around those of what they hold
SIGNS = [" ", "-", "+", ".", "0", "1", "9", "e", "x", ",", ":", "_", "\t", "\n", "''"]
DATES = ["2024", "1", "31", "02", "-", "-", "/", ".", " ", ",", "jan", "Feb", "BC", "AD", "10", "99", "J2451545", "T", "y", "mon",
         "12:34", ":56", ".5", "24:00", "am", "PM", "+02", "Z", "utc", "EST", "Europe/Berlin", "-08:30", "20240229", "123456", "2024.060",
         "infinity", "epoch", "allballs", "th"]
TIMES = ["12", "12:34", ":56", ":", "::", ".5", ".", "24:00", "60", "am", "PM", " ", "+02", "-08:30", "Z", "EST", "T", "123456", "1234", "-",
         "allballs", "2024-01-01"]
SPANS = ["1", "2", "-3", "+4", "5.5", ".25", ".", "1-2", "-", "+", " ", " ", "1:00", "2:3:4.5", "-1:30", "::", ":", "day", "days", "mon", "mons",
         "years", "h", "m", "s", "min", "weeks", "c", "decades", "mil", "us", "ms", "ago", "@", "P", "T", "Y", "M", "W", "D", "H", "S", "e3", "quarter",
         "timezone", "99999999999", "/", "month", "microseconds", "P1Y2M", "P0001-02-03T", "PT1H"]
PIECES = {
    "interval": SPANS, **dict.fromkeys(("date", "timestamp", "timestamptz"), DATES), "time": TIMES, "timetz": TIMES,
    **dict.fromkeys(("int2", "int4", "int8", "oid", "xid", "money"), ["1", "-", "+", "0", "99999", "2147483648", " ", ".", "$", ",", "(", ")", "x", "'", "e1"]),
    **dict.fromkeys(("numeric", "float4", "float8"), ["1", "-", "+", "0", "99999", ".", ".5", "e", "e10", "e-9", "E400", " ", "NaN", "inf", "infinity", "x", "0x1", "_", "\n"]),
    "bool": ["t", "rue", "f", "alse", "y", "es", "n", "o", "on", "off", "1", "0", " ", "T"], "bytea": ["\\x", "\\", "61", "a", "Z", " ", "\\000", "\\377", "4", "\\\\"],
    "uuid": ["a0eebc99", "-", "9c0b", "4ef8", "bb6d", "6bb9bd380a11", "{", "}", "A0", "g", " "], "inet": ["10", ".", ".0", "192.168", "/", "24", ":", "::", "ffff", "1.2.3.4", "33", "0", " ", "x"],
    "bit": ["0", "1", "b", "x", "F", " ", "2"], "macaddr": ["08", ":", "-", ".", "00", "2b", "0800", "080", "ff", "g", " ", "01"],
    "json": ["{", "}", "[", "]", ",", ":", '"a"', '"', "\\", "1", "-", ".5", "e1", "null", "true", " ", "\n", '"\\u00e4"', '"\\ud83d', "01", "nul"],
    "jsonpath": ["$", ".", "a", "[", "]", "*", "0", "last", " ", "?", "(", "@", ")", "==", "1", '"x"', "&&", "!", "lax", "strict", "**", "{", "}", "to", ",",
                 "size", "()", "-", "exists", "like_regex", "starts with", "is unknown", "$x", ".5", "+", "/", "%", "datetime", "keyvalue", '("HH24")'],
    "int2vector": ["1", " ", "-", "99999", "x", ","],
}
PIECES.update({"cidr": PIECES["inet"], "varbit": PIECES["bit"], "macaddr8": PIECES["macaddr"], "jsonb": PIECES["json"], "oidvector": PIECES["int2vector"]})
WITH_LENGTH = {"interval": [" year", " month", " day", " hour", " minute", " second", " year to month", " day to hour", " day to minute", " day to second",
                            " hour to minute", " hour to second", " minute to second", "(0)", "(3)", " day to second(2)", " second(1)"],
               "numeric": ["(6, 2)", "(3, -1)", "(2, 4)"], "bit": ["(3)", "(1)"], "varbit": ["(3)"], "timestamp": ["(0)", "(3)"], "timestamptz": ["(0)"], "time": ["(2)"],
               "varchar": ["(3)"], "bpchar": ["(3)"]}
QUOTED_BITS = ["'b'", "','", "''", "NULL"]
JSON_LISTS = ['[1, "two", null]', "[]", '[{"a": 1}, [2]]']
JSON_OBJECTS = ['{"a": 1, "b": "x", "c": null}', "{}", '{"a": 12, "b": "y z", "d": [1, 2]}', '{"b": "2024-02-29", "a": 0}', '{"d": {"e": "f"}, "b": ""}']
FIELDS_OF_JSON = [[("a", "int4"), ("b", "text")], [("b", "text"), ("d", "jsonb")], [("a", "numeric"), ("c", "bool")], [("d", "json"), ("a", "text")]]
AGGREGATED = ("int4", "int8", "numeric", "text", "date", "timestamp")
FRAMES = [" RANGE BETWEEN 1 PRECEDING AND 2 FOLLOWING", " RANGE UNBOUNDED PRECEDING", " GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW",
          " RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", " GROUPS BETWEEN CURRENT ROW AND 1 FOLLOWING EXCLUDE CURRENT ROW",
          " RANGE BETWEEN 2 PRECEDING AND 1 PRECEDING", " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE GROUP",
          " RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE TIES"]
STORED = ["int2", "int4", "int8", "numeric", "numeric(6, 2)", "numeric(3, -1)", "float4", "float8", "text", "varchar(3)", "char(4)", "bool",
          "date", "time", "time(2)", "timestamp", "timestamp(0)", "timestamptz", "interval", "uuid", "inet", "cidr", "bytea", "json", "jsonb", "int4[]",
          "text[]", "numeric(5, 1)[]", "varchar(2)[]", "oid", "name", "mood", "mood[]"]
# What has a syntax of its own: (type, text, whether it never fails). In the text `a|b` is one of these, {t} an expression
# of type t, {t.} a column or a constant; T is a type, _T its array, A and B are any types. Where not all is computed: {t.}.
FORMS = [
    ("numeric", "EXTRACT(`year|month|day|week|quarter|dow|isodow|isoyear|doy|epoch|century|julian` FROM {date.})", True),
    ("numeric", "EXTRACT(`hour|minute|second|epoch|milliseconds|timezone|decade|no` FROM {`timestamp|timestamptz|time|timetz|interval`})", False),
    ("timestamp", "({timestamptz} AT TIME ZONE `'UTC'|'Europe/Berlin'|'America/New_York'|'+03'|interval '-02:30'|'no'`)", False),
    ("timestamptz", "({timestamp} AT TIME ZONE `'UTC'|'Europe/Berlin'|'EST5EDT'|interval '1 hour'`)", False),
    ("timetz", "({timetz} AT TIME ZONE `'UTC'|'+03'|interval '-02:30'`)", False),
    ("int4", "POSITION({text} IN {text})", True), ("int4", "POSITION({`bytea|varbit`} IN {`bytea|varbit`})", False),
    ("text", "SUBSTRING({text} FROM `1|2|0|-1` FOR `0|1|3`)", True), ("text", "SUBSTRING({text} FOR `1|2|-1`)", False),
    ("text", "SUBSTRING({text} FROM '`a.|[a-z]+|(o)l?|^.|(`')", False), ("text", "SUBSTRING({text} SIMILAR '`%#\"l+#\"%|%|_#\"%#\"|a`' ESCAPE '#')", False),
    ("text", "OVERLAY({text} PLACING {text} FROM `1|2|5`)", True), ("text", "OVERLAY({text} PLACING {text} FROM `0|1|3` FOR `0|1|9|-1`)", False),
    ("bytea", "OVERLAY({bytea} PLACING {bytea} FROM `1|2|5|0`)", False), ("varbit", "OVERLAY({varbit} PLACING {varbit} FROM `1|2|0`)", False),
    ("text", "TRIM(`BOTH|LEADING|TRAILING` {text} FROM {text})", True), ("bytea", "TRIM(`BOTH|LEADING|TRAILING` {bytea} FROM {bytea})", False),
    ("text", "normalize({text}, `NFC|NFD|NFKC|NFKD`)", False), ("bool", "({text} IS `NFC|NFD|NFKC|NFKD` NORMALIZED)", False),
    ("bool", "({text} `SIMILAR TO|NOT SIMILAR TO` '`a%|[ab]+c?|_[[:alpha:]]*|%b_`')", True),
    ("bool", "({text} `LIKE|NOT LIKE|ILIKE|NOT ILIKE` {text} ESCAPE `'#'|''|'ab'|'%'`)", False),
    ("bool", "({T} `BETWEEN|NOT BETWEEN` SYMMETRIC {T.} AND {T.})", True),
    ("bool", "({T} `=|<>|<|>=` `ANY|ALL` ({_T}))", True), ("bool", "({text} `LIKE|ILIKE|~` `ANY|ALL` ({_text}))", False),
    ("bool", "(ROW({A.}, {B.}) `=|<>|<|<=|>|>=` ROW({A.}, {B.}))", True), ("bool", "(ROW({A.}, {B.}) IS `|NOT` DISTINCT FROM ROW({A.}, {B.}))", True),
    ("bool", "(({A.}, {B.}) `IN|NOT IN` (({A.}, {B.}), ({A.}, {B.})))", True), ("bool", "(ROW({A}, {B}) IS `NULL|NOT NULL`)", True),
    ("bool", "(({`date|timestamp|time`.}, {interval.}) OVERLAPS ({date.}, {date.}))", False),
    ("bool", "(({timestamp.}, {timestamp.}) OVERLAPS ({timestamp.}, {interval.}))", False),
    ("bool", "({text} COLLATE \"C\" `<|>=|=` {text})", True), ("bool", "({T} IS `NULL|NOT NULL`)", True),
    ("_T", "ARRAY[{T}, {T}, {T}]", True), ("_T", "ARRAY[[{T}, {T}], [{T}, {T}]]", False), ("_T", "ARRAY[{_T}, {_T}]", False),
    ("T", "({_T})[`0|1|2|-1`]", True), ("T", "({_T})[{int4.}]", True), ("T", "({_T})[`1|2`][`1|2`]", True),
    ("_T", "({_T})[`1|2|0`:`2|3|1`]", True), ("_T", "({_T})[:`2|0`]", True), ("_T", "({_T})[`1:1|2:`][`1:2|:`]", True),
    ("jsonb", "({jsonb})['`a|b|1|x`']", True), ("jsonb", "({jsonb})[`0|1|-1|'b'`][`0|1|'c'`]", True),
    ("text", "concat(VARIADIC {_text})", True), ("text", "concat_ws({text}, VARIADIC {_text})", True),
    ("text", "format('`%s %s|%2$s|%I|%L %s|%s`', VARIADIC {_text})", False),
    ("int4", "`num_nulls|num_nonnulls`(VARIADIC {_T})", True), ("json", "json_build_array(VARIADIC {_T})", False),
    ("jsonb", "jsonb_build_`array|object`(VARIADIC {_text})", False), ("text", "json_extract_path_text({json}, VARIADIC {_text})", False),
    ("jsonb", "jsonb_extract_path({jsonb}, VARIADIC {_text})", True),
    ("jsonb", "jsonb_path_query_array({jsonb}, '`lax|strict` $`|.**|.*`.keyvalue()`|.id|.value.keyvalue()`', '{}', `true|false`)", False),
    ("jsonb", "jsonb_path_query_first(to_jsonb({`date|timestamp|time|timetz`}), '$.datetime(`|\"yyyy-mm-dd\"|\"HH24:MI:SSTZH\"|\"HH24.MI\"`)`|.type()`')", False),
    ("bool", "jsonb_path_match`|_tz`(jsonb_build_array({`date|timestamp|time|timetz`.}, {`date|timestamp|time|timetz`.}), '$[0].datetime() `<|>=|==` $[1].datetime()')", False),
    ("json", "to_json({T})", False), ("jsonb", "to_jsonb({T})", False), ("json", "row_to_json(ROW({A}, {B}))", False), ("jsonb", "to_jsonb(ROW({A}, {B}))", False),
    ("text", "CAST(ROW({A}, {B}) AS text)", False), ("text", "CAST(pg_typeof({T}) AS text)", True),
    ("text", "CAST({text} AS `varchar(3)|char(4)|varchar(1)`)::text", True), ("text", "CAST({numeric} AS `numeric(6, 2)|numeric(3, -1)|numeric(2, 4)`)::text", False),
    ("text", "CAST({`timestamp|time|timestamptz|interval|timetz`} AS `timestamp(0)|time(2)|interval(1)|interval day to hour|timestamptz(3)`)::text", False),
    ("int4", "(CASE {T.} WHEN {T.} THEN 1 WHEN {T.} THEN 2 ELSE 3 END)", True), ("T", "(SELECT {T})", True),
    ("T", "(SELECT \"max\"(z.c) FROM (VALUES ({T}), ({T})) z (c) WHERE z.c IS NOT NULL)", False), ("int8", "(SELECT count(*) FROM unnest({_T}))", True),
    ("_T", "ARRAY(SELECT z.c FROM unnest({_T}) z (c) ORDER BY 1, CAST(z.c AS text))", False),
]
UNSTABLE = re.compile(r"^(pg_(?!typeof$|size_|encoding_|char_to|client_enc)|current_|now$|session_user|user$|version|inet_client|inet_server|txid_|set_config|has_|to_reg(?!type$)|col_desc"
                      r"|obj_desc|shobj|currval|lastval|nextval|setval|random|setseed|clock_|statement_t"
                      r"|transaction_t|timeofday|gen_|row_security|jsonb?_populate|query_to|table_to|uuid_generate_v[14]|minisql)")
HARMLESS = {"+", "-", "lower", "upper", "length", "abs", "||", "=", "<>", "<", "<=", ">", ">=", "~~", "concat",
            "left", "right", "reverse", "md5", "char_length", "btrim", "sign", "starts_with", "cardinality"}
FAILING = {"jsonb", "inet", "cidr", "name"}  # some of these functions fail for them
# aggregates of floats add in another order; what sorts equal may be represented by either
ORDERED_AGGREGATES = re.compile(r"^(array_agg|string_agg|json)")
LOOSE_AGGREGATES = re.compile(r"^(sum|avg|stddev|var|corr|covar|regr)")


BASE = ["t1", "t2", "t3", "t4"]  # tables of harmless values
TIED = [["t1"], ["t2"], ["t3", "t4"]]  # what one transaction changes


# ---- trees -------------------------------------------------------------------------------------------

class Node:
    """A part of a statement: strings and Nodes in a row. `type`: of an expression. An `optional` one may be
    left out; of a `separator` list each of several may."""

    def __init__(self, type_, parts, *, optional=False, separator=None, constant=False):
        self.type, self.parts, self.optional = type_, parts, optional
        self.separator, self.constant = separator, constant

    def __str__(self):
        return (self.separator or "").join(map(str, self.parts))

    def walk(self, path=()):
        yield path, self
        for i, part in enumerate(self.parts):
            if isinstance(part, Node):
                yield from part.walk(path + (i,))

    def replace(self, path, new):
        """A copy in which the node at `path` is another; None: it is gone."""
        parts = list(self.parts)
        if len(path) > 1:
            parts[path[0]] = parts[path[0]].replace(path[1:], new)
        elif new is None:
            del parts[path[0]]
        else:
            parts[path[0]] = new
        ret = copy.copy(self)
        ret.parts = parts
        return ret


class Extended(Node):
    """A statement whose constants go as parameters, with the extended protocol."""

    def __init__(self, node, binary, binary_results):
        super().__init__(None, [node])
        self.binary, self.binary_results = binary, binary_results


class Execute(Node):
    """Of a prepared statement; `meant` is what that comes to."""

    def __init__(self, tree, values):
        super().__init__(None, ["EXECUTE p (", ", ".join(map(str, values)), ")"])
        left = list(values)

        def filled(node):
            if not isinstance(node, Node):
                return node
            if node.constant and node.type:
                return left.pop(0)
            ret = copy.copy(node)
            ret.parts = [filled(part) for part in node.parts]
            return ret

        self.meant = filled(tree)


class CopyIn(Node):
    """COPY .. FROM STDIN of what the last COPY .. TO STDOUT gave, with `damage` (a seed) or without."""

    def __init__(self, parts, damage):
        super().__init__(None, parts)
        self.damage = damage

    def data(self, copied):
        if self.damage is None:
            return copied
        rng, data = random.Random(self.damage), bytearray(copied)
        start = data.find(b"\n") + 1 if "HEADER" in str(self) else 0
        for _ in range(rng.randrange(1, 3)):
            at = rng.randrange(start, len(data) + 1)
            data[at:at + rng.randrange(3)] = rng.choice(DAMAGE)
        return bytes(data)


def with_parameters(node, types=True):
    """A tree's text with parameters for its constants, and these: (type, text)."""
    values = []

    def text(part):
        if isinstance(part, str):
            return part
        if part.constant and part.type:
            values.append((part.type, part.parts[0]))
            return f"${len(values)}::{part.parts[2]}" if types else f"${len(values)}"
        return (part.separator or "").join(text(p) for p in part.parts)

    return text(node), values


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def literal(type_, text):
    name = COLUMN_TYPE["bpchar"] if type_ == "bpchar" else type_name(type_)
    return Node(type_, ["NULL" if text is None else quoted(text), "::", name], constant=True)


Function = collections.namedtuple("Function", "kind name args variadic result")
Column = collections.namedtuple("Column", "name type")


class Generator:
    def __init__(self, rng, functions, types, tables):
        self.rng, self.types, self.tables = rng, types, tables
        self.by_result = collections.defaultdict(list)
        self.aggregates, self.windows = collections.defaultdict(list), collections.defaultdict(list)
        self.ordered, self.sets_of = collections.defaultdict(list), collections.defaultdict(list)
        for f in functions:
            table = {"aggregate": self.aggregates, "window": self.windows, "ordered": self.ordered, "set": self.sets_of}.get(f.kind, self.by_result)
            table[f.result].append(f)
        self.casts = collections.defaultdict(list)
        for f in functions:
            if f.kind == "cast" and f.args[0] == "bpchar" and f.result not in ("text", "varchar"):
                self.by_result[f.result].remove(f)  # of a constant, without its blanks
            elif f.kind == "cast":
                self.casts[f.result].append(f.args[0])
                self.by_result[f.result].remove(f)
        self.forms = collections.defaultdict(list)
        for type_, text, harmless in FORMS:
            for t in ELEMENTS if type_ == "_T" else ELEMENTS.values() if type_ == "T" else [type_]:
                if {t, f"_{t}" if type_ == "T" else t} <= set(types) and ELEMENTS.get(t, t) not in UNSORTED:
                    self.forms[t].append((ELEMENTS[t] if type_ == "_T" else t if type_ == "T" else None, text, harmless))
        self.n_alias = 0
        self.visible = []  # views and parts of WITH: (name, Columns)

    def pick(self, items):
        return self.rng.choice(items)

    def chance(self, p):
        return self.rng.random() < p

    def alias(self):
        self.n_alias += 1
        return f"x{self.n_alias}"

    # -- expressions; scope: a list of Columns

    def leaf(self, type_, scope, harmless):
        fitting = [c for c in scope if c.type == type_]
        if fitting and self.chance(0.85):
            return Node(type_, [self.pick(fitting).name])
        if self.chance(0.05):
            return literal(type_, None)
        return literal(type_, self.pick(VALUES[type_][harmless]))

    def call(self, f, arguments):
        if f.kind == "operator":
            if len(arguments) == 1:
                return Node(f.result, ["(", f.name, " ", arguments[0], ")"])
            return Node(f.result, ["(", arguments[0], f" {f.name} ", arguments[1], ")"])
        return Node(f.result, [f'"{f.name}"(', Node(None, arguments, separator=", "), ")"])

    def argument_types(self, f):
        types = list(f.args)
        if f.variadic:
            types += [types[-1]] * self.rng.randrange(3)
        return [self.pick([u for u in self.types if u not in UNSORTED]) if t == "any" else t for t in types]

    def arguments(self, f, scope, depth, harmless):
        ret = []
        for i, t in enumerate(self.argument_types(f)):
            values = ARGUMENTS.get((f.name, i))
            if f.name == "to_char" and i == 1:
                values = NUMBER_FORMATS if f.args[0] in ("int4", "int8", "numeric", "float8", "float4") else DATE_FORMATS
            ret.append(literal(t, self.pick(values)) if values else self.expression(t, scope, depth - 1, harmless))
        return ret

    def expression(self, type_, scope, depth, harmless=False):
        if depth <= 0 or self.chance(0.15):
            return self.leaf(type_, scope, harmless)
        choices = [self.by_call] * 5 + [self.by_condition, self.by_form]
        if not harmless:
            choices += [self.by_cast]
        if type_ == "bool":
            choices += [self.by_predicate] * 4
        return self.pick(choices)(type_, scope, depth, harmless)

    def by_call(self, type_, scope, depth, harmless):
        found = [f for f in self.by_result[type_] if not harmless or f.name in HARMLESS and not FAILING & set(f.args)]
        if not found:
            return self.leaf(type_, scope, harmless)
        f = self.pick(found)
        return self.call(f, self.arguments(f, scope, depth, harmless))

    def by_cast(self, type_, scope, depth, harmless):
        if not self.casts[type_]:
            return self.leaf(type_, scope, harmless)
        inner = self.expression(self.pick(self.casts[type_]), scope, depth - 1, harmless)
        if type_ == "bpchar":  # without a length it keeps no trailing blanks
            inner = Node("text", ["rtrim(CAST(", inner, " AS text))"])
        return Node(type_, ["CAST(", inner, f" AS {type_name(type_)})"])

    def by_condition(self, type_, scope, depth, harmless):
        """What may leave an argument unevaluated gets simple ones where evaluation can fail."""
        below = depth - 1 if harmless else 0
        a, b = (self.expression(type_, scope, below, harmless) for _ in range(2))
        kind = self.rng.randrange(4)
        if kind == 0:
            return Node(type_, ["COALESCE(", a, ", ", b, ")"])
        if kind == 1 and type_ not in UNSORTED:
            return Node(type_, [self.pick(["GREATEST(", "LEAST("]), Node(None, [a, b], separator=", "), ")"])
        if kind == 2 and type_ not in UNSORTED:
            return Node(type_, ["NULLIF(", a, ", ", b, ")"])
        condition = self.expression("bool", scope, below, harmless)
        return Node(type_, ["CASE WHEN ", condition, " THEN ", a, Node(None, [" ELSE ", b], optional=True), " END"])

    def by_form(self, type_, scope, depth, harmless):
        found = [f for f in self.forms[type_] if f[2] or not harmless]
        if not found:
            return self.leaf(type_, scope, harmless)
        of, text, _ = self.pick(found)
        sorted_ = [t for t in self.types if t not in UNSORTED and f"_{t}" in self.types]
        bound = {"T": of or self.pick(sorted_), "A": self.pick(sorted_), "B": self.pick(sorted_)}
        bound["_T"] = "_" + bound["T"]
        text = re.sub("`([^`]*)`", lambda m: self.pick(m[1].split("|")), text)
        parts = []
        for part in re.split(r"(\{\w+\.?\})", text):
            if part.startswith("{") and part != "{}":
                t = part[1:-1].rstrip(".")
                parts.append(self.expression(bound.get(t, t), scope, 0 if "." in part else depth - 1, harmless))
            else:
                parts.append(part)
        return Node(type_, parts)

    def by_predicate(self, _, scope, depth, harmless):
        below = depth - 1
        t = self.pick([t for t in self.types if t not in UNSORTED])

        def one(of=t, deep=below):
            return self.expression(of, scope, deep, harmless)

        kind = self.rng.randrange(8)
        if kind == 0:
            return Node("bool", ["(", one(), self.pick([" IS NULL", " IS NOT NULL"]), ")"])
        if kind == 1:
            return Node("bool", ["(", one(), self.pick([" IS DISTINCT FROM ", " IS NOT DISTINCT FROM "]), one(), ")"])
        if kind == 2:
            return Node("bool", ["(", one(), self.pick([" BETWEEN ", " NOT BETWEEN "]), one(deep=0), " AND ",
                                 one(deep=0), ")"])
        if kind == 3:
            items = Node(None, [one(deep=0) for _ in range(self.rng.randrange(1, 4))], separator=", ")
            return Node("bool", ["(", one(), self.pick([" IN (", " NOT IN ("]), items, "))"])
        if kind == 4:
            return Node("bool", ["(NOT ", one("bool"), ")"])
        if kind == 5:
            return Node("bool", ["(", one("bool"), self.pick([" IS TRUE", " IS NOT FALSE", " IS UNKNOWN"]), ")"])
        if kind == 6 and harmless:
            return Node("bool", ["(", one("bool"), self.pick([" AND ", " OR "]), one("bool"), ")"])
        return Node("bool", ["(", one(), self.pick([" = ", " < ", " >= ", " <> "]), one(), ")"])

    # -- one call, of extreme values

    def edge(self, f):
        """A call of f with extreme values: constants, those of a row of w, or of many."""
        scope = self.tables["w"]
        many = f.kind in ("aggregate", "window", "ordered")
        stored = many or self.chance(0.4)
        arguments = []
        for i, t in enumerate(self.argument_types(f)):
            fitting = [c.name for c in scope if c.type == t]
            values = ARGUMENTS.get((f.name, i)) or ARGUMENTS.get((f.name, i, t))
            if values and (f.name in HEAVY or self.chance(0.5)):
                arguments.append(literal(t, self.pick(values)))
            elif fitting and stored and self.chance(0.8):
                arguments.append(Node(t, [self.pick(fitting)]))
            else:
                arguments.append(literal(t, None if self.chance(0.05) else self.pick(VALUES[t][f.name in HEAVY])))
        source = Node(None, [" FROM w", Node(None, [f" WHERE id {self.pick(['<', '>=']) if many else '='} ",
                                                    str(self.rng.randrange(len(TEXTS)))], optional=True)])
        if f.kind == "set" and not stored:
            return [Node(None, [self.pick(["SELECT * FROM ", "SELECT "]), self.call(f, arguments)])]
        return [Node(None, ["SELECT ", self.any_call(f, arguments), source if stored else ""])]

    def any_call(self, f, arguments):
        if f.kind == "cast":
            return Node(f.result, ["CAST(", arguments[0], f" AS {type_name(f.result)})"])
        if f.kind == "window":
            return Node(f.result, [self.call(f, arguments), " OVER (ORDER BY id)"])
        if f.kind == "ordered":
            direct = arguments[:-1] or (arguments if f.variadic else [])
            return Node(f.result, [f'"{f.name}"(', Node(None, direct, separator=", "), ") WITHIN GROUP (ORDER BY ",
                                   arguments[-1], ")"])
        if f.kind == "aggregate" and arguments and ORDERED_AGGREGATES.match(f.name):  # PostgreSQL's rows are in no order
            return Node(f.result, [f'"{f.name}"(', Node(None, arguments, separator=", "), " ORDER BY id)"])
        return self.call(f, arguments or (["*"] if f.name == "count" else []))

    # -- the same statement in another way

    def as_parameters(self, statements):
        """With the extended protocol, or by PREPARE and EXECUTE, if it is one that has constants."""
        text, values = with_parameters(statements[0], False)
        if len(statements) > 1 or not values:
            return statements
        if self.chance(0.6):
            return [Extended(statements[0], self.chance(0.6), self.chance(0.6))]
        names = [literal(t, None).parts[2] for t, _ in values]
        first = [Node(t, [v, "::", n], constant=True) for (t, v), n in zip(values, names)]
        runs = [first] + [[literal(old.type, self.pick(VALUES[old.type][1])) if self.chance(0.5) else old
                           for old in first] for _ in range(2)]
        return [Node(None, ["DEALLOCATE ALL"]), Node(None, [f"PREPARE p ({', '.join(names)}) AS {text}"]),
                *[Execute(statements[0], run) for run in runs]]

    def copy(self):
        """Rows of w to the client, and from there into a table."""
        name = f"n{self.alias()}"
        columns = self.rng.sample([c for c in self.tables["w"][1:] if not re.search("reg|inet|cidr|_mood", c.type)], self.rng.randrange(1, 5))
        names = ", ".join(c.name for c in columns)
        format_ = self.pick(["text", "text", "csv", "csv", "binary"])
        options = [f"FORMAT {format_}"] + [f"{option}{self.pick(values)}" for formats, option, values in COPY_OPTIONS
                                           if format_ in formats and self.chance(0.25)]
        out, into = list(options), list(options)
        if format_ == "csv" and self.chance(0.3):
            out.append("FORCE_QUOTE " + self.pick(["*", f"({columns[0].name})"]))
        if format_ == "csv" and self.chance(0.3):
            into.append(self.pick(["FORCE_NULL ", "FORCE_NOT_NULL "]) + f"({columns[0].name})")
        rows = self.pick(["", f" WHERE id = {self.rng.randrange(len(TEXTS))}"])
        declared = ", ".join(f"{c.name} {COLUMN_TYPE.get(c.type, c.type)}" for c in columns)
        return [Node(None, [f"CREATE TABLE {name} ({declared})"]),
                Node(None, [f"COPY (SELECT {names} FROM w{rows} ORDER BY id) TO STDOUT ({', '.join(out)})"]),
                CopyIn([f"COPY {name} FROM STDIN ({', '.join(into)})"],
                       self.rng.randrange(1 << 30) if format_ != "binary" and self.chance(0.5) else None),
                Node(None, [f"SELECT * FROM {name}"]), Node(None, [f"DROP TABLE IF EXISTS {name}"])]

    # -- texts of values, of those that are none, and nearly so

    def text_of(self, type_):
        if type_ in ELEMENTS and self.chance(0.7):
            items = [self.text_of(ELEMENTS[type_]) for _ in range(self.rng.randrange(3))]
            items = [self.pick([t, t, array_text([t])[1:-1], "NULL", ""]) for t in items]
            text = "{" + ",".join(items) + "}"
            return self.damaged(text, '{},"\\ []:=1a-+') if self.chance(0.7) else text
        if type_ in RANGES and self.chance(0.7):
            bounds = [self.text_of(RANGES[type_]) for _ in range(2)]
            text = self.pick("[(") + ",".join(self.pick([b, b, b, f'"{b}"', ""]) for b in bounds) + self.pick(")]")
            return self.damaged(text, '[](),"\\ e') if self.chance(0.5) else text
        pieces = PIECES.get(type_)
        if pieces and self.chance(0.6):
            return "".join(self.pick(pieces) for _ in range(self.rng.randrange(1, 9)))
        text = self.pick(VALUES[type_][0])
        return self.damaged(text, pieces or SIGNS) if self.chance(0.8) else text

    def damaged(self, text, bits):
        for _ in range(self.rng.randrange(1, 3)):
            at = self.rng.randrange(len(text) + 1)
            text = text[:at] + self.pick(bits) + text[at + self.rng.randrange(3):]
        return text

    def texts(self):
        type_ = self.pick([t for t in self.types if "reg" not in t])
        text, name = self.text_of(type_), type_name(type_)
        if type_ in WITH_LENGTH and self.chance(0.3):
            name = COLUMN_TYPE.get(type_, type_).split("(")[0] + self.pick(WITH_LENGTH[type_])
        return [Node(None, ["SELECT ", Node(type_, [quoted(text), "::", name], constant=True)])]

    # -- statements over the table of extreme values

    def values(self):
        scope = self.tables["w"]
        if self.chance(0.15):
            type_ = self.pick([t for t in self.aggregates if t in VALUES])
            f = self.pick(self.aggregates[type_])
            arguments = Node(None, self.arguments(f, scope, 2, False) or ["*"], separator=", ")
            order = " ORDER BY id" if ORDERED_AGGREGATES.match(f.name) and "*" not in arguments.parts else ""
            items = [Node(type_, [f'"{f.name}"(', arguments, order, ")"])]
        else:
            items = [self.expression(self.pick(self.types), scope, self.rng.randrange(1, 4))
                     for _ in range(self.rng.randrange(1, 3))]
        where = Node(None, [f" WHERE id = {self.rng.randrange(len(TEXTS))}"], optional=True)
        return [Node(None, ["SELECT ", Node(None, items, separator=", "), Node(None, [" FROM w"], optional=True),
                            where])]

    # -- queries over the other tables

    def table(self):
        alias = self.alias()
        if self.visible and self.chance(0.5):
            name, columns = self.pick(self.visible)
        else:
            name = self.pick(BASE)
            columns = self.tables[name]
        return Node(None, [f"{name} {alias}"]), [Column(f"{alias}.{c.name}", c.type) for c in columns]

    def subquery(self, depth, outer):
        query, types = self.select(depth - 1, outer)
        alias = self.alias()
        names = [f"c{i}" for i in range(len(types))]
        return (Node(None, ["(", query, f") {alias} ({', '.join(names)})"]),
                [Column(f"{alias}.{n}", t) for n, t in zip(names, types)])

    def set_call(self, scope):
        """A call of a function that returns rows."""
        def int4():
            return self.leaf("int4", scope, True)

        arrays = [c for c in scope if c.type in ELEMENTS]
        texts = [c for c in scope if c.type == "text"]
        text = Node("text", [self.pick(texts).name]) if texts else literal("text", "a,b")
        kind = self.rng.randrange(8)
        if kind == 0 and arrays:
            c = self.pick(arrays)
            return Node(ELEMENTS[c.type], ["unnest(", Node(c.type, [c.name]), ")"])
        if kind == 1 and arrays:
            return Node("int4", ["generate_subscripts(", self.pick(arrays).name, ", 1)"])
        if kind == 2:
            return Node("text", ["string_to_table(", text, f", {self.pick(QUOTED_BITS)})"])
        if kind == 3:
            return Node("text", ["regexp_split_to_table(", text, f", {self.pick(QUOTED_BITS)})"])
        if kind == 4:
            return Node("jsonb", [f"jsonb_array_elements('{self.pick(JSON_LISTS)}'::jsonb)"])
        if kind == 5:
            return Node("timestamp", ["generate_series(timestamp '2024-01-30', '2024-05-01', ",
                                      literal("interval", self.pick(["1 mon", "20 days", "-1 day"])), ")"])
        if kind == 6:
            return Node("numeric", ["generate_series(", literal("numeric", self.pick(["0", "1.5"])), ", 4, 1.25)"])
        return Node("int4", ["generate_series(", int4(), ", ", int4(), Node(None, [f", {self.pick(['2', '-1', '3'])}"],
                                                                             optional=True), ")"])

    def record_source(self):
        """A function that gives rows of several columns."""
        text, alias = self.pick(JSON_OBJECTS), self.alias()
        arrays = [literal(t, self.pick(VALUES[t][1])) for t in (self.pick(["_int4", "_text", "_date", "_mood"]) for _ in range(2))]
        j = self.pick(["json", "jsonb"])
        of = self.pick(FIELDS_OF_JSON)
        declared = ", ".join(f"{n} {t}" for n, t in of)
        call, names, types = self.pick([
            ([f"{j}_each_text('{text}')"], ["k", "v"], ["text", "text"]), ([f"{j}_each('{text}')"], ["k", "v"], ["text", j]),
            (["unnest(", arrays[0], ", ", arrays[1], ")"], ["a", "b"], [ELEMENTS[a.type] for a in arrays]),
            (["ROWS FROM (unnest(", arrays[0], f"), generate_series(1, {self.rng.randrange(4)}))"], ["a", "b"], [ELEMENTS[arrays[0].type], "int4"]),
            ([f"unnest(", arrays[0], ", ", arrays[1], ") WITH ORDINALITY"], ["a", "b", "n"], [*(ELEMENTS[a.type] for a in arrays), "int8"]),
            ([f"{j}_to_record('{text}')"], None, None), ([f"{j}_to_recordset('[{text}, {self.pick(JSON_OBJECTS)}]')"], None, None)])
        if names:
            return Node(None, [*call, f" {alias} ({', '.join(names)})"]), [Column(f"{alias}.{n}", t) for n, t in zip(names, types)]
        return Node(None, [*call, f" AS {alias} ({declared})"]), [Column(f"{alias}.{n}", t) for n, t in of]

    def function_source(self, scope):
        if self.chance(0.3):
            return self.record_source()
        call, alias = self.set_call(scope), self.alias()
        if self.chance(0.3):
            return (Node(None, [call, f" WITH ORDINALITY {alias} (c0, n)"]),
                    [Column(f"{alias}.c0", call.type), Column(f"{alias}.n", "int8")])
        return Node(None, [call, f" {alias} (c0)"]), [Column(f"{alias}.c0", call.type)]

    def values_source(self):
        types = [self.pick(["int4", "text", "numeric", "date", "bool"]) for _ in range(self.rng.randrange(1, 4))]
        rows = Node(None, [Node(None, ["(", Node(None, [literal(t, self.pick(VALUES[t][1])) for t in types],
                                                 separator=", "), ")"]) for _ in range(self.rng.randrange(1, 4))],
                    separator=", ")
        alias, names = self.alias(), [f"c{i}" for i in range(len(types))]
        return (Node(None, ["(VALUES ", rows, f") {alias} ({', '.join(names)})"]),
                [Column(f"{alias}.{n}", t) for n, t in zip(names, types)])

    def source(self, depth, outer):
        if depth > 0 and self.chance(0.2):
            return self.subquery(depth, outer)
        node, columns = self.table() if self.chance(0.9) else self.function_source(outer) if self.chance(0.6) \
            else self.values_source()
        while depth > 0 and self.chance(0.4):
            if self.chance(0.2):  # what sees the left side
                right, more = self.subquery(depth, columns) if self.chance(0.6) else self.function_source(columns)
                kind = self.pick([(" CROSS JOIN ", ""), (" LEFT JOIN ", " ON true"), (" JOIN ", " ON true")])
                node = Node(None, ["(", node, kind[0], "LATERAL ", right, kind[1], ")"])
                columns = columns + more
                continue
            right, more = self.source(depth - 1, outer)
            kind = self.pick([" JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " FULL JOIN ", " CROSS JOIN "])
            if kind == " CROSS JOIN ":
                node = Node(None, ["(", node, kind, right, ")"])
            else:
                node = Node(None, ["(", node, kind, right, " ON ", self.join_condition(columns, more), ")"])
            columns = columns + more
        return node, columns

    def join_condition(self, left, right):
        pairs = [(a, b) for a in left for b in right if a.type == b.type and a.type not in UNSORTED]
        if not pairs:
            return literal("bool", "true")
        a, b = self.pick(pairs)
        return Node("bool", ["(", Node(a.type, [a.name]), " = ", Node(b.type, [b.name]), ")"])

    def condition(self, scope, depth):
        if any(c.type not in UNSORTED for c in scope) and depth > 0 and self.chance(0.25):
            inner, columns = self.table()
            tie = self.join_condition(scope, columns)
            kind = self.rng.randrange(3)
            if kind == 0:
                return Node("bool", [self.pick(["EXISTS ", "NOT EXISTS "]), "(SELECT 1 FROM ", inner, " WHERE ", tie, ")"])
            if kind == 1:
                a = self.pick([c for c in scope if c.type not in UNSORTED])
                same = [c for c in columns if c.type == a.type]
                if same:
                    return Node("bool", ["(", a.name, self.pick([" IN ", " NOT IN "]), "(SELECT ",
                                         self.pick(same).name, " FROM ", inner,
                                         Node(None, [" WHERE ", tie], optional=True), "))"])
            return Node("bool", ["((SELECT count(*) FROM ", inner, " WHERE ", tie, ") > ", str(self.rng.randrange(3)), ")"])
        return self.expression("bool", scope, 2, True)

    def aggregate(self, scope):
        lists = [c for c in scope if c.type in AGGREGATED]
        if lists and self.chance(0.15):  # of values in their order
            c = self.pick(lists)
            name, result, more = self.pick([("array_agg", "_" + c.type, ""), ("string_agg", "text", ", ';'"), ("jsonb_agg", "jsonb", ""), ("json_agg", "json", "")])
            value = Node(None, [c.name, "::text"] if name == "string_agg" else [c.name])
            return Node(result, [f"{name}(", self.pick(["", "", "DISTINCT "]), value, more, " ORDER BY ", value, ")"])
        type_ = self.pick([t for t in ("int8", "numeric", "float8", "text", "bool", "int4", "date")
                           if self.aggregates[t]])
        f = self.pick([f for f in self.aggregates[type_]
                       if not re.match(r"array_agg|json|string_agg|xml", f.name)] or self.aggregates["int8"])
        arguments = self.arguments(f, scope, 1, True)
        distinct = "DISTINCT " if len(arguments) == 1 and self.chance(0.2) and arguments[0].type not in UNSORTED else ""
        inner = Node(None, arguments or ["*"], separator=", ")
        tail = []
        if self.chance(0.2):
            tail = [Node(None, [" FILTER (WHERE ", self.expression("bool", scope, 1, True), ")"], optional=True)]
        return Node(f.result, [f'"{f.name}"({distinct}', inner, ")", *tail])

    def window(self, scope, key):
        """key: a column without equal values."""
        parts = self.pick([c for c in scope if c.type not in UNSORTED]).name
        frame = self.pick(["", "", " ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
                           " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", " ROWS 2 PRECEDING"])
        if self.chance(0.4):
            numbers = [c for c in scope if c.type in ("int4", "int2", "int8")]
            call = self.pick([Node("int8", ["count(*)"])] + [Node("int8", [f"sum({c.name})"]) for c in numbers if c.type == "int4"] + [
                Node(c.type, [f"{self.pick(['min', 'max'])}({c.name})"]) for c in scope if c.type in AGGREGATED])
            if numbers and self.chance(0.6):  # peers, and offsets in values
                key = self.pick(numbers).name + self.pick(["", " DESC", " NULLS FIRST"])
                frame = self.pick(FRAMES)
        else:
            type_ = self.pick([t for t in ("int8", "int4", "text", "numeric", "date") if self.windows[t]])
            f = self.pick(self.windows[type_])
            arguments = [literal(t, self.pick(["1", "2", "3"])) if t == "int4" and i > 0 or f.name == "ntile"
                         else self.leaf(t, scope, True) for i, t in enumerate(self.argument_types(f))]
            call = Node(f.result, [f'"{f.name}"(', Node(None, arguments, separator=", "), ")"])
        over = [Node(None, [f"PARTITION BY {parts} "], optional=True), f"ORDER BY {key}",
                Node(None, [frame], optional=True)]
        return Node(call.type, [call, " OVER (", *over, ")"])

    def groups(self, keys):
        """(GROUP BY's list, calls of grouping())."""
        plain = Node(None, [c.name for c in keys], separator=", ")
        if self.chance(0.7):
            return Node(None, [" GROUP BY ", plain]), []
        names = [c.name for c in keys]
        kind = self.rng.randrange(3)
        if kind < 2:
            text = f" GROUP BY {self.pick(['ROLLUP', 'CUBE'])} ({', '.join(names)})"
        else:
            sets = [f"({', '.join(names)})", f"({names[0]})", "()", f"({names[-1]})"]
            text = f" GROUP BY GROUPING SETS ({', '.join(self.rng.sample(sets, self.rng.randrange(1, 5)))})"
        return Node(None, [text]), [Node("int4", [f"grouping({', '.join(names)})"])]

    def select(self, depth, outer=()):
        source, columns = self.source(depth, outer)
        scope = columns + list(outer)
        where = Node(None, [" WHERE ", self.condition(scope, depth)], optional=True) if self.chance(0.6) else ""
        simple = [c for c in columns if c.type not in UNSORTED]
        if self.chance(0.35):
            keys = self.rng.sample(simple, min(len(simple), self.rng.randrange(0, 3)))
            items = [Node(c.type, [c.name]) for c in keys] + [self.aggregate(columns) for _ in
                                                               range(self.rng.randrange(1, 3))]
            by, calls = self.groups(keys) if keys else ("", [])
            items += calls
            tail = [by]
            if self.chance(0.2):
                tail.append(Node(None, [f" HAVING count(*) > {self.rng.randrange(3)}"], optional=True))
            head = "SELECT "
        else:
            items = [self.expression(self.pick([c.type for c in columns]), columns, 2, True)
                     for _ in range(self.rng.randrange(1, 4))]
            keys = [c for c in columns if c.name.endswith(".id")]
            if keys and self.chance(0.15) and len(source.parts) == 1:  # one table: id is unique
                items.append(self.window(columns, keys[0].name))
            tail = []
            comparable = all(i.type not in UNSORTED for i in items)
            head = "SELECT "
            if comparable and self.chance(0.2):
                head = self.pick(["SELECT DISTINCT ", "SELECT DISTINCT ON (1) "])
                tail = [" ORDER BY ", ", ".join(str(n + 1) for n in range(len(items)))] if "(" in head else []
            elif self.chance(0.06):
                items.append(self.set_call(columns))
        query = Node(None, [head, Node(None, items, separator=", "), " FROM ", source, where, *tail])
        return query, [i.type for i in items]

    def query(self):
        before, head = self.visible, ""
        if self.chance(0.15):
            parts = [self.part(f"q{n}") for n in range(self.rng.randrange(1, 3))]
            head = Node(None, ["WITH ", Node(None, parts, separator=", "), " "], optional=True)
        elif self.chance(0.05):
            head = Node(None, ["WITH RECURSIVE ", self.recursive(), " "])
        ret = [Node(None, [head, self.sorted_query()])]
        self.visible = before
        return ret

    def part(self, name):
        """Of a WITH, seen by what follows."""
        query, types = self.select(1)
        columns = [Column(f"c{i}", t) for i, t in enumerate(types)]
        self.visible = self.visible + [(name, columns)]
        names = ", ".join(c.name for c in columns)
        return Node(None, [f"{name} ({names}) AS {self.pick(['', '', 'MATERIALIZED ', 'NOT MATERIALIZED '])}(", query, ")"])

    def recursive(self):
        type_ = self.pick(["int4", "text", "bool"])
        scope = [Column("r.n", "int4"), Column("r.c", type_)]
        step = Node(None, ["SELECT r.n + 1, ", self.expression(type_, scope, 2, True), " FROM r WHERE r.n < 4"])
        if self.chance(0.5):
            inner, columns = self.table()
            ids = [c for c in columns if c.type == "int4"]
            if ids:
                step = Node(None, ["SELECT r.n + 1, ", self.expression(type_, scope + columns, 1, True), " FROM r JOIN ",
                                   inner, f" ON {self.pick(ids).name} = r.n WHERE r.n < 4"])
        self.visible = self.visible + [("r", [Column("n", "int4"), Column("c", type_)])]
        return Node(None, ["r (n, c) AS (SELECT 1, ", self.leaf(type_, (), True), self.pick([" UNION ALL ", " UNION "]),
                           step, ")"])

    def sorted_query(self):
        query, types = self.select(self.rng.randrange(0, 3))
        comparable = not any(t in UNSORTED for t in types) and " ORDER BY 1" not in str(query)[-30:]
        if comparable and self.chance(0.15):
            scope = self.tables[other := self.pick(BASE)]
            right = Node(None, ["SELECT ", Node(None, [self.leaf(t, scope, True) for t in types], separator=", "),
                                f" FROM {other}"])
            op = self.pick([" UNION ", " UNION ALL ", " INTERSECT ", " EXCEPT ", " INTERSECT ALL ", " EXCEPT ALL "])
            query = Node(None, [query, op, right])
        tail = []
        if comparable and self.chance(0.4):
            orders = ["", " DESC", " NULLS FIRST", " DESC NULLS LAST"]
            tail = [" ORDER BY ", Node(None, [f"{i + 1}{self.pick(orders)}" for i in range(len(types))], separator=", ")]
            if self.chance(0.4):
                tail.append(Node(None, [f" LIMIT {self.rng.randrange(6)}"], optional=True))
            if self.chance(0.2):
                tail.append(Node(None, [f" OFFSET {self.rng.randrange(4)}"], optional=True))
        return Node(None, [query, *tail])

    # -- what is made, used, and dropped again

    def view(self):
        name = f"v{self.alias()}"
        query, types = self.select(1)
        columns = [Column(f"c{i}", t) for i, t in enumerate(types)]
        create = Node(None, [f"CREATE VIEW {name} ({', '.join(c.name for c in columns)}) AS ", query])
        before, self.visible = self.visible, [(name, columns)] * 3
        uses = [self.sorted_query() for _ in range(2)]
        self.visible = before
        return [create, *uses, Node(None, [f"DROP VIEW IF EXISTS {name}"])]

    def index(self):
        """The same question without and with an index, which is partial at times."""
        table, name = self.pick(BASE), f"i{self.alias()}"
        indexed = [c for c in self.tables[table] if c.type not in (*UNSORTED, "jsonb")]
        chosen = self.rng.sample(indexed, self.rng.randrange(1, 3))
        keys = ", ".join(c.name + self.pick(["", " DESC", " NULLS FIRST"]) for c in chosen)
        where = Node(None, [" WHERE ", self.expression("bool", indexed, 1, True)], optional=True) if self.chance(0.4) else ""
        a = chosen[0]
        tests = [f"{a.name} = ", f"{a.name} > ", f"{a.name} <= "]
        ask = [Node(None, ["SELECT * FROM ", table, " WHERE ", Node("bool", ["(", self.pick(tests), self.leaf(a.type, (), True), ")"]),
                           Node(None, [" AND ", self.expression("bool", indexed, 1, True)], optional=True),
                           Node(None, [f" ORDER BY {keys}, " + ", ".join(str(n + 1) for n in range(len(self.tables[table])) )],
                                optional=True)]) for _ in range(2)]
        return [Node(None, [f"CREATE INDEX {name} ON {table} ({keys})", where]), *ask,
                Node(None, [f"DROP INDEX IF EXISTS {name}"])]

    def store(self):
        """Values of any type come into a column of any other."""
        name, scope = f"n{self.alias()}", self.tables["w"]
        column = self.pick(STORED)
        row = self.rng.randrange(len(TEXTS))
        value = Node(None, [self.pick(scope).name]) if self.chance(0.6) else self.expression(self.pick(self.types), scope, 2)
        return [Node(None, [f"CREATE TABLE {name} (c {column})"]),
                Node(None, [f"INSERT INTO {name} SELECT ", value, f" FROM w WHERE id = {row}"]),
                Node(None, [f"SELECT * FROM {name}"]), Node(None, [f"DROP TABLE IF EXISTS {name}"])]

    def create(self):
        """A table made of a query."""
        name = f"n{self.alias()}"
        query, types = self.select(1)
        columns = [Column(f"c{i}", t) for i, t in enumerate(types)]
        before, self.visible = self.visible, [(name, columns)] * 3
        uses = [self.sorted_query()]
        self.visible = before
        return [Node(None, [f"CREATE TABLE {name} ({', '.join(c.name for c in columns)}) AS ", query]), *uses,
                Node(None, [f"DROP TABLE IF EXISTS {name}"])]

    # -- changes

    def change(self):
        """Changes of a table, or of two that a foreign key ties, and what they hold then."""
        group = self.pick(TIED)
        steps = []
        for _ in range(self.rng.randrange(1, 4)):
            steps.append(self.one_change(self.pick(group)))
        if len(steps) > 1 and self.chance(0.5):
            at = self.rng.randrange(1, len(steps))
            steps[at:at] = [Node(None, ["SAVEPOINT s"])]
            steps.append(Node(None, [self.pick(["ROLLBACK TO s", "RELEASE s"])]))
            if self.chance(0.4):
                steps.append(self.one_change(self.pick(group)))
        after = [Node(None, [f"SELECT * FROM {table}"]) for table in group]
        return [Node(None, ["BEGIN"]), *steps, *after, Node(None, ["ROLLBACK"])]

    def one_change(self, table):
        columns = self.tables[table]
        settable = [c for c in columns if c.name != "id"]
        chosen = self.rng.sample(settable, self.rng.randrange(1, min(4, len(settable)) + 1))
        kinds = [self.update, self.delete, self.insert, self.insert, self.upsert, self.update_from, self.delete_using,
                 self.merge, self.modifying_with]
        return self.pick(kinds)(table, columns, chosen)

    def returning(self):
        return Node(None, [" RETURNING *"], optional=True) if self.chance(0.5) else ""

    def sets(self, chosen, scope):
        return Node(None, [Node(None, [f"{c.name.split('.')[-1]} = ", self.pick([
            lambda: self.expression(c.type, scope, 2, True), lambda: Node(None, ["DEFAULT"])] if self.chance(0.1) else [
            lambda: self.expression(c.type, scope, 2, True)])()]) for c in chosen], separator=", ")

    def update(self, table, columns, chosen):
        where = Node(None, [" WHERE ", self.expression("bool", columns, 2, True)], optional=True)
        return Node(None, [f"UPDATE {table} SET ", self.sets(chosen, columns), where, self.returning()])

    def delete(self, table, columns, _):
        where = Node(None, [" WHERE ", self.condition([Column(f"{table}.{c.name}", c.type) for c in columns], 1)], optional=True)
        return Node(None, [f"DELETE FROM {table}", where, self.returning()])

    def rows(self, chosen, low):
        return Node(None, [Node(None, ["(", str(self.rng.randrange(low, 110)), ", ", Node(
            None, [self.leaf(c.type, (), True) for c in chosen], separator=", "), ")"])
            for _ in range(self.rng.randrange(1, 4))], separator=", ")

    def insert(self, table, _, chosen):
        names = ", ".join(["id"] + [c.name for c in chosen])
        if self.chance(0.3):
            other = self.tables[name := self.pick(BASE)]
            items = Node(None, [self.expression(c.type, other, 1, True) for c in chosen], separator=", ")
            return Node(None, [f"INSERT INTO {table} ({names}) SELECT id + 200, ", items, f" FROM {name}", self.returning()])
        return Node(None, [f"INSERT INTO {table} ({names}) VALUES ", self.rows(chosen, 90), self.returning()])

    def upsert(self, table, columns, chosen):
        names = ", ".join(["id"] + [c.name for c in chosen])
        both = [Column(f"{alias}.{c.name}", c.type) for alias in (table, "excluded") for c in columns]
        where = Node(None, [" WHERE ", self.expression("bool", both, 1, True)], optional=True)
        conflict = self.pick([" ON CONFLICT DO NOTHING", Node(None, [" ON CONFLICT (id) DO UPDATE SET ", self.sets(
            chosen[:2], both), where])])
        return Node(None, [f"INSERT INTO {table} ({names}) VALUES ", self.rows(chosen, 0), conflict, self.returning()])

    def tied(self, table, columns):
        """Another table whose rows meet one of `table` each: (FROM's text, condition, Columns of both)."""
        other, alias = self.pick(BASE), self.alias()
        both = [Column(f"{table}.{c.name}", c.type) for c in columns] + [
            Column(f"{alias}.{c.name}", c.type) for c in self.tables[other]]
        return f"{other} {alias}", f"{alias}.id = {table}.id", both

    def update_from(self, table, columns, chosen):
        source, tie, both = self.tied(table, columns)
        where = Node(None, [" AND ", self.expression("bool", both, 1, True)], optional=True)
        return Node(None, [f"UPDATE {table} SET ", self.sets(chosen, both), f" FROM {source} WHERE {tie}", where, self.returning()])

    def delete_using(self, table, columns, _):
        source, tie, both = self.tied(table, columns)
        where = Node(None, [" AND ", self.expression("bool", both, 1, True)], optional=True)
        return Node(None, [f"DELETE FROM {table} USING {source} WHERE {tie}", where, self.returning()])

    def merge(self, table, columns, chosen):
        source, tie, both = self.tied(table, columns)
        theirs = both[len(columns):]
        names = ", ".join(["id"] + [c.name for c in chosen])
        test = Node(None, [" AND ", self.expression("bool", both, 1, True)], optional=True)
        matched = self.pick([Node(None, ["UPDATE SET ", self.sets(chosen, both)]), "DELETE", "DO NOTHING"])
        insert = Node(None, [f"INSERT ({names}) VALUES ({theirs[0].name} + 100, ", Node(
            None, [self.expression(c.type, theirs, 1, True) for c in chosen], separator=", "), ")"])
        return Node(None, [f"MERGE INTO {table} USING {source} ON {tie}", Node(None, [" WHEN MATCHED", test, " THEN ", matched]),
                           Node(None, [" WHEN NOT MATCHED THEN ", self.pick([insert, "DO NOTHING"])], optional=True)])

    def modifying_with(self, table, columns, chosen):
        inner = self.pick([self.update, self.insert, self.update_from])(table, columns, chosen)
        inner = Node(None, [p for p in inner.parts if "RETURNING" not in str(p)] + [f" RETURNING {table}.*"])
        before, self.visible = self.visible, [("q", columns)]
        main, _ = self.select(0)
        self.visible = before
        return Node(None, ["WITH q AS (", inner, ") ", main])
