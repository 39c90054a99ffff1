import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CommandIo } from './io.ts';
import { amountOf, durationOf, idOf, isSure, listOf, noMore } from './words.ts';

const words = (values: Readonly<Record<string, string | boolean>>, positionals: readonly string[] = []) => ({
  values,
  positionals,
});
const io: CommandIo = { cwd: '/', env: {}, isTerminal: false, stdout: () => undefined, stderr: () => undefined };

describe('what commands read of their words', () => {
  it('is an amount to the last digit, or an error that shows what one looks like', () => {
    assert.equal(amountOf(words({ 'limit-usd': '0.5' }), 'limit-usd'), 500_000_000n);
    assert.equal(amountOf(words({}), 'limit-usd'), undefined);
    assert.throws(
      () => amountOf(words({ 'limit-usd': '1e3\n' }), 'limit-usd'),
      /--limit-usd: "1e3\uFFFD" is not an amount/,
    );
  });

  it('is a span of time in milliseconds', () => {
    assert.deepEqual(['90', '90s', '30m', '24h', '7d'].map(durationOf), [90e3, 90e3, 1.8e6, 8.64e7, 6.048e8]);
    assert.throws(() => durationOf('-1d'), /is not a time span/);
  });

  it('is a list without empty items', () => {
    assert.deepEqual(listOf(' a,, b ,'), ['a', 'b']);
    assert.deepEqual(listOf(''), []);
    assert.equal(listOf(undefined), undefined);
  });

  it('is an id behind the action, or where ids are shown', () => {
    assert.equal(idOf(words({}, ['show', 'key_1']), 'key', 'keys'), 'key_1');
    assert.throws(() => idOf(words({}, ['show']), 'key', 'keys'), /say which key: its id, as "turnout keys list"/);
  });

  it('is nothing more, and what is too much commands no terminal', () => {
    noMore([]);
    assert.throws(() => noMore(['\u001B[2J', 'x']), { message: 'unexpected \uFFFD[2J' });
  });

  it('is a question only where there is somebody to ask', async () => {
    const asking = { ...io, confirm: async () => false };
    assert.equal(await isSure(words({}), io, '?'), true);
    assert.equal(await isSure(words({}), asking, '?'), false);
    assert.equal(await isSure(words({ yes: true }), asking, '?'), true);
  });
});
