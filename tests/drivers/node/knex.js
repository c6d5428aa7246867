// Knex: schema builder, queries, transactions, migrations.
'use strict';
const { assert, where, large, TEXT, SLOW, fails, run, LARGE } = require('./checks');

const make = (connection) => require('knex')({ client: 'pg', connection, pool: { min: 0, max: 3 } });
const knex = make(where);

run({
  connect: async () => assert.strictEqual((await knex.raw('SELECT 1 AS one')).rows[0].one, 1),

  ddl: async () => {
    for (const t of ['knex_pet', 'knex_owner', 'knex_migrations', 'knex_migrations_lock']) {
      await knex.schema.dropTableIfExists(t);
    }
    await knex.schema.createTable('knex_owner', (t) => {
      t.integer('id').primary();
      t.string('name', 40).notNullable().unique();
    });
    await knex.schema.createTable('knex_pet', (t) => {
      t.integer('id').primary();
      t.text('name');
      t.decimal('price', 10, 2).defaultTo(1.5);
      t.boolean('alive').notNullable().defaultTo(true);
      t.binary('picture');
      t.uuid('tag');
      t.timestamp('born');
      t.integer('owner').references('knex_owner.id').onDelete('CASCADE').index();
    });
    assert.strictEqual(await knex.schema.hasTable('knex_pet'), true);
    assert.strictEqual(await knex.schema.hasTable('knex_nope'), false);
  },

  types_and_nulls: async () => {
    await knex('knex_owner').insert([{ id: 1, name: 'ann' }, { id: 2, name: TEXT.slice(0, 30) }]);
    const pet = { id: 1, name: TEXT, price: '12.25', alive: false, picture: Buffer.from([0, 255]),
      tag: '0123abcd-4567-89ab-cdef-0123456789ab', born: new Date('2024-06-01T12:00:00.005Z'), owner: 1 };
    const empty = { id: 2, name: null, price: '1.50', alive: true, picture: null, tag: null, born: null, owner: null };
    await knex('knex_pet').insert([pet, { id: 2 }]);
    assert.deepStrictEqual((await knex('knex_pet').orderBy('id')).map((r) => ({ ...r })), [pet, empty]);
  },

  batch: async () => {
    await knex.batchInsert('knex_owner', [...Array(500).keys()].map((i) => ({ id: 100 + i, name: `n${i}` })), 100);
    const [{ count }] = await knex('knex_owner').where('id', '>=', 100).count();
    assert.strictEqual(count, '500');
    const changed = await knex('knex_owner').where('id', '<', 103).andWhere('id', '>=', 100).update({ name: knex.raw("name || '!'") })
      .returning(['id', 'name']);
    assert.deepStrictEqual(changed.map((r) => r.name).sort(), ['n0!', 'n1!', 'n2!']);
    await knex('knex_owner').insert({ id: 1, name: 'other' }).onConflict('id').merge();
    assert.strictEqual((await knex('knex_owner').where({ id: 1 }).first()).name, 'other');
  },

  cursors: async () => {
    let n = 0;
    for await (const row of knex.select('id').from('knex_owner').where('id', '>=', 100).stream()) n += row.id >= 100;
    assert.strictEqual(n, 500);
  },

  transactions: async () => {
    await assert.rejects(knex.transaction(async (t) => {
      await t('knex_owner').delete().where('id', '>=', 100);
      throw new Error('changed my mind');
    }));
    await knex.transaction(async (t) => {
      await t('knex_owner').insert({ id: 3, name: 'three' });
      await fails('23505', t.transaction((s) => s('knex_owner').insert({ id: 3, name: 'again' })));
      await t('knex_owner').insert({ id: 4, name: 'four' });
    });
    assert.deepStrictEqual(await knex('knex_owner').whereIn('id', [3, 4, 100]).orderBy('id').pluck('id'), [3, 4, 100]);
  },

  errors: async () => {
    await fails('42P01', knex('nope').select());
    await fails('23502', knex('knex_owner').insert({ id: 77 }));
    await fails('23503', knex('knex_pet').insert({ id: 9, owner: 4711 }));
    assert.strictEqual((await fails('23505', knex('knex_owner').insert({ id: 1, name: 'x' }))).constraint, 'knex_owner_pkey');
  },

  prepared: async () => {
    const rows = await knex('knex_pet').join('knex_owner as o', 'o.id', 'knex_pet.owner')
      .select('knex_pet.name', { owner: 'o.name' }).where('o.name', '=', 'other');
    assert.deepStrictEqual(rows.map((r) => ({ ...r })), [{ name: TEXT, owner: 'other' }]);
  },

  unicode: async () => {
    await knex('knex_pet').insert({ id: 5, name: TEXT });
    assert.strictEqual((await knex('knex_pet').where({ name: TEXT, id: 5 }).first()).name, TEXT);
  },

  large: async () => {
    const one = make(large);
    const value = Buffer.alloc(LARGE, 'ab');
    await one.schema.dropTableIfExists('knex_large');
    await one.schema.createTable('knex_large', (t) => t.binary('y'));
    await one('knex_large').insert({ y: value });
    assert(value.equals((await one('knex_large').first()).y));
    await one.schema.dropTable('knex_large');
    await one.destroy();
  },

  cancel: async () => {
    await assert.rejects(knex.raw(SLOW).timeout(300, { cancel: true }), /timeout/);
    assert.strictEqual((await knex.raw('SELECT 1 AS one')).rows[0].one, 1);
  },
});
