/** Intents learned from 20 examples each, on public data; all of CLINC150 is in conformance/intents.test.ts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { trainIntents } from '../src/understand/intents/intents.ts';
import { corpusDir, corpusSkip } from './corpus.ts';
import { bankingTrial, clincTrial, measure, readRows, shippedVectors } from './intents-data.ts';

const dataDir = corpusDir() ?? '';

describe('intents of 20 examples', { skip: corpusSkip('intents') }, () => {
  const vectors = shippedVectors();

  it('finds 20 of CLINC150, and refuses what is none of them', () => {
    const trial = clincTrial(readRows(dataDir, 'clinc150-dev.jsonl'), { intents: 20, shots: 20, seed: 1 });
    const found = measure(trainIntents(trial.examples, { vectors }).scores, trial);
    assert.ok(found.accuracy > 0.95, `accuracy ${found.accuracy}`);
    assert.ok(found.right > 0.88 && found.wrong < 0.04, `right ${found.right}, wrong ${found.wrong}`);
    assert.ok(found.farRefused > 0.9 && found.auroc > 0.97, `refused ${found.farRefused}, auroc ${found.auroc}`);
  });

  it('finds the 77 of BANKING77, which lie close together', () => {
    const far = readRows(dataDir, 'clinc150-dev.jsonl');
    const rows = readRows(dataDir, 'banking77-train.jsonl');
    const trial = bankingTrial(rows, far, { intents: 77, shots: 20, seed: 1 });
    const found = measure(trainIntents(trial.examples, { vectors }).scores, trial);
    assert.ok(found.accuracy > 0.8, `accuracy ${found.accuracy}`);
    assert.ok(found.right > 0.72 && found.wrong < 0.13, `right ${found.right}, wrong ${found.wrong}`);
    assert.ok(found.farRefused > 0.93, `refused ${found.farRefused}`);
  });

  it('knows without a test how well it will do', () => {
    const clinc = readRows(dataDir, 'clinc150-dev.jsonl');
    const banking = readRows(dataDir, 'banking77-train.jsonl');
    for (const draw of [
      (seed: number) => clincTrial(clinc, { intents: 20, shots: 20, seed }),
      (seed: number) => bankingTrial(banking, clinc, { intents: 20, shots: 20, seed }),
    ]) {
      const differences = [1, 2, 3, 4].map((seed) => {
        const trial = draw(seed);
        const model = trainIntents(trial.examples, { vectors });
        return model.heldOut.right - measure(model.scores, trial).right;
      });
      const mean = differences.reduce((a, b) => a + b, 0) / differences.length;
      assert.ok(Math.abs(mean) < 0.04, `held out less asked: ${differences.join()}`);
    }
  });
});
