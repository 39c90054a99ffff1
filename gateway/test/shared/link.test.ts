/** The connection to Valkey through a network that breaks it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openLink } from '../../src/shared/link.ts';
import { skipWithout } from '../services/missing.ts';
import { ownValkey, whyNoValkey } from '../services/valkey.ts';

const UNTIL_MS = 10_000;

describe('a link to Valkey', { skip: skipWithout(whyNoValkey()) }, () => {
  it('hears what it asked for also where the connection broke just as it asked', async (test) => {
    const valkey = await ownValkey();
    let cuts = 0;
    const network = createServer((near) => {
      const far = connect(Number(new URL(valkey.url).port), '127.0.0.1');
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        one.on('error', () => undefined);
        one.on('close', () => other.destroy());
      }
      far.on('data', (bytes: Buffer) => near.write(bytes));
      near.on('data', (bytes: Buffer) => {
        if (cuts > 0 || !/subscribe/i.test(bytes.toString('latin1'))) far.write(bytes);
        else near.destroy();
        if (near.destroyed) cuts += 1;
      });
    }).listen(0, '127.0.0.1');
    await once(network, 'listening');
    const address = network.address();
    assert.ok(address !== null && typeof address === 'object');
    const link = openLink({ url: `redis://127.0.0.1:${address.port}`, trouble: () => undefined });
    const other = openLink({ url: valkey.url, trouble: () => undefined });
    test.after(async () => {
      link.close();
      other.close();
      network.close();
      await valkey.remove();
    });
    const heard = new Set<string>();
    for (const channel of ['one', 'two']) link.listen(channel, (text) => heard.add(`${channel}: ${text}`));
    for (const endMs = performance.now() + UNTIL_MS; heard.size < 2 && performance.now() < endMs; await delay(20))
      for (const channel of ['one', 'two']) other.say(channel, 'hello');
    assert.deepEqual([...heard].toSorted(), ['one: hello', 'two: hello']);
    assert.equal(cuts, 1);
  });
});
