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
    const found = measure(trainIntents(trial.examples, { vectors }), trial);
    assert.ok(found.accuracy > 0.95, `accuracy ${found.accuracy}`);
    assert.ok(found.right > 0.88 && found.wrong < 0.04, `right ${found.right}, wrong ${found.wrong}`);
    assert.ok(found.farRefused > 0.9 && found.auroc > 0.97, `refused ${found.farRefused}, auroc ${found.auroc}`);
  });

  it('finds the 77 of BANKING77, which lie close together', () => {
    const far = readRows(dataDir, 'clinc150-dev.jsonl');
    const rows = readRows(dataDir, 'banking77-train.jsonl');
    const trial = bankingTrial(rows, far, { intents: 77, shots: 20, seed: 1 });
    const found = measure(trainIntents(trial.examples, { vectors }), trial);
    assert.ok(found.accuracy > 0.8, `accuracy ${found.accuracy}`);
    assert.ok(found.right > 0.68 && found.wrong < 0.1, `right ${found.right}, wrong ${found.wrong}`);
    assert.ok(found.farRefused > 0.93, `refused ${found.farRefused}`);
  });

  it('knows without a test how well it will do', () => {
    const rows = readRows(dataDir, 'clinc150-dev.jsonl');
    const trial = clincTrial(rows, { intents: 20, shots: 20, seed: 2 });
    const model = trainIntents(trial.examples, { vectors });
    const found = measure(model, trial);
    assert.ok(Math.abs(model.heldOut.right - found.right) < 0.06, `${model.heldOut.right} against ${found.right}`);
  });
});
