import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { inFolder, spendOnce, valueOf } from '../../test/store-kit.ts';
import { asArray, asRecord, asString, isRecord, parseJson, type JsonRecord } from '../lib/json.ts';
import { openStore } from '../store/store.ts';
import type { CommandIo } from './io.ts';
import { keysCommand } from './keys.ts';
import { ledgerCommand } from './ledger.ts';
import { usageCommand } from './usage.ts';

type Command = (args: readonly string[], io: CommandIo) => Promise<number>;

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command on a data folder, named by the environment. */
async function run(command: Command, words: readonly string[], dataDir: string, confirm?: boolean): Promise<Ran> {
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
    ...(confirm === undefined ? {} : { confirm: async () => confirm }),
  };
  return { code: await command(words, io), out, err };
}

async function json(command: Command, words: readonly string[], dataDir: string): Promise<JsonRecord> {
  const { code, out, err } = await run(command, [...words, '--json'], dataDir);
  assert.equal(code, 0, err);
  return asRecord(parseJson(out)) ?? {};
}

async function listed(dataDir: string): Promise<readonly JsonRecord[]> {
  return (asArray((await json(keysCommand, ['list'], dataDir))['keys']) ?? []).filter(isRecord);
}

describe('turnout keys', () => {
  it('makes a key that a gateway on the same folder knows, and shows it once', async () => {
    await inFolder(async (dir) => {
      const words = [
        'create',
        '--name',
        'team a',
        '--budget-usd',
        '12.5',
        '--models',
        'openai/*, gpt-5',
        '--expires',
        '2100-01-01',
        '--tags',
        'x,y',
      ];
      const made = await json(keysCommand, words, dir);
      assert.deepEqual(Object.keys(made), ['id', 'key']);
      const store = await openStore({ dataDir: dir, now: Date.now });
      const row = valueOf(store.keys.find(asString(made['key']) ?? ''));
      assert.equal(row.id, made['id']);
      assert.deepEqual(row.budgetNanoUsd, 12_500_000_000n);
      assert.deepEqual(row.allowedModels, ['openai/*', 'gpt-5']);
      assert.equal(row.expiresAtMs, Date.parse('2100-01-01'));
      await store.close();
      const text = JSON.stringify(await listed(dir)) + (await run(keysCommand, ['list'], dir)).out;
      assert.ok(!text.includes(asString(made['key']) ?? 'tk_'));
      assert.match(text, /team a +active +0 +12\.5 +openai\/\*,gpt-5/);
    });
  });

  it('disables, enables, changes and deletes', async () => {
    await inFolder(async (dir) => {
      const id = asString((await json(keysCommand, ['create', '--name', 'a', '--budget-usd', '1'], dir))['id']) ?? '';
      assert.equal((await json(keysCommand, ['disable', id], dir))['disabled'], true);
      assert.equal((await json(keysCommand, ['enable', id], dir))['disabled'], false);
      const changed = await json(
        keysCommand,
        ['set', id, '--name', 'b', '--budget-usd', 'none', '--models', 'all', '--expires', 'never'],
        dir,
      );
      assert.deepEqual(
        [changed['name'], changed['budget_usd'], changed['models'], changed['expires_at']],
        ['b', null, null, null],
      );
      assert.equal(
        (await json(keysCommand, ['set', id, '--budget-usd', '0.000000001'], dir))['budget_usd'],
        '0.000000001',
      );
      for (const region of ['eu-west-1', 'none'])
        assert.equal(
          (await json(keysCommand, ['set', id, '--region', region], dir))['region'],
          region === 'none' ? null : region,
        );
      assert.equal((await run(keysCommand, ['delete', id], dir, false)).code, 1);
      assert.equal((await listed(dir)).length, 1, 'a person said no');
      assert.equal((await run(keysCommand, ['delete', id], dir, true)).code, 0);
      assert.deepEqual(await listed(dir), []);
      assert.equal((await run(keysCommand, ['delete', id], dir)).code, 1);
    });
  });

  it('says what is wrong with the words, and changes nothing', async () => {
    await inFolder(async (dir) => {
      const bad: readonly (readonly string[])[] = [
        [],
        ['constructor'],
        ['create'],
        ['create', '--name', 'a', '--budget-usd', '1e3'],
        ['create', '--name', 'a', '--budget-usd=-1'],
        ['create', '--name', 'a', '--expires', 'soon'],
        ['create', '--name', 'a', '--region', 'the moon'],
        ['create', '--name', 'a', '--colour', 'red'],
        ['disable'],
      ];
      for (const words of bad) {
        const { code, err, out } = await run(keysCommand, words, join(dir, 'new'));
        assert.notEqual(code, 0, words.join(' '));
        assert.match(err, /^turnout: /);
        assert.equal(out, '');
      }
      assert.match((await run(keysCommand, ['list'], join(dir, 'nowhere'))).err, /no Turnout data/);
      assert.equal((await run(keysCommand, ['--help'], dir)).code, 0);
    });
  });

  it('refuses a name that a terminal obeys, and shows one that was taken before inert', async () => {
    await inFolder(async (dir) => {
      const name = 'a\u001B[31mred\u0007\u202E';
      const refused = await run(keysCommand, ['create', '--name', name], dir);
      assert.match(refused.err, /1 to 200 visible characters/);
      assert.equal((await run(keysCommand, ['create', '--name', 'a'], dir)).code, 0);
      const database = new DatabaseSync(join(dir, 'turnout.db'));
      database.prepare('update keys set name = ?').run(name);
      database.close();
      const { out } = await run(keysCommand, ['list'], dir);
      for (const bad of ['\u001B', '\u0007', '\u202E']) assert.ok(!(out + refused.err).includes(bad));
      assert.match(out, /a.\[31mred/);
    });
  });
});

describe('turnout usage and turnout ledger verify', () => {
  it('count what a running gateway has just answered, and leave it alone', async () => {
    await inFolder(async (dir) => {
      const store = await openStore({ dataDir: dir, now: Date.now });
      const { row } = valueOf(await store.keys.create({ name: 'team', budgetNanoUsd: 10n ** 18n - 1n }));
      const big = 9_007_199_254_740_993n;
      assert.equal(await spendOnce(store.ledger, row, { attemptId: 'att_1', worst: big, cost: big }), undefined);
      const { out } = await run(usageCommand, ['--json', '--rows'], dir);
      assert.match(out, new RegExp(`"total_nano_usd":${big}}`));
      assert.equal(
        out,
        `{"rows":[{"id":"att_1","request_id":"req_of_att_1","key":"${row.id}","model":"gpt-5-mini","provider":"openai",` +
          `"target":"openai/gpt-5-mini","outcome":"answered","estimated":false,"input_tokens":100,"cached_input_tokens":null,` +
          `"cache_write_tokens":null,"output_tokens":20,"reasoning_tokens":null,"cost_nano_usd":${big},"at":"2026-11-18T11:06:40.000Z",` +
          `"charge_nano_usd":${big},"org":null,"team":null,"user":null,"end_user":null,"route":null,"conversation":null,"experiment":null,"tags":[]}],` +
          `"total_nano_usd":${big}}\n`,
      );
      assert.match((await run(usageCommand, [], dir)).out, /team +openai +gpt-5-mini +1 +100 +20 +9007199\.254740993/);
      assert.match(
        (await run(usageCommand, ['--rows'], dir)).out,
        /2026-11-18T11:06:40\.000Z +team +openai\/gpt-5-mini +answered +100 +20/,
      );
      assert.equal((await listed(dir))[0]?.['spent_nano_usd'], Number(big));
      const verified = await run(ledgerCommand, ['verify', '--json'], dir);
      assert.equal(verified.out, `{"ok":true,"receipts":1,"spent_nano_usd":${big},"problems":[]}\n`);
      assert.equal(verified.code, 0);
      await store.close();
      assert.equal((await run(usageCommand, ['--json', '--rows'], dir)).out, out);
      assert.equal((await run(ledgerCommand, ['verify', '--json'], dir)).out, verified.out);
    });
  });

  it('look back as far as they are told', async () => {
    await inFolder(async (dir) => {
      const store = await openStore({ dataDir: dir, now: Date.now });
      const { row } = valueOf(await store.keys.create({ name: 'team' }));
      await spendOnce(store.ledger, row, { attemptId: 'att_1', worst: 5n, cost: 5n });
      await store.close();
      const total = async (since: string): Promise<unknown> =>
        (await json(usageCommand, ['--since', since], dir))['total_nano_usd'];
      for (const since of ['2026-11-18', '2026-11-18T11:06:40Z', '1795000000', '1795000000000', '365000d'])
        assert.equal(await total(since), 5, since);
      for (const since of ['2026-11-18T11:06:41Z', '1795000001', '1795000000001', '2100-01-01'])
        assert.equal(await total(since), 0, since);
      assert.equal((await run(usageCommand, ['--since', 'yesterday-ish'], dir)).code, 2);
      assert.equal((await run(usageCommand, ['now'], dir)).code, 2);
      assert.equal((await run(ledgerCommand, ['check'], dir)).code, 2);
    });
  });
});
