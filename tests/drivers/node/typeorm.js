// TypeORM: entities with relations, schema synchronisation, migrations, repositories, query builder, transactions.
'use strict';
require('reflect-metadata');
const { DataSource, EntitySchema, MigrationExecutor, Table, TableForeignKey } = require('typeorm');
const { assert, where, large, TEXT, SLOW, fails, run, ownDatabase, LARGE } = require('./checks');

const Owner = new EntitySchema({
  name: 'Owner',
  tableName: 'orm_owner',
  columns: {
    id: { type: 'int', primary: true, generated: true },
    name: { type: 'varchar', length: 40, unique: true },
    mood: { type: 'enum', enum: ['good', 'bad'], default: 'good' },
    since: { type: 'timestamptz', createDate: true },
    changed: { type: 'timestamp', updateDate: true },
    version: { type: 'int', version: true },
    gone: { type: 'timestamptz', deleteDate: true, nullable: true },
  },
  relations: { pets: { type: 'one-to-many', target: 'Pet', inverseSide: 'owner' } },
});
const Pet = new EntitySchema({
  name: 'Pet',
  tableName: 'orm_pet',
  columns: {
    id: { type: 'uuid', primary: true, generated: 'uuid' },
    name: { type: 'text', nullable: true },
    price: { type: 'numeric', precision: 10, scale: 2, default: () => '1.5', nullable: true },
    alive: { type: 'boolean', default: true, comment: 'still with us' },
    picture: { type: 'bytea', nullable: true },
    born: { type: 'date', nullable: true },
    at: { type: 'time', nullable: true },
    weight: { type: 'double precision', nullable: true },
    many: { type: 'bigint', nullable: true },
    tags: { type: 'text', array: true, default: '{}' },
    extra: { type: 'jsonb', nullable: true },
    kind: { type: 'char', length: 3, nullable: true },
    loud: { type: 'text', generatedType: 'STORED', asExpression: "name || '!'", nullable: true },
  },
  relations: {
    owner: { type: 'many-to-one', target: 'Owner', inverseSide: 'pets', onDelete: 'CASCADE', nullable: true },
    toys: { type: 'many-to-many', target: 'Toy', joinTable: { name: 'orm_pet_toy' } },
  },
  indices: [{ name: 'orm_pet_name', columns: ['name'] }, { name: 'orm_pet_alive', columns: ['born', 'kind'], where: 'alive', unique: true }],
  checks: [{ name: 'orm_pet_price', expression: 'price >= 0' }],
});
const Toy = new EntitySchema({
  name: 'Toy',
  tableName: 'orm_toy',
  columns: { id: { type: 'int', primary: true, generated: 'identity' }, name: { type: 'varchar' } },
});
// The same tables a version later.
const Pet2 = new EntitySchema({
  ...Pet.options,
  columns: {
    ...Pet.options.columns,
    name: { type: 'text', nullable: false, default: 'nobody' },
    nick: { type: 'varchar', length: 10, nullable: true },
    kind: undefined,
  },
  indices: [{ name: 'orm_pet_nick', columns: ['nick'] }],
  checks: [{ name: 'orm_pet_price', expression: 'price > 0' }],
});
for (const e of [Pet2]) delete e.options.columns.kind;
const Owner2 = new EntitySchema({
  ...Owner.options,
  columns: { ...Owner.options.columns, mood: { type: 'enum', enum: ['good', 'bad', 'so so'], default: 'good' } },
});

class Count1700000000000 {
  constructor() { this.name = 'Count1700000000000'; }
  async up(q) {
    await q.createTable(new Table({ name: 'orm_count',
      columns: [{ name: 'id', type: 'int', isPrimary: true }, { name: 'toy', type: 'int' }, { name: 'n', type: 'int', default: 0 }] }), true);
    await q.createForeignKey('orm_count', new TableForeignKey({ columnNames: ['toy'], referencedColumnNames: ['id'], referencedTableName: 'orm_toy' }));
    await q.renameColumn('orm_count', 'n', 'count');
  }
  async down(q) { await q.dropTable('orm_count'); }
}

const source = (entities, more) => new DataSource({ type: 'postgres', ...where, username: where.user, database: 'orm_typeorm', entities,
  migrations: [Count1700000000000], migrationsTableName: 'orm_migrations', ...more });
let db = source([Owner, Pet, Toy]);
const pets = () => db.getRepository('Pet');
const owners = () => db.getRepository('Owner');
// What another schema synchronisation would do
const pending = async (d) => (await d.driver.createSchemaBuilder().log()).upQueries.map((q) => q.query);

run({
  connect: async () => {
    await ownDatabase('orm_typeorm');
    await db.initialize();
    assert.deepStrictEqual(await db.query('SELECT 1 AS one'), [{ one: 1 }]);
  },

  ddl: async () => {
    await db.synchronize();
    assert.deepStrictEqual(await pending(db), []);
    const q = db.createQueryRunner();
    const t = await q.getTable('orm_pet');
    assert.deepStrictEqual(t.columns.map((c) => `${c.name} ${c.type}${c.isArray ? '[]' : ''} ${c.length || c.precision || ''} ${c.isNullable} ${c.default}`), [
      'id uuid  false undefined', 'name text  true undefined', "price numeric 10 true 1.5",
      'alive boolean  false true', 'picture bytea  true undefined', 'born date  true undefined',
      'at time without time zone  true undefined', 'weight double precision  true undefined', 'many bigint  true undefined',
      "tags text[]  false '{}'", 'extra jsonb  true undefined', 'kind character 3 true undefined', 'loud text  true undefined',
      'ownerId integer  true undefined']);
    assert.deepStrictEqual(t.indices.map((i) => `${i.name} ${i.columnNames} ${i.isUnique} ${i.where}`).sort(),
      ['orm_pet_alive born,kind true alive', 'orm_pet_name name false ']);
    assert.deepStrictEqual(t.checks.map((c) => `${c.name} ${c.expression}`), ['orm_pet_price (price >= (0)::numeric)']);
    assert.deepStrictEqual(t.foreignKeys.map((f) => `${f.columnNames} ${f.referencedTableName} ${f.referencedColumnNames} ${f.onDelete}`),
      ['ownerId orm_owner id CASCADE']);
    assert.strictEqual(t.columns[3].comment, 'still with us');
    await q.release();
  },

  types_and_nulls: async () => {
    const ann = await owners().save({ name: 'ann' });
    assert.strictEqual(ann.mood, 'good');
    assert.strictEqual(ann.version, 1);
    assert(ann.since instanceof Date);
    const pet = { name: TEXT, price: '12.25', alive: false, picture: Buffer.from([0, 255]), born: '2024-02-29', at: '12:34:56.5',
      weight: 0.1, many: '9007199254740993', tags: ['a', 'b "c"', TEXT], extra: { a: [1, null, { b: 'c' }] }, kind: 'cat', owner: ann };
    const { id } = await pets().save(pet);
    assert.match(id, /^[0-9a-f-]{36}$/);
    assert.deepStrictEqual({ ...(await pets().findOne({ where: { id }, relations: { owner: true } })), owner: null },
      { ...pet, id, loud: TEXT + '!', owner: null });
    const none = await pets().save({});
    assert.deepStrictEqual({ ...(await pets().findOneBy({ id: none.id })) }, { id: none.id, name: null, price: '1.50', alive: true,
      picture: null, born: null, at: null, weight: null, many: null, tags: [], extra: null, kind: null, loud: null });
  },

  batch: async () => {
    await owners().insert([...Array(300).keys()].map((i) => ({ name: `n${i}`, mood: i % 2 ? 'bad' : 'good' })));
    assert.strictEqual(await owners().countBy({ mood: 'bad' }), 150);
    const r = await db.createQueryBuilder().update('Owner').set({ mood: 'good' }).where('name < :n', { n: 'n11' }).returning('name').execute();
    assert.deepStrictEqual(r.raw.map((x) => x.name).sort(), ['ann', 'n0', 'n1', 'n10', 'n100', 'n101', 'n102', 'n103', 'n104', 'n105',
      'n106', 'n107', 'n108', 'n109']);
    await owners().upsert([{ name: 'n1', mood: 'bad' }, { name: 'new', mood: 'bad' }], ['name']);
    assert.deepStrictEqual((await owners().find({ where: [{ name: 'n1' }, { name: 'new' }], order: { name: 'ASC' } })).map((o) => o.mood),
      ['bad', 'bad']);
  },

  relations: async () => {
    const toys = await db.getRepository('Toy').save([{ name: 'ball' }, { name: 'mouse' }]);
    const cat = await pets().save({ name: 'tom', toys, owner: await owners().findOneBy({ name: 'ann' }) });
    const [found] = await pets().find({ where: { toys: { name: 'ball' } }, relations: { toys: true, owner: true } });
    assert.deepStrictEqual([found.id, found.owner.name], [cat.id, 'ann']);
    const page = await owners().createQueryBuilder('o').leftJoinAndSelect('o.pets', 'p').loadRelationCountAndMap('o.n', 'o.pets')
      .orderBy('o.id').skip(0).take(2).getManyAndCount();
    assert.deepStrictEqual([page[0][0].pets.map((p) => p.name).sort(), page[0][0].n, page[0][1].pets, page[1]], [['tom', TEXT].sort(), 2, [], 302]);
    cat.toys = [toys[1]];
    await pets().save(cat);
    assert.deepStrictEqual(await db.query('SELECT count(*)::int AS n FROM orm_pet_toy'), [{ n: 1 }]);
    const o = await owners().findOneBy({ name: 'n2' });
    await owners().softRemove(o);
    assert.strictEqual(await owners().findOneBy({ name: 'n2' }), null);
    await owners().restore({ name: 'n2' });
    Object.assign(o, { mood: 'bad', gone: null });
    assert.deepStrictEqual([(await owners().save(o)).version > 1, await owners().existsBy({ name: 'n2', mood: 'bad' })], [true, true]);
    const groups = await owners().createQueryBuilder('o').select('o.mood', 'mood').addSelect('COUNT(*)', 'n').groupBy('o.mood')
      .having('COUNT(*) > 1').orderBy('o.mood').getRawMany();
    assert.deepStrictEqual(groups.map((g) => g.mood), ['good', 'bad']);
  },

  cursors: async () => {
    const stream = await owners().createQueryBuilder('o').select('o.id', 'id').stream();
    let n = 0;
    for await (const row of stream) n += row.id > 0;
    assert.strictEqual(n, 302);
  },

  transactions: async () => {
    await assert.rejects(db.transaction(async (m) => {
      await m.delete('Owner', { mood: 'bad' });
      throw new Error('changed my mind');
    }), /changed my mind/);
    await db.transaction(async (m) => {
      await m.save('Owner', { name: 'three' });
      await fails('23505', m.transaction((n) => n.insert('Owner', { name: 'three' })));
      await m.findOne('Owner', { where: { name: 'three' }, lock: { mode: 'pessimistic_write' } });
    });
    assert.strictEqual(await owners().count(), 303);
  },

  errors: async () => {
    await fails('42P01', db.query('SELECT * FROM nope'));
    await fails('23502', db.query('INSERT INTO orm_toy (name) VALUES (NULL)'));
    await fails('23503', pets().insert({ owner: { id: 4711 } }));
    await fails('23514', pets().insert({ price: -1 }));
    const e = await fails('23505', owners().insert({ name: 'ann' }));
    assert.strictEqual(e.driverError.table, 'orm_owner');
  },

  prepared: async () => {
    const found = await pets().createQueryBuilder('p').where("p.extra ->> 'x' IS NULL AND p.tags && :tags::text[]", { tags: ['a'] }).getMany();
    assert.deepStrictEqual(found.map((p) => p.name), [TEXT]);
    assert.strictEqual(await owners().count({ where: { name: require('typeorm').In(['ann', 'n1', 'n2', 'zzz']) } }), 3);
    assert.strictEqual(await owners().count({ where: { name: require('typeorm').ILike('%ANN%') } }), 1);
  },

  unicode: async () => {
    await owners().save({ name: '漢字 🐘 \'"\\' });
    assert.strictEqual((await owners().findOneBy({ name: '漢字 🐘 \'"\\' })).version, 1);
  },

  migrations: async () => {
    assert.strictEqual((await db.runMigrations({ transaction: 'each' })).length, 1);
    const q = db.createQueryRunner();
    const t = await q.getTable('orm_count');
    assert.deepStrictEqual([t.columns.map((c) => c.name), t.foreignKeys.length], [['id', 'toy', 'count'], 1]);
    assert.deepStrictEqual(await q.getTables(['orm_nope']), []);
    await q.release();
    assert.strictEqual((await new MigrationExecutor(db).getExecutedMigrations()).length, 1);
    await db.undoLastMigration();
    await db.destroy();
    db = source([Owner2, Pet2, Toy]);
    await db.initialize();
    await db.query("UPDATE orm_pet SET name = 'x' WHERE name IS NULL");
    assert((await pending(db)).length > 5);
    await db.synchronize();
    assert.deepStrictEqual(await pending(db), []);
    await owners().save({ name: 'four', mood: 'so so' });
    assert.strictEqual((await pets().save({ nick: 'nn' })).name, 'nobody');
  },

  large: async () => {
    const Big = new EntitySchema({ name: 'Big', tableName: 'orm_big', columns: { id: { type: 'int', primary: true }, y: { type: 'bytea' } } });
    const one = await source([Big], { ...large, username: large.user, database: large.database, synchronize: true }).initialize();
    const value = Buffer.alloc(LARGE, 'ab');
    await one.getRepository('Big').insert({ id: 1, y: value });
    assert(value.equals((await one.getRepository('Big').findOneBy({ id: 1 })).y));
    await one.query('DROP TABLE orm_big');
    await one.destroy();
  },

  cancel: async () => {
    const q = db.createQueryRunner();
    await q.query('SET statement_timeout = 300');
    await fails('57014', q.query(SLOW));
    assert.deepStrictEqual(await q.query('SELECT 1 AS one'), [{ one: 1 }]);
    await q.query('RESET statement_timeout');
    await q.release();
    await db.dropDatabase();
    assert.deepStrictEqual(await db.query("SELECT * FROM pg_tables WHERE tablename LIKE 'orm%'"), []);
    await db.destroy();
  },
});
