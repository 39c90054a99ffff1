import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Voice } from '../shared/count.ts';
import type { KeptTurns, StoredTurn } from './ports.ts';
import { turnsTogether } from './turns-together.ts';
import { keptTurns } from './turns.ts';

const KEY = Buffer.alloc(32, 7);

interface Rig {
  readonly turns: readonly KeptTurns[];
  /** All that was said, as it was said. */
  readonly said: readonly string[];
  /** Who hears nothing any more. */
  readonly deaf: Set<number>;
}

/** Several processes that hear each other, each word a turn of the loop later. */
function rig(count: number, keyOf: (at: number) => Buffer = () => KEY): Rig {
  const said: string[] = [];
  const deaf = new Set<number>();
  const listeners: ((text: string) => void)[] = [];
  const turns = Array.from({ length: count }, (_, at) => {
    const voice: Voice = {
      say(_channel, text) {
        said.push(text);
        for (const [to, heard] of listeners.entries()) setImmediate(() => !deaf.has(to) && heard(text));
      },
      listen: (_channel, heard) => void listeners.push(heard),
    };
    return turnsTogether(
      keptTurns(() => 0),
      { voice, processId: `p${at}`, key: keyOf(at) },
    );
  });
  return { turns, said, deaf };
}

function turn(id: string, previousId?: string, keyId = 'k'): StoredTurn {
  return { id, keyId, text: `{"reply":"secret of ${id}"}`, ...(previousId === undefined ? {} : { previousId }) };
}

describe('turns that other processes keep', () => {
  it('are fetched with all before them, from wherever they lie, and nothing of them can be read on the way', async () => {
    const { turns, said } = rig(3);
    const [first, second, third] = turns;
    first?.put(turn('a'));
    second?.put(turn('b', 'a'));
    first?.put(turn('c', 'b'));
    await third?.fetch?.('c', 'k');
    for (const [id, previousId] of [['c', 'b'], ['b', 'a'], ['a']] as const)
      assert.deepEqual(third?.get(id, 'k'), turn(id, previousId));
    assert.equal(third?.fetch?.('c', 'k'), undefined, 'all is here now');
    for (const text of said) assert.doesNotMatch(Buffer.from(text, 'base64').toString('latin1'), /secret|"id"/);
  });

  it('are of their key alone: another is told nothing', async () => {
    const { turns } = rig(2);
    turns[0]?.put(turn('a'));
    await turns[1]?.fetch?.('a', 'another');
    assert.equal(turns[1]?.get('a', 'another'), undefined);
    assert.equal(turns[1]?.size().turns, 0);
  });

  it('are waited for no longer than a moment where nobody has them, and not even that once it is known who there is', async () => {
    const { turns, deaf } = rig(3);
    const ask = async (id: string): Promise<number> => {
      const startedMs = performance.now();
      await turns[0]?.fetch?.(id, 'k');
      return performance.now() - startedMs;
    };
    assert.ok((await ask('none')) >= 290);
    assert.ok((await ask('none')) < 150);
    deaf.add(2);
    assert.ok((await ask('none')) >= 290, 'one has ended');
    assert.ok((await ask('none')) < 150);
  });

  it('come in answers that Valkey lets pass, however long they are and in whichever letters', async () => {
    const { turns, said } = rig(2);
    const ids = Array.from({ length: 6 }, (_, at) => `t${at}`);
    for (const [at, id] of ids.entries())
      turns[0]?.put({ ...turn(id, ids[at - 1]), text: '語'.repeat(at % 2 === 0 ? 1_300_000 : 200_000) });
    await turns[1]?.fetch?.('t5', 'k');
    assert.deepEqual(
      ids.filter((id) => turns[1]?.get(id, 'k') === undefined),
      [],
    );
    assert.ok(Math.max(...said.map((text) => text.length)) < 16 * 1024 * 1024);
  });

  it('are removed everywhere', async () => {
    const { turns } = rig(2);
    turns[0]?.put(turn('a'));
    await turns[1]?.fetch?.('a', 'k');
    assert.equal(turns[1]?.remove('a', 'k'), true);
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    assert.equal(turns[0]?.get('a', 'k'), undefined);
  });

  it('are not understood where the secret is another', async () => {
    const { turns } = rig(2, (at) => Buffer.alloc(32, at));
    turns[0]?.put(turn('a'));
    await turns[1]?.fetch?.('a', 'k');
    assert.equal(turns[1]?.get('a', 'k'), undefined);
  });

  it('may go in circles, and come to an end', () => {
    const { turns } = rig(2);
    turns[0]?.put(turn('a', 'b'));
    turns[0]?.put(turn('b', 'a'));
    assert.equal(turns[0]?.fetch?.('a', 'k'), undefined);
  });
});
