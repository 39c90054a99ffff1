/** All of CLINC150's development split: 150 intents with 100 examples each, and prompts that are none of them. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { trainIntents } from '../../src/understand/intents/intents.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { clincWhole, measure, readRows, shippedVectors } from '../intents-data.ts';

it('finds the intents of CLINC150 and tells what is none of them', { skip: corpusSkip('CLINC150') }, () => {
  const trial = clincWhole(readRows(corpusDir() ?? '', 'clinc150-dev.jsonl'));
  const found = measure(trainIntents(trial.examples, { vectors: shippedVectors() }).scores, trial);
  assert.ok(found.accuracy >= 0.93, `accuracy ${found.accuracy}`);
  assert.ok(found.auroc >= 0.95, `auroc ${found.auroc}`);
});
