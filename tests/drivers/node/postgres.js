// postgres (postgres.js).
'use strict';
const postgres = require('postgres');
const { assert, where, large, TEXT, SLOW, fails, run, LARGE } = require('./checks');

const options = { host: where.host, port: where.port, username: where.user, database: where.database, onnotice() {} };
const sql = postgres({ ...options, max: 3 });

run({
  connect: async () => assert.deepStrictEqual([...await sql`SELECT 1 AS one`], [{ one: 1 }]),

  ddl: async () => {
    await sql`DROP TABLE IF EXISTS pjs_t`;
    await sql`DROP TABLE IF EXISTS pjs_u`;
    await sql`CREATE TABLE pjs_t (id int PRIMARY KEY, b bool, i8 int8, n numeric(12,3), f8 float8, t text, y bytea,
      u uuid, tz timestamptz)`;
    await sql`CREATE TABLE pjs_u (id int PRIMARY KEY, name text NOT NULL UNIQUE)`;
  },

  types_and_nulls: async () => {
    const value = { id: 1, b: true, i8: '-9223372036854775808', n: '123456789.125', f8: 0.1, t: TEXT,
      y: Buffer.from([0, 1, 255]), u: '0123abcd-4567-89ab-cdef-0123456789ab', tz: new Date('2024-06-01T12:00:00.005Z') };
    const empty = Object.fromEntries(Object.keys(value).map((k) => [k, null]));
    empty.id = 2;
    for (const row of [value, empty]) await sql`INSERT INTO pjs_t ${sql(row)}`;
    assert.deepStrictEqual([...await sql`SELECT * FROM pjs_t ORDER BY id`], [value, empty]);
    for (const k of Object.keys(value)) {
      assert.deepStrictEqual([...await sql`SELECT id FROM pjs_t WHERE ${sql(k)} = ${value[k]}`], [{ id: 1 }], k);
    }
  },

  batch: async () => {
    await sql`INSERT INTO pjs_u ${sql([...Array(500).keys()].map((id) => ({ id, name: `n${id}` })))}`;
    await sql.begin((t) => [...Array(20).keys()].map((i) => t`UPDATE pjs_u SET name = ${`o${i}`} WHERE id = ${i}`));
    assert.deepStrictEqual([...await sql`SELECT count(*) AS n FROM pjs_u WHERE name LIKE 'o%'`], [{ n: '20' }]);
  },

  cursors: async () => {
    let total = 0;
    await sql`SELECT i FROM generate_series(1, 250) i`.cursor(100, (rows) => { for (const r of rows) total += r.i; });
    for await (const [row] of sql`SELECT i FROM generate_series(1, 10) i`.cursor()) total -= row.i;
    assert.strictEqual(total, 250 * 251 / 2 - 55);
    await sql`SELECT i FROM generate_series(1, 10) i`.forEach((r) => { total += r.i; });
    assert.strictEqual(total, 250 * 251 / 2);
  },

  transactions: async () => {
    await sql`DELETE FROM pjs_u`;
    await sql.begin(async (t) => {
      await t`INSERT INTO pjs_u VALUES (1, 'one')`;
      await fails('23505', t.savepoint((s) => s`INSERT INTO pjs_u VALUES (1, 'again')`));
      await t`INSERT INTO pjs_u VALUES (2, 'two')`;
    });
    await assert.rejects(sql.begin(async (t) => {
      await t`DELETE FROM pjs_u`;
      throw new Error('changed my mind');
    }));
    assert.deepStrictEqual((await sql`SELECT id FROM pjs_u ORDER BY id`).map((r) => r.id), [1, 2]);
  },

  errors: async () => {
    await fails('42P01', sql`SELECT * FROM nope`);
    await fails('22012', sql`SELECT 1 / ${0}::int`);
    await fails('23502', sql`INSERT INTO pjs_u VALUES (9, ${null})`);
    const e = await fails('23505', sql`INSERT INTO pjs_u VALUES (${1}, 'x')`);
    assert.deepStrictEqual([e.schema_name, e.table_name, e.constraint_name], ['public', 'pjs_u', 'pjs_u_pkey']);
  },

  prepared: async () => {
    for (let i = 0; i < 4; i++) {
      assert.deepStrictEqual([...await sql`SELECT ${i}::int + 1 AS a, upper(${'x'}) AS b`], [{ a: i + 1, b: 'X' }]);
    }
    const described = await sql`SELECT id, name FROM pjs_u WHERE id = ${0}`.describe();
    assert.deepStrictEqual(described.columns.map((c) => c.type), [23, 25]);
  },

  unicode: async () => assert.deepStrictEqual([...await sql`SELECT ${TEXT}::text AS t, length(${TEXT}) AS n`],
    [{ t: TEXT, n: [...TEXT].length }]),

  notifications: async () => {
    let hear;
    const heard = new Promise((resolve) => { hear = resolve; });
    const { unlisten } = await sql.listen('pjs_news', hear);
    await sql.notify('pjs_news', 'ä');
    assert.strictEqual(await heard, 'ä');
    await unlisten();
  },

  large: async () => {
    const one = postgres({ ...options, port: large.port, max: 1 });
    const value = 'ab€'.repeat(LARGE / 5);
    await one`DROP TABLE IF EXISTS pjs_large`;
    await one`CREATE TABLE pjs_large (t text)`;
    await one`INSERT INTO pjs_large VALUES (${value})`;
    const [row] = await one`SELECT octet_length(t) AS n, t FROM pjs_large`;
    assert.strictEqual(row.n, LARGE);
    assert(row.t === value);
    await one`DROP TABLE pjs_large`;
    await one.end();
  },

  cancel: async () => {
    const slow = sql.unsafe(SLOW).execute();
    setTimeout(() => slow.cancel(), 300);
    await fails('57014', slow);
  },
});
