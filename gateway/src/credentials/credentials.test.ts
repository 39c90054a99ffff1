import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { err, ok, type Result } from '../lib/result.ts';
import type { GoogleIdentity } from '../routing/identity.ts';
import { createCredentials } from './credentials.ts';
import type { Fetched, Trouble } from './grant.ts';

const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2026, 10, 27);
const identity: GoogleIdentity = { kind: 'google', provider: 'google-vertex' };

/** A clock to be moved, and a source that answers when it is told to. */
function world() {
  let nowMs = START_MS;
  const asked: { readonly atMs: number; readonly answer: (result: Result<Fetched, Trouble>) => void }[] = [];
  const warnings: string[] = [];
  const credentials = createCredentials({
    source: (_, atMs) =>
      new Promise((resolve) => {
        asked.push({ atMs, answer: resolve });
      }),
    clock: { unixMs: () => nowMs },
    warn: (provider, reason) => void warnings.push(`${provider}: ${reason}`),
  });
  const token = (name: string, lifeMs?: number): Result<Fetched, Trouble> =>
    ok({
      proof: { kind: 'bearer', token: name },
      ...(lifeMs === undefined ? {} : { endsAtMs: nowMs + lifeMs }),
    });
  const held = (): string | undefined => {
    const proof = credentials.current(identity)?.proof;
    return proof?.kind === 'bearer' ? proof.token : undefined;
  };
  /** Answers the newest question, and lets everything that waits for it go on. */
  async function answer(result: Result<Fetched, Trouble>): Promise<void> {
    asked.at(-1)?.answer(result);
    await new Promise((done) => {
      setImmediate(done);
    });
  }
  return { credentials, asked, warnings, token, held, answer, pass: (ms: number) => void (nowMs += ms) };
}

describe('a credential that ends', () => {
  it('is fetched once for a thousand who wait', async () => {
    const { credentials, asked, token, answer } = world();
    const waiting = Array.from({ length: 1000 }, () => credentials.obtain(identity));
    assert.equal(asked.length, 1);
    await answer(token('one', 60 * MINUTE_MS));
    const grants = await Promise.all(waiting);
    assert.equal(new Set(grants.map((grant) => grant.ok && grant.value)).size, 1);
    assert.equal(asked.length, 1);
  });

  it('is renewed by whoever uses it in its last minutes, who does not wait', async () => {
    const { credentials, asked, token, answer, held, pass } = world();
    void credentials.obtain(identity);
    await answer(token('one', 60 * MINUTE_MS));
    pass(54 * MINUTE_MS);
    assert.deepEqual([held(), asked.length], ['one', 1]);
    pass(2 * MINUTE_MS);
    assert.deepEqual([held(), held(), asked.length], ['one', 'one', 2]);
    await answer(token('two', 60 * MINUTE_MS));
    assert.deepEqual([held(), asked.length], ['two', 2]);
  });

  it('serves on while it is good and cannot be renewed; then says why', async () => {
    const { credentials, asked, warnings, token, answer, held, pass } = world();
    void credentials.obtain(identity);
    await answer(token('one', 60 * MINUTE_MS));
    pass(57 * MINUTE_MS);
    assert.equal(held(), 'one');
    await answer(err({ reason: 'it is broken.' }));
    assert.equal(held(), 'one');
    assert.equal(asked.length, 2);
    pass(3_000);
    assert.equal(held(), 'one');
    assert.equal(asked.length, 3);
    await answer(err({ reason: 'it is still broken.' }));
    assert.deepEqual(warnings, ['google-vertex: it is broken.']);
    pass(3 * MINUTE_MS - 3_000);
    assert.equal(held(), undefined);
    const late = credentials.obtain(identity);
    await answer(err({ reason: 'it is broken for good.' }));
    assert.deepEqual(await late, err('it is broken for good.'));
  });

  it('is not asked for again within a moment of a failure', async () => {
    const { credentials, asked, token, answer, pass } = world();
    void credentials.obtain(identity);
    await answer(err({ reason: 'no.' }));
    const many = await Promise.all(Array.from({ length: 100 }, () => credentials.obtain(identity)));
    assert.ok(many.every((result) => !result.ok && result.error === 'no.'));
    assert.equal(asked.length, 1);
    pass(2_000);
    const again = credentials.obtain(identity);
    assert.equal(asked.length, 2);
    await answer(token('one'));
    assert.ok((await again).ok);
  });

  it('is not used in its last moments', async () => {
    const { credentials, token, answer, held, pass } = world();
    void credentials.obtain(identity);
    await answer(token('one', 60 * MINUTE_MS));
    pass(60 * MINUTE_MS - 5_000);
    assert.equal(held(), undefined);
  });

  it('is refused when it has ended before it came', async () => {
    const { credentials, token, answer } = world();
    const result = credentials.obtain(identity);
    await answer(token('old', -1));
    assert.match((await result).ok ? '' : JSON.stringify(await result), /already ended\. Check the clock/);
  });

  it('is looked at again after five minutes where it has no end of its own', async () => {
    const { credentials, asked, token, answer, held, pass } = world();
    void credentials.obtain(identity);
    await answer(token('of a file'));
    pass(299_000);
    assert.deepEqual([held(), asked.length], ['of a file', 1]);
    pass(1_000);
    assert.deepEqual([held(), asked.length], ['of a file', 2]);
    await answer(token('of the changed file'));
    assert.equal(held(), 'of the changed file');
  });

  it('is looked at again when the provider refuses it, at most twice a minute', async () => {
    const { credentials, asked, token, answer, held, pass } = world();
    void credentials.obtain(identity);
    await answer(token('withdrawn', 60 * MINUTE_MS));
    const grant = credentials.current(identity);
    assert.ok(grant);
    credentials.refused(identity, grant, undefined);
    credentials.refused(identity, grant, undefined);
    assert.equal(asked.length, 2);
    await answer(token('new', 60 * MINUTE_MS));
    assert.equal(held(), 'new');
    credentials.refused(identity, grant, undefined);
    assert.equal(asked.length, 2, 'the refused one is no longer held');
    const newer = credentials.current(identity);
    assert.ok(newer);
    credentials.refused(identity, newer, undefined);
    assert.equal(asked.length, 2);
    pass(30_000);
    credentials.refused(identity, newer, undefined);
    assert.equal(asked.length, 3);
  });

  it('follows the provider’s clock where ours is wrong', async () => {
    const { credentials, asked, token, answer } = world();
    void credentials.obtain(identity);
    await answer(token('one', 60 * MINUTE_MS));
    const grant = credentials.current(identity);
    assert.ok(grant);
    credentials.refused(identity, grant, new Date(START_MS + 10 * MINUTE_MS).toUTCString());
    assert.equal(credentials.current(identity)?.skewMs, 10 * MINUTE_MS);
    assert.equal(asked.length, 1, 'the token was not the reason');
  });

  it('is asked for a second time with the right clock where the first was refused for its time', async () => {
    const { credentials, asked, answer, token } = world();
    const result = credentials.obtain(identity);
    await answer(err({ reason: 'too old.', serverMs: START_MS + 20 * MINUTE_MS }));
    assert.deepEqual(
      asked.map(({ atMs }) => atMs - START_MS),
      [0, 20 * MINUTE_MS],
    );
    await answer(token('one', 60 * MINUTE_MS));
    assert.ok((await result).ok);
    assert.equal(credentials.current(identity)?.skewMs, 20 * MINUTE_MS);
  });

  it('belongs to one identity', async () => {
    const { credentials, answer, token } = world();
    void credentials.obtain(identity);
    await answer(token('one'));
    assert.equal(credentials.current({ ...identity }), undefined);
  });
});
