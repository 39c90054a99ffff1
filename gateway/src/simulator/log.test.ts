import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createFingerprints, createLog } from './log.ts';

const HEAD = { method: 'POST', path: '/x', query: '', headers: {} };
const MIB = 1024 * 1024;

describe('the log book', () => {
  it('keeps the last requests and connections', () => {
    const log = createLog(2);
    const connections = [log.connect(), log.connect(), log.connect()];
    for (const connection of connections) log.start(connection, HEAD);
    assert.deepEqual(
      log.requests.map((request) => [request.sequence, request.connection]),
      [
        [2, 2],
        [3, 3],
      ],
    );
    assert.deepEqual(
      log.connections.map((connection) => connection.id),
      [2, 3],
    );
  });

  it('goes on counting after it was cleared', () => {
    const log = createLog(2);
    const connection = log.connect();
    for (let n = 0; n < 3; n += 1) log.start(connection, HEAD);
    log.clear();
    assert.equal(log.requests.length, 0);
    assert.equal(log.start(connection, HEAD).sequence, 4);
    assert.deepEqual(
      log.requests.map((request) => request.sequence),
      [4],
    );
  });

  it('lets the oldest bodies go when they grow too large together, and keeps their sizes', () => {
    const log = createLog(100);
    const connection = log.connect();
    for (let n = 0; n < 5; n += 1) log.receive(log.start(connection, HEAD), Buffer.alloc(20 * MIB, 'x'));
    assert.deepEqual(
      log.requests.map((request) => request.bodyText !== undefined),
      [false, false, true, true, true],
    );
    assert.deepEqual(new Set(log.requests.map((request) => request.bodyBytes)), new Set([20 * MIB]));
  });

  it('keeps the body of a request that came early and was long in coming', () => {
    const log = createLog(100);
    const connection = log.connect();
    const slow = log.start(connection, HEAD);
    for (let n = 0; n < 5; n += 1) log.receive(log.start(connection, HEAD), Buffer.alloc(20 * MIB));
    log.receive(slow, Buffer.from('{"a":1}'));
    // It is the oldest, so it is the first to go; but its size stays, and nothing is counted twice.
    assert.equal(slow.bodyBytes, 7);
    for (let n = 0; n < 5; n += 1) log.receive(log.start(connection, HEAD), Buffer.alloc(20 * MIB));
    assert.equal(log.requests.filter((request) => request.bodyText !== undefined).length, 3);
  });

  it('keeps no body of a request that it no longer has', () => {
    const log = createLog(1);
    const connection = log.connect();
    const early = log.start(connection, HEAD);
    log.start(connection, HEAD);
    log.receive(early, Buffer.from('{}'));
    assert.deepEqual([early.bodyText, early.bodyBytes], [undefined, 2]);
  });

  it('tells waiters of changes, and of the close of a connection', async () => {
    const log = createLog();
    const connection = log.connect();
    const entry = log.start(connection, HEAD);
    const ended = log.waitFor((request) => request.ended !== undefined, 1_000);
    const closed = log.waitFor((request) => request.socketClosedMs !== undefined, 1_000);
    entry.ended = 'complete';
    log.changed(entry);
    assert.equal((await ended).sequence, 1);
    log.close(connection);
    assert.equal((await closed).sequence, 1);
  });

  it('gives a mistake in a condition to whoever waits', async () => {
    const log = createLog();
    const waiting = log.waitFor(() => {
      throw new Error('mistake');
    }, 1_000);
    log.start(log.connect(), HEAD);
    await assert.rejects(waiting, /mistake/);
  });
});

describe('fingerprints', () => {
  it('are the same for the same secret, and hide it', () => {
    const prints = createFingerprints();
    const one = prints.headers({ authorization: 'Bearer abc', 'x-api-key': 'abc', accept: 'abc' });
    assert.equal(one['authorization'], `Bearer ${one['x-api-key']}`);
    assert.match(one['x-api-key'] ?? '', /^sha256:[0-9a-f]{12}$/);
    assert.equal(one['accept'], 'abc');
    assert.equal(prints.query('a=1&key=abc&monkey=1'), `a=1&key=${one['x-api-key']}&monkey=1`);
  });
});
