import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { inFolder } from '../../test/store-kit.ts';
import { asRecord, asString, parseJson, type JsonRecord } from '../lib/json.ts';
import { budgetsCommand } from './budgets.ts';
import type { CommandIo } from './io.ts';

async function run(words: readonly string[], dataDir: string): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const io: CommandIo = {
    stdout: (text) => {
      out += text;
    },
    stderr: (text) => {
      err += text;
    },
    env: { TURNOUT_DATA: dataDir },
    cwd: '/',
    isTerminal: false,
  };
  return { code: await budgetsCommand(words, io), out, err };
}

async function json(words: readonly string[], dataDir: string): Promise<JsonRecord> {
  const { code, out, err } = await run([...words, '--json'], dataDir);
  assert.equal(code, 0, err);
  return asRecord(parseJson(out)) ?? {};
}

describe('turnout budgets', () => {
  it('makes, shows, changes, switches off and deletes a budget', async () => {
    await inFolder(async (dir) => {
      const of = [
        '--scope',
        'tag',
        '--subject',
        'ci',
        '--limit-usd',
        '25',
        '--period',
        'week',
        '--time-zone',
        'Europe/Berlin',
      ];
      const made = await json(['create', ...of, '--name', 'ci'], dir);
      const id = asString(made['id']) ?? '';
      assert.match(id, /^bud_/);
      assert.deepEqual(
        [made['limit_usd'], made['period'], made['hard'], made['alerts'], made['spent_usd']],
        ['25', 'week', true, [50, 80, 100], '0'],
      );
      assert.equal((await json(['set', id, '--limit-usd', '30', '--soft'], dir))['limit_usd'], '30');
      const { out } = await run(['list'], dir);
      assert.match(out, /ci +tag ci +week +30 +0 +░{10} 0 % +soft/);
      assert.equal((await json(['disable', id], dir))['disabled'], true);
      assert.match((await run(['show', id], dir)).out, /disabled/);
      assert.equal((await json(['delete', id, '--yes'], dir))['deleted'], true);
      assert.match((await run(['list'], dir)).out, /There are no budgets/);
    });
  });

  for (const [why, words, text] of [
    ['without a limit', ['create', '--scope', 'all'], /needs a limit/],
    ['of a scope that is none', ['create', '--scope', 'galaxy', '--limit-usd', '1'], /--scope is one of all, org/],
    ['of nobody', ['create', '--scope', 'team', '--limit-usd', '1'], /say whose it is/],
    ['that is hard and soft', ['create', '--limit-usd', '1', '--soft', '--hard'], /--soft or --hard, not both/],
    ['whose period is to change', ['set', 'bud_0', '--period', 'week'], /--period does not go with "budgets set"/],
    ['that is not there', ['set', 'bud_0', '--limit-usd', '1'], /there is no budget bud_0/],
  ] as const)
    it(`says what is wrong with one ${why}`, async () => {
      await inFolder(async (dir) => {
        await run(['create', '--limit-usd', '1'], dir);
        const { code, err } = await run(words, dir);
        assert.notEqual(code, 0);
        assert.match(err, text);
      });
    });
});
