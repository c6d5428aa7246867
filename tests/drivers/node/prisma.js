// Prisma: its schema engine (db push, db pull, migrations) and its client, both as WebAssembly out of the packages, over
// @prisma/adapter-pg. `prisma generate` would need a binary that is not in the packages: what it writes, the client's
// data model, stands here.
'use strict';
const fs = require('fs');
const path = require('path');
const { assert, where, large, TEXT, SLOW, fails, run, ownDatabase, LARGE } = require('./checks');
const { PrismaPg } = require('@prisma/adapter-pg');
const { bindMigrationAwareSqlAdapterFactory } = require('@prisma/driver-adapter-utils');
const { getPrismaClient, Prisma, Decimal } = require('@prisma/client/runtime/client.js');

// The schema engine asks for columns of type "char" and name, which the adapter takes for errors.
const Result = require('pg/lib/result.js');
const INSTEAD = { 18: 1042, 19: 25, 1002: 1009, 1003: 1009 };
const { addFields } = Result.prototype;
Result.prototype.addFields = function instead(fields) {
  for (const f of fields) f.dataTypeID = INSTEAD[f.dataTypeID] ?? f.dataTypeID;
  return addFields.call(this, fields);
};

const HEAD = 'datasource db {\n  provider = "postgresql"\n  url      = "postgres://nowhere"\n}\n';
const MODELS = `
model Owner {
  id    Int      @id @default(autoincrement())
  name  String   @unique @db.VarChar(40)
  mood  Mood     @default(good)
  since DateTime @default(now()) @db.Timestamptz(6)
  Pet   Pet[]
  Toy   Toy[]
}

model Pet {
  id      String    @id @default(dbgenerated("gen_random_uuid()")) @db.Uuid
  name    String?
  price   Decimal   @default(1.5) @db.Decimal(10, 2)
  alive   Boolean   @default(true)
  picture Bytes?
  born    DateTime? @db.Date
  weight  Float?
  many    BigInt?
  small   Int?      @db.SmallInt
  tags    String[]
  extra   Json?
  kind    String?   @db.Char(3)
  ownerId Int?
  Owner   Owner?    @relation(fields: [ownerId], references: [id], onDelete: Cascade)

  @@unique([ownerId, kind])
  @@index([name(sort: Desc), born])
}

model Toy {
  id    Int     @id @default(autoincrement())
  a     Int
  b     String
  Owner Owner[]

  @@unique([a, b(sort: Desc)], map: "toy_ab")
}

enum Mood {
  good
  bad
}
`;
const SCHEMA = HEAD + MODELS;
const own = { ...where, database: 'orm_prisma' };

const adapter = (at) => new PrismaPg({ host: at.host, port: at.port, user: at.user, database: at.database });
const files = (content) => ({ files: [{ path: 'schema.prisma', content }] });
const filters = { externalTables: [], externalEnums: [] };
let engines;

async function engine(schema) {
  if (!engines) {
    const dir = path.dirname(require.resolve('@prisma/schema-engine-wasm'));
    engines = await import(path.join(dir, 'schema_engine_bg.js'));
    const module = new WebAssembly.Module(fs.readFileSync(path.join(dir, 'schema_engine_bg.wasm')));
    const instance = new WebAssembly.Instance(module, { './schema_engine_bg.js': engines });
    engines.__wbg_set_wasm(instance.exports);
    instance.exports.__wbindgen_start();
  }
  return engines.SchemaEngine.new({ datamodels: [['schema.prisma', schema]] }, () => {},
    bindMigrationAwareSqlAdapterFactory(adapter(own)));
}
const push = async (schema) => (await engine(schema)).schemaPush({ force: true, schema: files(schema), filters });
const pull = async () => (await (await engine(HEAD)).introspect({ schema: files(HEAD), baseDirectoryPath: '/', force: true,
  compositeTypeDepth: -1, namespaces: null })).schema.files[0].content;

// "name: Type[]? =" -> a field as `prisma generate` describes it; = has a default, ! is unique, * is the key
function field(text) {
  const [, name, type, list, optional, marks] = /^(\w+): (\w+)(\[\])?(\?)?(.*)$/.exec(text);
  const kind = type === 'Mood' ? 'enum' : ['Owner', 'Pet', 'Toy'].includes(type) ? 'object' : 'scalar';
  const f = { name, type, kind, isList: !!list, isRequired: !optional, isUnique: marks.includes('!'), isId: marks.includes('*'),
    isReadOnly: false, isGenerated: false, isUpdatedAt: false, hasDefaultValue: marks.includes('=') };
  if (kind === 'object') {
    const from = type === 'Owner' && name === 'Owner' && optional;
    Object.assign(f, { relationName: marks.trim(), relationFromFields: from ? ['ownerId'] : [], relationToFields: from ? ['id'] : [] });
  }
  return f;
}
const model = (lines, uniqueFields) => ({ dbName: null, schema: null, fields: lines.map(field), primaryKey: null, uniqueFields,
  uniqueIndexes: uniqueFields.map((fields) => ({ name: null, fields })), isGenerated: false });
const DATA = {
  models: {
    Owner: model(['id: Int*=', 'name: String!', 'mood: Mood=', 'since: DateTime=', 'Pet: Pet[] OwnerToPet', 'Toy: Toy[] OwnerToToy'], []),
    Pet: model(['id: String*=', 'name: String?', 'price: Decimal=', 'alive: Boolean=', 'picture: Bytes?', 'born: DateTime?', 'weight: Float?',
      'many: BigInt?', 'small: Int?', 'tags: String[]', 'extra: Json?', 'kind: String?', 'ownerId: Int?', 'Owner: Owner? OwnerToPet'],
    [['ownerId', 'kind']]),
    Toy: model(['id: Int*=', 'a: Int', 'b: String', 'Owner: Owner[] OwnerToToy'], [['a', 'b']]),
  },
  enums: { Mood: { values: [{ name: 'good', dbName: null }, { name: 'bad', dbName: null }], dbName: null } },
  types: {},
};
const runtime = (file) => require(`@prisma/client/runtime/${file}`);
const Client = getPrismaClient({
  generator: { name: 'client', provider: { fromEnvVar: null, value: 'prisma-client-js' }, output: { value: '/', fromEnvVar: null },
    config: { engineType: 'client' }, binaryTargets: [], previewFeatures: [], sourceFilePath: '/schema.prisma' },
  relativePath: '', dirname: '/', clientVersion: Prisma ? Prisma.prismaVersion.client : '6', engineVersion: '', datasourceNames: ['db'],
  activeProvider: 'postgresql', inlineSchema: SCHEMA, inlineDatasources: { db: { url: { fromEnvVar: null, value: 'postgres://nowhere' } } },
  inlineSchemaHash: '', copyEngine: true, runtimeDataModel: DATA,
  compilerWasm: {
    getRuntime: async () => runtime('query_compiler_bg.postgresql.js'),
    getQueryCompilerWasmModule: async () => new WebAssembly.Module(
      Buffer.from(runtime('query_compiler_bg.postgresql.wasm-base64.js').wasm, 'base64')),
  },
});
const db = new Client({ adapter: adapter(own) });

run({
  connect: async () => {
    await ownDatabase('orm_prisma');
    assert.deepStrictEqual(await db.$queryRawUnsafe('SELECT 1 AS one'), [{ one: 1 }]);
  },

  ddl: async () => {
    assert((await push(SCHEMA)).executedSteps > 5);
    assert.strictEqual((await push(SCHEMA)).executedSteps, 0);
    assert.strictEqual(await pull(), SCHEMA);
  },

  types_and_nulls: async () => {
    const ann = await db.owner.create({ data: { name: 'ann' } });
    assert.deepStrictEqual([ann.id, ann.mood, ann.since instanceof Date], [1, 'good', true]);
    const pet = { name: TEXT, price: new Decimal('12.25'), alive: false, picture: new Uint8Array([0, 255]), born: new Date('2024-02-29'),
      weight: 0.1, many: 9007199254740993n, small: -3, tags: ['a', 'b "c"', TEXT], extra: { a: [1, null, { b: 'c' }] }, kind: 'cat', ownerId: 1 };
    const { id } = await db.pet.create({ data: pet });
    const found = await db.pet.findUnique({ where: { id } });
    assert.strictEqual(found.price.toString(), '12.25');
    assert.deepStrictEqual({ ...found, price: pet.price, picture: new Uint8Array(found.picture) }, { ...pet, id });
    const none = await db.pet.create({ data: {} });
    assert.deepStrictEqual({ ...none, price: none.price.toString() }, { id: none.id, name: null, price: '1.5', alive: true, picture: null,
      born: null, weight: null, many: null, small: null, tags: [], extra: null, kind: null, ownerId: null });
  },

  batch: async () => {
    const rows = [...Array(300).keys()].map((i) => ({ name: `n${i}`, mood: i % 2 ? 'bad' : 'good' }));
    assert.deepStrictEqual(await db.owner.createMany({ data: rows }), { count: 300 });
    assert.deepStrictEqual(await db.owner.createMany({ data: rows, skipDuplicates: true }), { count: 0 });
    assert.deepStrictEqual(await db.owner.updateMany({ where: { name: { startsWith: 'n10' } }, data: { mood: 'bad' } }), { count: 11 });
    assert.strictEqual(await db.owner.count({ where: { mood: 'bad' } }), 156);
    const made = await db.owner.createManyAndReturn({ data: [{ name: 'x' }, { name: 'y' }], select: { name: true } });
    assert.deepStrictEqual(made, [{ name: 'x' }, { name: 'y' }]);
    const up = (mood) => db.owner.upsert({ where: { name: 'z' }, create: { name: 'z' }, update: { mood } });
    assert.deepStrictEqual([(await up('bad')).mood, (await up('bad')).mood], ['good', 'bad']);
  },

  relations: async () => {
    await db.owner.update({ where: { name: 'ann' }, data: { Toy: { create: [{ a: 1, b: 'ball' }, { a: 2, b: 'mouse' }] } } });
    const o = await db.owner.findFirst({ where: { Toy: { some: { b: 'ball' } }, Pet: { none: { alive: true } } },
      include: { Toy: { orderBy: { a: 'desc' } }, Pet: { select: { kind: true } }, _count: { select: { Toy: true } } } });
    assert.deepStrictEqual([o.Toy.map((t) => t.b), o.Pet, o._count], [['mouse', 'ball'], [{ kind: 'cat' }], { Toy: 2 }]);
    const p = await db.pet.findUnique({ where: { ownerId_kind: { ownerId: 1, kind: 'cat' } }, include: { Owner: true } });
    assert.strictEqual(p.Owner.name, 'ann');
    await db.owner.update({ where: { name: 'ann' }, data: { Toy: { disconnect: { a_b: { a: 1, b: 'ball' } } } } });
    assert.strictEqual(await db.toy.count({ where: { Owner: { none: {} } } }), 1);
  },

  aggregates: async () => {
    const groups = await db.owner.groupBy({ by: ['mood'], _count: { _all: true }, _max: { id: true }, having: { id: { _count: { gt: 1 } } },
      orderBy: { mood: 'asc' } });
    assert.deepStrictEqual(groups.map((g) => [g.mood, g._count._all]), [['good', 147], ['bad', 157]]);
    const a = await db.pet.aggregate({ _sum: { price: true }, _avg: { weight: true }, _min: { born: true } });
    assert.deepStrictEqual([a._sum.price.toString(), a._avg.weight], ['13.75', 0.1]);
  },

  cursors: async () => {
    const page = await db.owner.findMany({ cursor: { name: 'n5' }, skip: 1, take: 3, orderBy: { id: 'asc' }, select: { name: true } });
    assert.deepStrictEqual(page.map((o) => o.name), ['n6', 'n7', 'n8']);
  },

  transactions: async () => {
    await assert.rejects(db.$transaction(async (t) => {
      await t.owner.deleteMany({ where: { mood: 'bad' } });
      throw new Error('changed my mind');
    }), /changed my mind/);
    const [n, o] = await db.$transaction([db.owner.count(), db.owner.create({ data: { name: 'three' } })]);
    assert.deepStrictEqual([n, o.name], [304, 'three']);
    await fails('P2002', db.$transaction([db.owner.create({ data: { name: 'four' } }), db.owner.create({ data: { name: 'ann' } })]));
    assert.strictEqual(await db.owner.findUnique({ where: { name: 'four' } }), null);
  },

  errors: async () => {
    await fails('P2010', db.$queryRawUnsafe('SELECT * FROM nope'));
    assert.deepStrictEqual((await fails('P2002', db.owner.create({ data: { name: 'ann' } }))).meta.modelName, 'Owner');
    await fails('P2003', db.pet.create({ data: { ownerId: 4711 } }));
    await fails('P2025', db.owner.update({ where: { id: 4711 }, data: { name: 'q' } }));
    await fails('P2000', db.owner.create({ data: { name: 'x'.repeat(41) } }));
  },

  prepared: async () => {
    const found = await db.pet.findMany({ where: { OR: [{ tags: { has: 'a' } }, { extra: { path: ['a', '0'], equals: 7 } }], NOT: { small: { in: [1, 2] } } } });
    assert.deepStrictEqual(found.map((x) => x.name), [TEXT]);
    assert.strictEqual(await db.owner.count({ where: { name: { contains: 'NN', mode: 'insensitive' } } }), 1);
    assert.deepStrictEqual(await db.$queryRawUnsafe('SELECT $1::int + 1 AS n, $2::text AS t, $3::timestamptz AS d', 1, TEXT, new Date(5)),
      [{ n: 2, t: TEXT, d: new Date(5) }]);
  },

  unicode: async () => {
    await db.owner.create({ data: { name: '漢字 \\ 🐘 \'"' } });
    assert.strictEqual(await db.owner.count({ where: { name: { endsWith: '🐘 \'"' } } }), 1);
  },

  migrations: async () => {
    const next = HEAD + MODELS.replace('kind    String?   @db.Char(3)', 'kind    String?   @db.VarChar(9)').replace('  bad\n', '  bad\n  soso\n')
      .replace('name    String?', 'name    String    @default("nobody")').replace('  a     Int\n', '  a     BigInt\n')
      .replace('@@index([name(sort: Desc), born])', '@@index([born])')
      .replace('\nenum', '\nmodel Team {\n  id Int    @id\n  n  String @unique\n}\n\nenum');
    await db.pet.updateMany({ where: { name: null }, data: { name: 'x' } });
    assert((await push(next)).executedSteps >= 5);
    assert.strictEqual((await push(next)).executedSteps, 0);
    const e = await engine(SCHEMA);
    const list = { baseDir: '/m', lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' }, shadowDbInitScript: '',
      migrationDirectories: [{ path: '20240101000000_team', migrationFile: { path: 'migration.sql',
        content: { tag: 'ok', value: 'ALTER TABLE "Team" ADD COLUMN "m" TEXT;' } } }] };
    await e.reset({ filter: filters });
    list.migrationDirectories[0].migrationFile.content.value = 'CREATE TABLE "Team" (id int PRIMARY KEY, n text);';
    assert.deepStrictEqual(await e.applyMigrations({ migrationsList: list, filters }), { appliedMigrationNames: ['20240101000000_team'] });
    assert.deepStrictEqual(await e.applyMigrations({ migrationsList: list, filters }), { appliedMigrationNames: [] });
    const state = await e.diagnoseMigrationHistory({ migrationsList: list, optInToShadowDatabase: false, filters });
    assert.deepStrictEqual([state.hasMigrationsTable, state.failedMigrationNames, state.editedMigrationNames], [true, [], []]);
    await push(SCHEMA);
  },

  large: async () => {
    const one = new Client({ adapter: adapter(large) });
    const value = Buffer.alloc(LARGE / 10, 'ab');
    await one.$executeRawUnsafe('CREATE TABLE prisma_large (y bytea)');
    await one.$executeRawUnsafe('INSERT INTO prisma_large VALUES ($1)', value);
    const [{ y }] = await one.$queryRawUnsafe('SELECT y FROM prisma_large');
    assert(value.equals(Buffer.from(y)));
    await one.$executeRawUnsafe('DROP TABLE prisma_large');
    await one.$disconnect();
  },

  cancel: async () => {
    await assert.rejects(db.$transaction(async (t) => {
      await t.$executeRawUnsafe('SET LOCAL statement_timeout = 300');
      await t.$queryRawUnsafe(SLOW);
    }), /statement timeout/);
    assert.deepStrictEqual(await db.$queryRawUnsafe('SELECT 1 AS one'), [{ one: 1 }]);
    await db.$disconnect();
  },
});
