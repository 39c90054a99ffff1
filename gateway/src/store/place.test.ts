import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { inFolder } from '../../test/store-kit.ts';
import { openDesk } from './desk.ts';
import { placeText, storePlace } from './place.ts';

const URL_TEXT = 'postgres://turnout:hunter2@db.example:5433/turnout?sslmode=verify-full';
const SECRET = '0'.repeat(63);

describe('the place of a store', () => {
  it('is what the environment names, before what the configuration does', () => {
    assert.deepEqual(storePlace({}), {});
    assert.deepEqual(storePlace({}, URL_TEXT), { url: URL_TEXT });
    assert.deepEqual(storePlace({ TURNOUT_STORE: 'sqlite' }, URL_TEXT), {});
    assert.deepEqual(storePlace({ TURNOUT_STORE: URL_TEXT, TURNOUT_SECRET: 'a' }), { url: URL_TEXT, secretHex: 'a' });
    for (const store of ['mysql://h/d', 'postgres://', 'postgres', ''])
      assert.throws(() => storePlace({ TURNOUT_STORE: store }), /must be `sqlite` or `postgres:/);
  });

  it('is told without user and password', () => {
    assert.equal(placeText({ dataDir: '/d', url: URL_TEXT }), 'the PostgreSQL database db.example:5433/turnout');
    assert.equal(placeText({ dataDir: '/d' }), 'the database in /d');
  });
});

describe('the secret of a store', () => {
  it('must be the one that its keys were made with', async () => {
    await inFolder(async (dataDir) => {
      const options = { dataDir, now: Date.now, mayCreate: true };
      const desk = await openDesk({ ...options, secretHex: `${SECRET}1` });
      await desk.close();
      await assert.rejects(openDesk({ ...options, secretHex: `${SECRET}2` }), /another secret.*TURNOUT_SECRET/);
      await assert.rejects(openDesk({ ...options, secretHex: 'short' }), /TURNOUT_SECRET does not hold a secret/);
      await (await openDesk({ ...options, secretHex: `${SECRET}1` })).close();
    });
  });
});
