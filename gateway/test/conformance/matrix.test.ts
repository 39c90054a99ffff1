/**
 * The matrix of docs/reference/translation.md: every protocol of clients to every wire of targets, feature by feature, through
 * a real gateway. What is seen in a cell is compared with what is committed, so that a change of any shows in review.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { CLIENTS, PROVIDERS } from '../matrix/cells.ts';
import { keyOf, readOutcomes } from '../matrix/outcomes.ts';
import { recordedCells, seeRecorded } from '../matrix/recorded.ts';
import { allCells, startMatrix, type Rig } from '../matrix/run.ts';

const committed = readOutcomes();
const corpus = corpusDir();

describe('the matrix of clients and targets', () => {
  let rig: Rig;

  before(async () => {
    rig = await startMatrix();
  });

  after(async () => {
    await rig.close();
  });

  it('has a committed outcome for each of its cells, and no other', () => {
    assert.deepEqual([...committed.keys()], allCells().map(keyOf));
  });

  for (const client of CLIENTS) {
    it(`is as committed for clients of ${client.id}, and each outcome is an honest one`, async () => {
      const wrong: string[] = [];
      const counts: Record<string, number> = {};
      for (const cell of allCells().filter((one) => one.client === client)) {
        const { outcome, flaws, missing } = await rig.see(cell);
        const key = keyOf(cell);
        const kind = outcome.replace(/:.*/, '');
        counts[kind] = (counts[kind] ?? 0) + 1;
        if (outcome !== committed.get(key))
          wrong.push(`${key}: ${outcome}, not ${committed.get(key)} (${missing.join('; ')})`);
        wrong.push(...flaws.map((flaw) => `${key}: ${flaw}`));
      }
      console.log(`matrix, ${client.id}: ${JSON.stringify(counts)}`);
      assert.deepEqual(wrong, []);
    });
  }

  it('holds for recorded replies too', { skip: corpusSkip('matrix, recorded replies') }, async () => {
    const wrong: string[] = [];
    const seen = new Set<string>();
    const cells = recordedCells(corpus ?? '');
    for (const one of cells) {
      const flaws = await seeRecorded(rig.world, one);
      const key = `${keyOf(one.cell)} ${one.mode}`;
      seen.add(`${one.cell.provider.id} ${one.cell.feature} ${one.mode}`);
      wrong.push(...flaws.map((flaw) => `${key}, ${one.recording.id}: ${flaw}`));
    }
    const without = PROVIDERS.map(({ id }) => id).filter((id) => ![...seen].some((kind) => kind.startsWith(`${id} `)));
    console.log(`matrix, recorded: ${cells.length} replies of ${seen.size} kinds; none of ${without.join(', ')}`);
    assert.ok(cells.length > 300, 'next to none was found');
    assert.deepEqual(wrong, []);
  });
});
