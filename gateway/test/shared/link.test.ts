/** The connection to Valkey through a network that breaks it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openLink } from '../../src/shared/link.ts';
import { runCli } from '../harness.ts';
import { skipWithout } from '../services/missing.ts';
import { ownValkey, whyNoValkey } from '../services/valkey.ts';

const UNTIL_MS = 10_000;

/** Opens a link and closes it at once. */
const CLOSES = `
  const { openLink } = await import(process.argv[1]);
  const link = openLink({ url: process.argv[2], trouble: (reason) => process.stdout.write(reason) });
  link.listen('channel', () => undefined);
  link.close();
`;

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

  it('lets its process end at once also where it was about to connect', async (test) => {
    const valkey = await ownValkey();
    test.after(async () => valkey.remove());
    const module = new URL('../../src/shared/link.ts', import.meta.url).href;
    const begunMs = performance.now();
    const child = spawn(process.execPath, ['--input-type=module', '-e', CLOSES, module, valkey.url], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let said = '';
    child.stdout.on('data', (bytes: Buffer) => {
      said += bytes.toString();
    });
    const [code] = await once(child, 'exit');
    assert.deepEqual([code, said], [0, '']);
    assert.ok(performance.now() - begunMs < 5000, 'it waited until the connection was found silent');
  });

  it('does not keep a gateway that cannot listen', async (test) => {
    const valkey = await ownValkey();
    const dir = mkdtempSync(join(tmpdir(), 'turnout-port-'));
    const other = createServer().listen(0, '127.0.0.1');
    test.after(async () => {
      other.close();
      rmSync(dir, { recursive: true, force: true });
      await valkey.remove();
    });
    await once(other, 'listening');
    const address = other.address();
    assert.ok(address !== null && typeof address === 'object');
    const file = join(dir, 'turnout.yaml');
    writeFileSync(
      file,
      `shared: ${valkey.url}\nproviders: {p: {dialect: openai-chat, base_url: "http://127.0.0.1:9/v1"}}`,
    );
    const words = ['serve', '--config', file, '--data', join(dir, 'data'), '--port', String(address.port)];
    const ended = await runCli(words, { cwd: dir });
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /port \d+ is taken/);
  });
});
