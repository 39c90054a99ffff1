/** A glance at a recorded reply finds what reading all of it finds: the same fault, usage and finish. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { glanceOf } from '../../src/dialects/dialect.ts';
import { gateDialects } from '../../src/dialects/index.ts';
import { isRecord } from '../../src/lib/json.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { isSpoken, readIndex, readRecording, WIRES } from './recordings.ts';

describe('glance: recorded replies', { skip: corpusSkip('glance') }, () => {
  it('finds what reading all of them finds', () => {
    const corpus = corpusDir() ?? '';
    let seen = 0;
    for (const row of readIndex(corpus)) {
      const wire = WIRES[row.wire];
      if (wire === undefined || !isSpoken(row)) continue;
      const { json, id, provider } = readRecording(corpus, row);
      if (!isRecord(json)) continue;
      const decoded = gateDialects[wire].decodeResponse(json, provider);
      const form = row.wire === 'cohere-v1-chat' ? { isOtherForm: true } : {};
      const expected = decoded.ok ? { ok: true, value: { ...glanceOf(decoded.value), ...form } } : decoded;
      assert.deepEqual(gateDialects[wire].glance(json, provider), expected, id);
      seen += 1;
    }
    process.stdout.write(`glance: ${seen} recorded replies agree\n`);
    assert.ok(seen > 1000, `${seen} replies were read`);
  });
});
