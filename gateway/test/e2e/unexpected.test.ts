/** An error of our own in the midst of an attempt: nothing that was put aside or counted for it stays so. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { asArray, asRecord, isRecord } from '../../src/lib/json.ts';
import type { Hold, Opening } from '../../src/store/ports.ts';
import { ROOT_KEY } from '../harness.ts';
import { startAttemptsRig, type AttemptsRig } from './attempts-kit.ts';

let rig: AttemptsRig;

before(async () => {
  rig = await startAttemptsRig({
    ways: { hedge: { afterMs: 5000, budget: 0.5 } },
    routes: [`by-task: {targets: [p/m], rules: [{name: hard, when: 'facts.difficulty > 0.7', use: {targets: [s/m]}}]}`],
    sections: ['understand: {classifier: {model: t/m, deadline_ms: 1000}}'],
  });
});
after(() => rig.close());

async function inFlight(): Promise<readonly unknown[]> {
  const response = await fetch(`${rig.url}/admin/v1/health`, { headers: { authorization: `Bearer ${ROOT_KEY}` } });
  const rows = asArray(asRecord(await response.json())?.['targets']) ?? [];
  return rows.filter(isRecord).map((row) => `${String(row['target'])} ${String(row['in_flight'])}`);
}

describe('an error of our own in the midst of an attempt', () => {
  for (const [model, id] of [
    ['p/m', 'p/m'],
    ['main', 'p/m'],
    ['by-task', 't/m'],
  ] as const)
    it(`holds no money back, and counts nothing as under way: ${model}`, async (test) => {
      const open = rig.ledger.open.bind(rig.ledger);
      const broken = test.mock.method(rig.ledger, 'open', (hold: Hold, opening: Opening) => {
        if (opening.target !== id) return open(hold, opening);
        throw new Error('the ledger is broken');
      });
      const { token, id: keyId } = await rig.newKey('1');
      const got = await rig.post(
        '/v1/chat/completions',
        { model, max_tokens: 10, messages: [{ role: 'user', content: 'what is this?' }] },
        { token },
      );
      assert.equal(got.status, 500, got.text);
      assert.equal(broken.mock.calls.at(-1)?.arguments[1].target, id);
      const rows = await inFlight();
      assert.ok(rows.includes(`${id} 0`), rows.join());
      broken.mock.restore();
      assert.equal(await rig.held(keyId), 0n);
    });
});
