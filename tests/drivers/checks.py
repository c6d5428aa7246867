"""What the Python programs here share: runs their checks and says "ok NAME" or "FAILED NAME: why" of each."""
import datetime
import decimal
import os
import sys
import traceback
import uuid

HOST, PORT = os.environ["PGHOST"], int(os.environ["PGPORT"])
USER, DATABASE = os.environ["PGUSER"], os.environ["PGDATABASE"]
LARGE_PORT = int(os.environ["LARGE_PORT"])  # of the server that takes the large values
LARGE = 100 * 1024 * 1024
TEXT = "ünï¢ödé 漢字 🐘 'quoted' \"twice\" back\\slash %s $1 ?\ttab\nline"

TYPES = """CREATE TABLE {} (id int PRIMARY KEY, b bool, i2 int2, i4 int4, i8 int8, n numeric(12,3),
    f4 float4, f8 float8, t text, v varchar(20), c char(5), y bytea, u uuid, d date, ti time,
    ts timestamp, tz timestamptz, iv interval)"""
COLUMNS = "id b i2 i4 i8 n f4 f8 t v c y u d ti ts tz iv".split()
UTC = datetime.timezone.utc
VALUES = (1, True, -32768, 2147483647, -9223372036854775808, decimal.Decimal("123456789.125"), 1.5, 0.1,
          TEXT, "varying", "ab   ", bytes(range(256)), uuid.UUID("0123abcd-4567-89ab-cdef-0123456789ab"),
          datetime.date(2024, 2, 29), datetime.time(23, 59, 58, 123456),
          datetime.datetime(1999, 12, 31, 23, 59, 59, 999999),
          datetime.datetime(2024, 6, 1, 12, 0, 0, 5, tzinfo=UTC), datetime.timedelta(days=-3, seconds=4))
NULLS = (2,) + (None,) * (len(VALUES) - 1)

checks = []


def check(function):
    checks.append(function)
    return function


def raises(errors, function, *arguments, **options):
    """The error that it raises; anything else fails."""
    try:
        function(*arguments, **options)
    except errors as e:
        return e
    raise AssertionError(f"no error from {function.__name__}{arguments}")


def run(connect):
    """Each check gets what makes a connection."""
    failed = False
    for function in checks:
        try:
            function(connect)
            print(f"ok {function.__name__}", flush=True)
        except Exception:  # whatever a driver throws
            failed = True
            print(f"FAILED {function.__name__}: {traceback.format_exc()}", flush=True)
    sys.exit(1 if failed else 0)
