// Drizzle: its schema push (which reads the database's schema), queries, relations, migrations.
'use strict';
const fs = require('fs');
const os = require('os');
const path = require('path');
const { drizzle } = require('drizzle-orm/node-postgres');
const { migrate } = require('drizzle-orm/node-postgres/migrator');
const { relations, sql, eq, and, gte, ilike, inArray, count, desc } = require('drizzle-orm');
const t = require('drizzle-orm/pg-core');
const { pushSchema, generateDrizzleJson, generateMigration } = require('drizzle-kit/api');
const { Pool } = require('pg');
const { assert, where, large, TEXT, SLOW, fails, run, ownDatabase, LARGE } = require('./checks');

const mood = t.pgEnum('dz_mood', ['good', 'bad']);
const owner = t.pgTable('dz_owner', {
  id: t.serial().primaryKey(),
  name: t.varchar({ length: 40 }).notNull().unique(),
  mood: mood().notNull().default('good'),
  since: t.timestamp({ withTimezone: true }).notNull().defaultNow(),
});
const pet = t.pgTable('dz_pet', {
  id: t.uuid().primaryKey().defaultRandom(),
  name: t.text(),
  price: t.numeric({ precision: 10, scale: 2 }).default('1.50'),
  alive: t.boolean().notNull().default(true),
  born: t.date(),
  at: t.time(),
  weight: t.doublePrecision(),
  many: t.bigint({ mode: 'bigint' }),
  small: t.smallint(),
  tags: t.text().array(),
  extra: t.jsonb(),
  kind: t.char({ length: 3 }),
  length: t.interval(),
  loud: t.text().generatedAlwaysAs(sql`name || '!'`),
  owner: t.integer().references(() => owner.id, { onDelete: 'cascade' }),
}, (p) => [t.index('dz_pet_name').on(p.name.desc(), p.born), t.uniqueIndex('dz_pet_kind').on(p.owner, p.kind).where(sql`alive`),
  t.check('dz_pet_price', sql`price >= 0`)]);
const toy = t.pgTable('dz_toy', {
  a: t.integer().primaryKey().generatedAlwaysAsIdentity({ startWith: 10 }),
  b: t.varchar().notNull(),
  owner: t.integer().notNull().references(() => owner.id),
}, (x) => [t.unique('dz_toy_both').on(x.b, x.owner)]);
const happy = t.pgView('dz_happy').as((q) => q.select().from(owner).where(sql`${owner.mood} = 'good'`));
const schema = { mood, owner, pet, toy, happy,
  ownerHas: relations(owner, ({ many }) => ({ pets: many(pet), toys: many(toy) })),
  petHas: relations(pet, ({ one }) => ({ of: one(owner, { fields: [pet.owner], references: [owner.id] }) })),
  toyHas: relations(toy, ({ one }) => ({ of: one(owner, { fields: [toy.owner], references: [owner.id] }) })) };
// A version later
const mood2 = t.pgEnum('dz_mood', ['good', 'bad', 'soso']);
const owner2 = t.pgTable('dz_owner', {
  id: t.serial().primaryKey(),
  name: t.varchar({ length: 40 }).notNull().unique(),
  mood: mood2().notNull().default('bad'),
  since: t.timestamp({ withTimezone: true }).notNull().defaultNow(),
  nick: t.text(),
});
const toy2 = t.pgTable('dz_toy', {
  a: t.integer().primaryKey().generatedAlwaysAsIdentity({ startWith: 10 }),
  b: t.text().notNull(),
  owner: t.integer().notNull(),
}, (x) => [t.unique('dz_toy_both').on(x.b, x.owner), t.index('dz_toy_owner').on(x.owner)]);
const next = { mood2, owner2, pet, toy2, happy };

const client = new Pool({ ...where, database: 'orm_drizzle', max: 2 });
const db = drizzle({ client, schema });
// What drizzle-kit asks about itself and its progress is not for the list of checks.
async function push(what) {
  const { log, warn } = console;
  const { write } = process.stdout;
  console.log = console.warn = () => {};
  process.stdout.write = () => true;
  try {
    return await pushSchema(what, db, ['public'], ['dz_*']);
  } finally {
    Object.assign(console, { log, warn });
    process.stdout.write = write;
  }
}

run({
  connect: async () => {
    await ownDatabase('orm_drizzle');
    assert.deepStrictEqual((await db.execute(sql`SELECT 1 AS one`)).rows, [{ one: 1 }]);
  },

  ddl: async () => {
    const first = await push(schema);
    assert(first.statementsToExecute.length >= 8);
    await first.apply();
    assert.deepStrictEqual((await push(schema)).statementsToExecute, []);
  },

  types_and_nulls: async () => {
    const [ann] = await db.insert(owner).values({ name: 'ann' }).returning();
    assert.deepStrictEqual([ann.id, ann.mood, ann.since instanceof Date], [1, 'good', true]);
    const one = { name: TEXT, price: '12.25', alive: false, born: '2024-02-29', at: '12:34:56.5', weight: 0.1, many: 9007199254740993n, small: -3,
      tags: ['a', 'b "c"', TEXT], extra: { a: [1, null, { b: 'c' }] }, kind: 'cat', length: '1 mon 02:00:00', owner: 1 };
    const [{ id }] = await db.insert(pet).values(one).returning({ id: pet.id });
    assert.deepStrictEqual(await db.select().from(pet).where(eq(pet.id, id)), [{ ...one, id, loud: `${TEXT}!` }]);
    const [none] = await db.insert(pet).values({}).returning();
    assert.deepStrictEqual(none, { id: none.id, name: null, price: '1.50', alive: true, born: null, at: null, weight: null, many: null,
      small: null, tags: null, extra: null, kind: null, length: null, loud: null, owner: null });
  },

  batch: async () => {
    const rows = [...Array(300).keys()].map((i) => ({ name: `n${i}`, mood: i % 2 ? 'bad' : 'good' }));
    await db.insert(owner).values(rows);
    assert.deepStrictEqual(await db.insert(owner).values(rows).onConflictDoNothing().returning(), []);
    const changed = await db.update(owner).set({ mood: 'bad' }).where(ilike(owner.name, 'N10%')).returning({ name: owner.name });
    assert.strictEqual(changed.length, 11);
    const [up] = await db.insert(owner).values({ name: 'n0' }).onConflictDoUpdate({ target: owner.name, set: { mood: 'bad' } }).returning();
    assert.strictEqual(up.mood, 'bad');
  },

  relations: async () => {
    const toys = await db.insert(toy).values([{ b: 'ball', owner: 1 }, { b: 'mouse', owner: 1 }]).returning();
    assert.deepStrictEqual(toys.map((x) => x.a), [10, 11]);
    const found = await db.query.owner.findMany({ columns: { name: true }, with: { pets: { columns: { kind: true, price: true } },
      toys: { orderBy: [desc(toy.a)], limit: 1, with: { of: { columns: { id: true } } } } }, where: inArray(owner.name, ['ann', 'n1']),
    orderBy: [owner.id] });
    assert.deepStrictEqual(found, [{ name: 'ann', pets: [{ kind: 'cat', price: 12.25 }], toys: [{ a: 11, b: 'mouse', owner: 1, of: { id: 1 } }] },
      { name: 'n1', pets: [], toys: [] }].map((x) => ({ ...x, pets: x.pets.map((p) => ({ ...p, price: found[0].pets[0].price })) })));
    const groups = await db.select({ mood: owner.mood, n: count(), toys: sql`count(${toy.a})::int` }).from(owner).leftJoin(toy, eq(toy.owner, owner.id))
      .groupBy(owner.mood).having(gte(count(), 2)).orderBy(owner.mood);
    assert.deepStrictEqual(groups, [{ mood: 'good', n: 145, toys: 2 }, { mood: 'bad', n: 157, toys: 0 }]);
    assert.strictEqual((await db.select().from(happy)).length, 144);
  },

  cursors: async () => {
    const few = db.$with('few').as(db.select().from(owner).where(gte(owner.id, 100)).limit(5));
    assert.strictEqual((await db.with(few).select().from(few)).length, 5);
    const page = await db.select({ name: owner.name }).from(owner).orderBy(owner.id).limit(2).offset(6);
    assert.deepStrictEqual(page.map((o) => o.name), ['n5', 'n6']);
  },

  transactions: async () => {
    await assert.rejects(db.transaction(async (x) => {
      await x.delete(toy);
      x.rollback();
    }));
    await db.transaction(async (x) => {
      await x.insert(owner).values({ name: 'three' });
      await fails('23505', x.transaction((y) => y.insert(owner).values({ name: 'three' })));
      await x.select().from(owner).where(eq(owner.id, 1)).for('update');
    }, { isolationLevel: 'read committed', accessMode: 'read write' });
    assert.deepStrictEqual([await db.$count(toy), await db.$count(owner)], [2, 302]);
  },

  errors: async () => {
    await fails('42P01', db.execute(sql`SELECT * FROM nope`));
    await fails('23502', db.insert(owner).values({ name: null }));
    await fails('23503', db.insert(toy).values({ b: 'x', owner: 4711 }));
    await fails('23514', db.insert(pet).values({ price: '-1' }));
    assert.strictEqual((await fails('23505', db.insert(owner).values({ name: 'ann' }))).constraint, 'dz_owner_name_unique');
  },

  prepared: async () => {
    const p = db.select({ id: owner.id }).from(owner).where(and(eq(owner.name, sql.placeholder('n')), eq(owner.mood, 'good'))).prepare('dz_one');
    assert.deepStrictEqual([await p.execute({ n: 'ann' }), await p.execute({ n: 'n1' })], [[{ id: 1 }], []]);
  },

  unicode: async () => {
    await db.insert(owner).values({ name: '漢字 🐘 \'"\\' });
    assert.strictEqual(await db.$count(owner, eq(owner.name, '漢字 🐘 \'"\\')), 1);
  },

  migrations: async () => {
    const change = await push(next);
    assert(change.statementsToExecute.length >= 4);
    await change.apply();
    assert.deepStrictEqual((await push(next)).statementsToExecute, []);
    await db.execute(sql`INSERT INTO dz_owner (name, mood, nick) VALUES ('four', 'soso', 'f')`);
    const more = t.pgTable('dz_more', { id: t.integer().primaryKey(), n: t.text().notNull() });
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'drizzle-'));
    fs.mkdirSync(path.join(dir, 'meta'));
    const statements = await generateMigration(generateDrizzleJson({}), generateDrizzleJson({ more }));
    fs.writeFileSync(path.join(dir, '0000_more.sql'), statements.join('--> statement-breakpoint\n'));
    fs.writeFileSync(path.join(dir, 'meta', '_journal.json'), JSON.stringify({ version: '7', dialect: 'postgresql',
      entries: [{ idx: 0, version: '7', when: 1700000000000, tag: '0000_more', breakpoints: true }] }));
    for (let i = 0; i < 2; i++) await migrate(db, { migrationsFolder: dir, migrationsSchema: 'dz_meta' });
    fs.rmSync(dir, { recursive: true });
    assert.strictEqual(await db.$count(more), 0);
  },

  large: async () => {
    const bytea = t.customType({ dataType: () => 'bytea' });
    const big = t.pgTable('dz_big', { y: bytea() });
    const one = drizzle({ client: new Pool({ ...large, max: 1 }) });
    const value = Buffer.alloc(LARGE, 'ab');
    await one.execute(sql`CREATE TABLE IF NOT EXISTS dz_big (y bytea)`);
    await one.insert(big).values({ y: value });
    assert(value.equals((await one.select().from(big))[0].y));
    await one.execute(sql`DROP TABLE dz_big`);
    await one.$client.end();
  },

  cancel: async () => {
    await db.transaction(async (x) => {
      await x.execute(sql`SET LOCAL statement_timeout = 300`);
      await x.execute(sql.raw(SLOW));
    }).then(() => assert.fail('not canceled'), (e) => assert.strictEqual(e.code, '57014'));
    assert.deepStrictEqual((await db.execute(sql`SELECT 1 AS one`)).rows, [{ one: 1 }]);
    await client.end();
  },
});
