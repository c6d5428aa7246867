// What the programs for Node share: runs their checks and says "ok NAME" or "FAILED NAME: why" of each.
'use strict';
const assert = require('assert');

const where = {
  host: process.env.PGHOST, port: Number(process.env.PGPORT), user: process.env.PGUSER,
  database: process.env.PGDATABASE,
};
const large = { ...where, port: Number(process.env.LARGE_PORT) };
const TEXT = 'ünï¢ödé 漢字 🐘 \'quoted\' "twice" back\\slash %s $1 ?\ttab\nline';
const SLOW = 'SELECT count(*) FROM generate_series(1, 10000000000)';

// For what looks at, or drops, all there is: a database of its own.
async function ownDatabase(name) {
  const { Client } = require('pg');
  const client = new Client(where);
  await client.connect();
  await client.query(`DROP DATABASE IF EXISTS ${name}`);
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
}

async function fails(code, promise) {
  try {
    await promise;
  } catch (e) {
    const found = e.code || (e.driverError && e.driverError.code) || (e.cause && e.cause.code);
    assert.strictEqual(found, code, e.message);
    return e;
  }
  throw new Error(`no error ${code}`);
}

async function run(checks) {
  let failed = false;
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check();
      console.log(`ok ${name}`);
    } catch (e) {
      failed = true;
      console.log(`FAILED ${name}: ${e.stack}`);
    }
  }
  process.exit(failed ? 1 : 0);
}

module.exports = { assert, where, large, TEXT, SLOW, fails, run, ownDatabase, LARGE: 100 * 1024 * 1024 };
