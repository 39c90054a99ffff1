/** Rounds of `kill -9` on processes that change the master key: at no moment is a secret lost. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openDesk } from '../../src/store/desk.ts';
import { inFolder, valueOf } from '../store-kit.ts';

const CHILD = join(import.meta.dirname, '..', 'secrets-child.ts');
const ROUNDS = 12;
const SECRETS = 20;
const CHANGE_MS_MAX = 60_000;

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

/** Two processes change it in turns; both are killed at a moment of chance. Gives how often they had changed it. */
async function killRound(dataDir: string): Promise<number> {
  const seen = { changes: 0 };
  const children = [0, 1].map(() => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CHILD, dataDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout.on('data', (chunk: Buffer) => {
      seen.changes += chunk.toString('latin1').split('\n').length - 1;
    });
    return child;
  });
  try {
    for (const untilMs = performance.now() + CHANGE_MS_MAX; seen.changes === 0; await delay(5)) {
      assert.ok(
        children.every((child) => child.exitCode === null),
        'a child ended by itself',
      );
      assert.ok(performance.now() < untilMs, 'no child changed anything');
    }
    await delay(Math.random() * 150);
  } finally {
    // Whatever failed: a process that works for ever would outlive its test, and hold it open.
    await Promise.all(children.map(kill));
  }
  return seen.changes;
}

describe('a master key whose change is cut off', () => {
  it('opens every secret, before and after the next change', async (t) => {
    await inFolder(async (dataDir) => {
      const expected = Array.from({ length: SECRETS }, (_, index) => `sk-${index}-0123456789`);
      const first = await openDesk({ dataDir, now: Date.now, mayCreate: true });
      const made = await first.secrets();
      for (const [index, secret] of expected.entries())
        valueOf(await made.save({ provider: 'p', name: `n${index}`, origin: 'https://a.example', secret }));
      await first.close();
      let changes = 0;
      for (let round = 0; round < ROUNDS; round++) {
        changes += await killRound(dataDir);
        const desk = await openDesk({ dataDir, now: Date.now, mayCreate: false });
        const opened = (await desk.secrets()).current().map(({ secret, problem }) => secret ?? problem);
        assert.deepEqual(new Set(opened), new Set(expected), `round ${round}`);
        assert.deepEqual(valueOf(await desk.verify()).problems, []);
        await desk.close();
      }
      t.diagnostic(`${ROUNDS} rounds, ${changes} changes`);
    });
  });
});
