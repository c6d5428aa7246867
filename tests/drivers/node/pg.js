// node-postgres.
'use strict';
const { Client, Pool } = require('pg');
const Cursor = require('pg-cursor');
const copy = require('pg-copy-streams');
const { pipeline } = require('stream/promises');
const { Readable } = require('stream');
const { assert, where, large, TEXT, SLOW, fails, run, LARGE } = require('./checks');

async function connected(f, options = where) {
  const c = new Client(options);
  await c.connect();
  try {
    return await f(c);
  } finally {
    await c.end();
  }
}

run({
  connect: () => connected(async (c) => {
    assert.strictEqual((await c.query('SHOW server_version_num')).rows[0].server_version_num.slice(0, 2), '15');
  }),

  ddl: () => connected(async (c) => {
    await c.query('DROP TABLE IF EXISTS npg_t; DROP TABLE IF EXISTS npg_u');
    await c.query(`CREATE TABLE npg_t (id int PRIMARY KEY, b bool, i2 int2, i8 int8, n numeric(12,3), f8 float8,
      t text, v varchar(20), c char(5), y bytea, u uuid, d date, ts timestamp, tz timestamptz, iv interval)`);
    await c.query('CREATE TABLE npg_u (id int PRIMARY KEY, name text NOT NULL UNIQUE)');
  }),

  types_and_nulls: () => connected(async (c) => {
    const values = [1, true, -32768, '-9223372036854775808', '123456789.125', 0.1, TEXT, 'varying', 'ab   ',
      Buffer.from([0, 1, 255]), '0123abcd-4567-89ab-cdef-0123456789ab', new Date(2024, 1, 29),
      new Date(1999, 11, 31, 23, 59, 59, 999), new Date('2024-06-01T12:00:00.005Z'), { days: -3, seconds: 4 }];
    const nulls = [2, ...Array(values.length - 1).fill(null)];
    const marks = values.map((_, i) => `$${i + 1}`).join(', ');
    const sent = values.with(-1, '-3 days 4 seconds');
    for (const row of [sent, nulls]) await c.query(`INSERT INTO npg_t VALUES (${marks})`, row);
    const found = (await c.query({ text: 'SELECT * FROM npg_t ORDER BY id', rowMode: 'array' })).rows;
    found[0][14] = { ...found[0][14] };
    assert.deepStrictEqual(found, [values, nulls]);
    const { fields } = await c.query('SELECT i8, t FROM npg_t');
    assert.deepStrictEqual(fields.map((f) => [f.name, f.dataTypeID]), [['i8', 20], ['t', 25]]);
  }),

  batch: () => connected(async (c) => {
    await c.query('BEGIN');
    await Promise.all([...Array(500).keys()].map((i) => c.query('INSERT INTO npg_u VALUES ($1, $2)', [i, `n${i}`])));
    await c.query('COMMIT');
    const r = await c.query("SELECT count(*) FROM npg_u; SELECT 1 AS one; DELETE FROM npg_u WHERE id >= 100");
    assert.deepStrictEqual([r[0].rows[0].count, r[1].rows[0].one, r[2].rowCount], ['500', 1, 400]);
  }),

  copy: () => connected(async (c) => {
    await pipeline(Readable.from(['900\tcop', 'ied\n901\tä\n']), c.query(copy.from('COPY npg_u FROM STDIN')));
    let out = '';
    const stream = c.query(copy.to('COPY (SELECT * FROM npg_u WHERE id >= 900 ORDER BY id) TO STDOUT'));
    for await (const chunk of stream) out += chunk.toString();
    assert.strictEqual(out, '900\tcopied\n901\tä\n');
  }),

  cursors: () => connected(async (c) => {
    await c.query('BEGIN');
    const one = c.query(new Cursor('SELECT i FROM generate_series(1, $1::int) i', [250]));
    let total = 0;
    for (;;) {
      const rows = await one.read(100);
      if (!rows.length) break;
      for (const row of rows) total += row.i;
    }
    assert.strictEqual(total, 250 * 251 / 2);
    await one.close();
    await c.query('DECLARE npg_c SCROLL CURSOR FOR SELECT i FROM generate_series(1, 9) i');
    assert.deepStrictEqual((await c.query('FETCH LAST FROM npg_c')).rows, [{ i: 9 }]);
    assert.deepStrictEqual((await c.query('FETCH BACKWARD 2 FROM npg_c')).rows, [{ i: 8 }, { i: 7 }]);
    await fails('34000', c.query('FETCH gone'));
    await c.query('ROLLBACK');
  }),

  transactions: () => connected((c) => connected(async (d) => {
    await c.query('DELETE FROM npg_u');
    await c.query('BEGIN');
    await c.query("INSERT INTO npg_u VALUES (1, 'one')");
    await c.query('SAVEPOINT s');
    await fails('23505', c.query("INSERT INTO npg_u VALUES (1, 'again')"));
    await fails('25P02', c.query('SELECT 1'));
    await c.query('ROLLBACK TO s');
    assert.strictEqual((await d.query('SELECT * FROM npg_u')).rowCount, 0);
    await c.query('COMMIT');
    await c.query('BEGIN');
    await c.query('DELETE FROM npg_u');
    await c.query('ROLLBACK');
    assert.deepStrictEqual((await d.query('SELECT * FROM npg_u')).rows, [{ id: 1, name: 'one' }]);
  })),

  errors: () => connected(async (c) => {
    for (const [code, sql] of [['42601', 'SELEC 1'], ['42703', 'SELECT nope FROM npg_u'], ['42P01', 'SELECT * FROM nope'],
      ['22012', 'SELECT 1/0'], ['22P02', "SELECT 'x'::int"], ['23502', 'INSERT INTO npg_u VALUES (9, NULL)']]) {
      await fails(code, c.query(sql));
    }
    const e = await fails('23505', c.query('INSERT INTO npg_u VALUES ($1, $2)', [1, 'x']));
    assert.deepStrictEqual([e.schema, e.table, e.constraint], ['public', 'npg_u', 'npg_u_pkey']);
  }),

  prepared: () => connected(async (c) => {
    for (let i = 0; i < 4; i++) {
      const r = await c.query({ name: 'p', text: 'SELECT $1::int + 1 AS a, upper($2) AS b', values: [i, 'x'] });
      assert.deepStrictEqual(r.rows, [{ a: i + 1, b: 'X' }]);
    }
  }),

  unicode: () => connected(async (c) => {
    const r = await c.query('SELECT $1::text AS "Ünï", length($1) AS n', [TEXT]);
    assert.deepStrictEqual(r.rows, [{ Ünï: TEXT, n: [...TEXT].length }]);
  }),

  notifications: () => connected((c) => connected(async (d) => {
    const heard = new Promise((resolve) => { c.on('notification', resolve); });
    await c.query('LISTEN npg_news');
    await d.query("SELECT pg_notify('npg_news', 'ä')");
    const n = await heard;
    assert.deepStrictEqual([n.channel, n.payload], ['npg_news', 'ä']);
  })),

  large: () => connected(async (c) => {
    const value = Buffer.alloc(LARGE, Buffer.from([0, 255, 97, 98]));
    await c.query('DROP TABLE IF EXISTS npg_large');
    await c.query('CREATE TABLE npg_large (y bytea)');
    await c.query('INSERT INTO npg_large VALUES ($1)', [value]);
    const r = await c.query('SELECT length(y) AS n, y FROM npg_large');
    assert.strictEqual(r.rows[0].n, LARGE);
    assert(value.equals(r.rows[0].y));
    await c.query('DROP TABLE npg_large');
  }, large),

  cancel: () => connected(async (c) => {
    const slow = c.query(SLOW);
    slow.catch(() => {});
    await new Promise((resolve) => { setTimeout(resolve, 300); });
    new Client(where).cancel(c, c.activeQuery);
    await fails('57014', slow);
    await c.query('SET statement_timeout = 200');
    await fails('57014', c.query(SLOW));
  }),

  pool: async () => {
    const pool = new Pool({ ...where, max: 4 });
    const found = await Promise.all([...Array(40).keys()].map((i) => pool.query('SELECT $1::int * 2 AS x', [i])));
    assert.deepStrictEqual(found.map((r) => r.rows[0].x), [...Array(40).keys()].map((i) => 2 * i));
    await pool.end();
  },
});
