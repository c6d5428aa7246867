"""asyncpg: everything in binary, everything prepared."""
import asyncio
import contextlib
import functools
import time

import asyncpg

from checks import COLUMNS, DATABASE, HOST, LARGE, LARGE_PORT, NULLS, PORT, TEXT, TYPES, USER, VALUES, check, run


def setup(port=PORT):
    return asyncpg.connect(host=HOST, port=port, user=USER, database=DATABASE)


def asynchronous(function):
    @functools.wraps(function)
    def wrapper(connect):
        async def whole():
            c = await connect()
            try:
                await function(c)
            finally:
                await c.close()
        asyncio.run(whole())
    return check(wrapper)


async def raises(error, awaitable):
    try:
        await awaitable
    except error as e:
        return e
    raise AssertionError(f"no {error.__name__}")


@asynchronous
async def connect(c):
    assert c.get_server_version().major == 15
    assert c.get_settings().server_encoding == "UTF8"


@asynchronous
async def ddl(c):
    await c.execute("DROP TABLE IF EXISTS apg_t")
    await c.execute("DROP TABLE IF EXISTS apg_u")
    await c.execute(TYPES.format("apg_t"))
    await c.execute("CREATE TABLE apg_u (id int PRIMARY KEY, name text NOT NULL UNIQUE)")


@asynchronous
async def types_and_nulls(c):
    marks = ", ".join(f"${i + 1}" for i in range(len(VALUES)))
    for row in (VALUES, NULLS):
        await c.execute(f"INSERT INTO apg_t VALUES ({marks})", *row)
    found = [tuple(row) for row in await c.fetch("SELECT * FROM apg_t ORDER BY id")]
    assert found == [VALUES, NULLS], found
    for column, value in zip(COLUMNS, VALUES):
        assert await c.fetchval(f"SELECT id FROM apg_t WHERE {column} = $1", value) == 1, column


@asynchronous
async def batch(c):
    await c.executemany("INSERT INTO apg_u VALUES ($1, $2)", [(i, f"name {i}") for i in range(1000)])
    assert await c.fetchval("SELECT count(*) FROM apg_u") == 1000
    await raises(asyncpg.UniqueViolationError,
                 c.executemany("INSERT INTO apg_u VALUES ($1, $2)", [(5000, "new"), (1, "old")]))
    assert await c.fetchval("SELECT count(*) FROM apg_u") == 1000


@asynchronous
async def copy(c):
    await c.execute("DELETE FROM apg_t")
    await c.copy_records_to_table("apg_t", records=[VALUES, NULLS])
    assert [tuple(row) for row in await c.fetch("SELECT * FROM apg_t ORDER BY id")] == [VALUES, NULLS]


@asynchronous
async def cursors(c):
    async with c.transaction():
        total = 0
        async for row in c.cursor("SELECT i FROM generate_series(1, $1::int) i", 1234, prefetch=100):
            total += row[0]
        assert total == 1234 * 1235 // 2
        one = await c.cursor("SELECT i FROM generate_series(1, 20) i")
        two = await c.cursor("SELECT -i FROM generate_series(1, 20) i")
        assert [r[0] for r in await one.fetch(3)] == [1, 2, 3]
        assert [r[0] for r in await two.fetch(2)] == [-1, -2]
        assert await one.forward(5) == 5
        assert (await one.fetchrow())[0] == 9
        assert [r[0] for r in await two.fetch(100)] == list(range(-3, -21, -1))
        assert await two.fetch(1) == []
    assert tuple(await c.fetchrow("SELECT i FROM generate_series(1, 100000) i")) == (1,)


@asynchronous
async def transactions(c):
    await c.execute("DELETE FROM apg_u")
    async with c.transaction():
        await c.execute("INSERT INTO apg_u VALUES (1, 'one')")
        inner = c.transaction()
        await inner.start()
        await raises(asyncpg.UniqueViolationError, c.execute("INSERT INTO apg_u VALUES (1, 'x')"))
        await raises(asyncpg.InFailedSQLTransactionError, c.fetch("SELECT 1"))
        await inner.rollback()
        await c.execute("INSERT INTO apg_u VALUES (2, 'two')")
    outer = c.transaction()
    await outer.start()
    await c.execute("DELETE FROM apg_u")
    await outer.rollback()
    assert [tuple(r) for r in await c.fetch("SELECT * FROM apg_u ORDER BY id")] == [(1, "one"), (2, "two")]


@asynchronous
async def errors(c):
    for sql, error in (("SELEC 1", asyncpg.PostgresSyntaxError), ("SELECT nope", asyncpg.UndefinedColumnError),
                       ("SELECT * FROM nope", asyncpg.UndefinedTableError),
                       ("SELECT 1 / $1::int", asyncpg.DivisionByZeroError),
                       ("INSERT INTO apg_u VALUES (3 + $1::int, NULL)", asyncpg.NotNullViolationError)):
        await raises(error, c.fetch(sql, *([0] if "$1" in sql else [])))
    e = await raises(asyncpg.UniqueViolationError, c.execute("INSERT INTO apg_u VALUES (1, 'x')"))
    assert (e.sqlstate, e.schema_name, e.table_name, e.constraint_name) == ("23505", "public", "apg_u", "apg_u_pkey")


@asynchronous
async def prepared(c):
    p = await c.prepare("SELECT $1::int + 1, upper($2)")
    assert [t.name for t in p.get_parameters()] == ["int4", "text"]
    assert [a.type.name for a in p.get_attributes()] == ["int4", "text"]
    for i in range(5):
        assert tuple(await p.fetchrow(i, "x")) == (i + 1, "X")


@asynchronous
async def unicode(c):
    assert tuple(await c.fetchrow("SELECT $1::text, length($1)", TEXT)) == (TEXT, len(TEXT))


@asynchronous
async def notifications(c):
    heard = asyncio.get_running_loop().create_future()
    await c.add_listener("apg_news", lambda c, pid, channel, payload: heard.set_result((channel, payload)))
    d = await setup()
    await d.execute("SELECT pg_notify('apg_news', 'ä')")
    assert await asyncio.wait_for(heard, 10) == ("apg_news", "ä")
    await d.close()


@check
def portals(connect):
    async def whole():
        c = await connect()
        kept = await c.prepare("SELECT * FROM generate_series(1, 3) a", name="stated")
        async with c.transaction():
            cursor = await c.cursor("EXECUTE stated")
            assert [tuple(r) for r in await cursor.fetch(2)] == [(1,), (2,)]
            assert [tuple(r) for r in await cursor.fetch(2)] == [(3,)]
        assert [tuple(r) for r in await kept.fetch()] == [(1,), (2,), (3,)]
        transaction = c.transaction()
        await transaction.start()
        cursor = await c.cursor("SELECT pg_sleep(10)")
        with contextlib.suppress(asyncio.TimeoutError):
            await cursor.fetchrow(timeout=0.1)
        try:
            assert False, await cursor.fetch(1)
        except asyncpg.InFailedSQLTransactionError:
            pass
        await transaction.rollback()
        await c.close()
    asyncio.run(whole())


@check
def large(connect):
    async def whole():
        c = await connect(LARGE_PORT)
        value = b"\x00\xffab" * (LARGE // 4)
        await c.execute("DROP TABLE IF EXISTS apg_large")
        await c.execute("CREATE TABLE apg_large (y bytea)")
        await c.execute("INSERT INTO apg_large VALUES ($1)", value)
        assert tuple(await c.fetchrow("SELECT length(y), y FROM apg_large")) == (LARGE, value)
        await c.execute("DROP TABLE apg_large")
        await c.close()
    asyncio.run(whole())


@asynchronous
async def cancel(c):
    start = time.monotonic()
    await raises(asyncio.TimeoutError, c.fetch("SELECT count(*) FROM generate_series(1, 10000000000)", timeout=0.3))
    assert time.monotonic() - start < 10
    assert await c.fetchval("SELECT 1") == 1


@asynchronous
async def pool(c):
    async with asyncpg.create_pool(host=HOST, port=PORT, user=USER, database=DATABASE, min_size=2, max_size=4) as p:
        async def one(i):
            async with p.acquire() as d:
                return await d.fetchval("SELECT $1::int * 2", i)
        assert await asyncio.gather(*(one(i) for i in range(40))) == [2 * i for i in range(40)]


run(setup)
