import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Words } from './options.ts';
import { actionOf, UsageError, type Action } from './output.ts';

const ACTIONS: Readonly<Record<string, Action<string>>> = {
  list: { run: 'list' },
  disable: { names: 1, run: 'disable' },
  set: { names: 1, options: ['name'], run: 'set' },
  ack: { names: Infinity, run: 'ack' },
};

function words(positionals: readonly string[], values: Words['values'] = {}): Words {
  return { positionals, values };
}

describe('what a command is asked to do', () => {
  it('is found with the names and options that it takes, and those that go with everything', () => {
    assert.equal(actionOf(ACTIONS, words(['list'], { json: true, data: 'x' }), 'keys'), 'list');
    assert.equal(actionOf(ACTIONS, words(['set', 'key_1'], { name: 'x' }), 'keys'), 'set');
    assert.equal(actionOf(ACTIONS, words(['ack', '1', '2', '3']), 'alerts'), 'ack');
  });

  for (const [why, asked, message] of [
    ['no word at all', words([]), 'say what to do with keys'],
    ['a word that is none', words(['constructor']), 'there is no command "keys constructor"'],
    // Only the first would have been disabled.
    ['two keys at once', words(['disable', 'a', 'b']), '"keys disable" takes one id: b is too much'],
    ['a name where there is none', words(['list', 'a\u001B']), '"keys list" takes options only: a\uFFFD is too much'],
    // It would have changed nothing.
    ['another action’s option', words(['disable', 'a'], { name: 'b' }), '--name does not go with "keys disable"'],
  ] as const)
    it(`is refused for ${why}`, () => {
      assert.throws(
        () => actionOf(ACTIONS, asked, 'keys'),
        (error) => error instanceof UsageError && error.message === message,
      );
    });
});
