import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { inFolder, valueOf } from '../../test/store-kit.ts';
import { asArray, asRecord, asString, isRecord, parseJson, type JsonRecord } from '../lib/json.ts';
import { openDesk, type Desk } from '../store/desk.ts';
import { storePlace } from '../store/place.ts';
import { inviteCommand } from './invite.ts';
import type { CommandIo } from './io.ts';
import { orgsCommand, teamsCommand, usersCommand } from './people.ts';
import { setupCommand } from './setup.ts';

type Command = (args: readonly string[], io: CommandIo) => Promise<number>;

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(command: Command, words: string, dataDir: string, over: Partial<CommandIo> = {}): Promise<Ran> {
  let out = '';
  let err = '';
  const io: CommandIo = {
    stdout: (text) => {
      out += text;
    },
    stderr: (text) => {
      err += text;
    },
    env: { TURNOUT_DATA: dataDir, TURNOUT_URL: 'https://llm.example.org' },
    cwd: '/',
    isTerminal: false,
    confirm: async () => true,
    ...over,
  };
  return { code: await command(words.split(' '), io), out, err };
}

async function json(command: Command, words: string, dataDir: string): Promise<JsonRecord> {
  const { code, out, err } = await run(command, `${words} --json`, dataDir);
  assert.equal(code, 0, err);
  return asRecord(parseJson(out)) ?? {};
}

async function rows(command: Command, words: string, dataDir: string): Promise<readonly JsonRecord[]> {
  return (asArray((await json(command, words, dataDir))['data']) ?? []).filter(isRecord);
}

async function atDesk<T>(dataDir: string, work: (desk: Desk) => Promise<T>): Promise<T> {
  const desk = await openDesk({ dataDir, ...storePlace({}), now: Date.now, mayCreate: true });
  try {
    return await work(desk);
  } finally {
    await desk.close();
  }
}

async function withData(work: (dataDir: string) => Promise<void>): Promise<void> {
  await inFolder(async (dataDir) => {
    await atDesk(dataDir, async () => undefined);
    await work(dataDir);
  });
}

describe('turnout orgs, teams and users', () => {
  it('add, list, change, disable and remove', async () => {
    await withData(async (dataDir) => {
      const org = asString((await json(orgsCommand, 'add --name Acme', dataDir))['id']) ?? '';
      const team = asString((await json(teamsCommand, `add --name Tools --org ${org}`, dataDir))['id']) ?? '';
      const added = await json(usersCommand, `add --email Ann@Example.org --org ${org} --teams ${team}`, dataDir);
      const { id = '' } = added;
      assert.deepEqual([added['email'], added['role'], added['team_ids']], ['ann@example.org', 'developer', [team]]);
      assert.deepEqual(
        (await rows(orgsCommand, 'list', dataDir)).map((row) => row['id']),
        ['default', org],
      );
      assert.deepEqual(await rows(teamsCommand, 'list --org default', dataDir), []);
      const changed = await json(usersCommand, `set ${String(id)} --role viewer --name Ann`, dataDir);
      assert.deepEqual([changed['role'], changed['name']], ['viewer', 'Ann']);
      assert.equal((await json(usersCommand, `disable ${String(id)}`, dataDir))['disabled'], true);
      assert.match((await run(usersCommand, 'list', dataDir)).out, /Ann +disabled +ann@example.org +viewer/);
      assert.equal((await run(usersCommand, `remove ${String(id)}`, dataDir, { confirm: async () => false })).code, 1);
      assert.equal((await rows(usersCommand, 'list', dataDir)).length, 1);
      assert.equal((await run(usersCommand, `remove ${String(id)}`, dataDir)).out, 'Removed. Its receipts stay.\n');
      assert.deepEqual(await rows(usersCommand, 'list', dataDir), []);
      const audit = await atDesk(dataDir, async ({ people }) => people.users());
      assert.deepEqual(audit, []);
    });
  });

  it('say what is wrong, and change nothing', async () => {
    await withData(async (dataDir) => {
      const owner = asString((await json(usersCommand, 'add --email o@example.org --role owner', dataDir))['id']) ?? '';
      for (const [command, words, code, text] of [
        [usersCommand, 'add --email none', 2, /not an e-mail address/],
        [usersCommand, 'add --email o@example.org', 1, /already a user/],
        [usersCommand, 'add --email p@example.org --role king', 2, /one of owner, admin/],
        [usersCommand, `set ${owner} --role viewer`, 1, /last owner/],
        [usersCommand, `remove ${owner}`, 1, /last owner/],
        [usersCommand, 'set user_none --name X', 1, /no user user_none/],
        [teamsCommand, 'add --name T --org org_none', 1, /no such organisation/],
        [orgsCommand, 'remove default', 1, /cannot be disabled or removed/],
        [orgsCommand, 'add', 2, /--name is needed/],
        [orgsCommand, 'burn', 2, /there is no command "orgs burn"/],
      ] as const) {
        const ran = await run(command, words, dataDir);
        assert.equal(ran.code, code, words);
        assert.match(ran.err, text);
      }
      assert.equal((await rows(usersCommand, 'list', dataDir)).length, 1);
    });
  });
});

describe('turnout setup and turnout invite', () => {
  it('print links to where turnout.yaml says that people reach the gateway', async () => {
    await withData(async (dataDir) => {
      const linkOf = async (text: string): Promise<string> => {
        writeFileSync(join(dataDir, 'turnout.yaml'), text);
        const { out, err } = await run(setupCommand, '--json', dataDir, {
          cwd: dataDir,
          env: { TURNOUT_DATA: dataDir },
        });
        return asString(asRecord(parseJson(out))?.['url'])?.replace(/\?.*/, '') ?? err;
      };
      assert.equal(await linkOf(''), 'http://127.0.0.1:8787/setup');
      assert.equal(await linkOf('server: { port: 9000 }'), 'http://127.0.0.1:9000/setup');
      assert.equal(
        await linkOf('{ server: { port: 9000 }, people: { url: https://llm.example.org } }'),
        'https://llm.example.org/setup',
      );
      assert.match(await linkOf('server: { prot: 9000 }'), /server\.prot.*name it: --url URL/s);
    });
  });

  it('print links that a gateway on the same data takes', async () => {
    await withData(async (dataDir) => {
      const setup = new URL((await run(setupCommand, '--url https://other.example.org/x', dataDir)).out.trim());
      assert.equal(`${setup.origin}${setup.pathname}`, 'https://other.example.org/setup');
      const invited = await json(
        inviteCommand,
        'invite --role admin --email A@b.example --expires 2h'.slice(7),
        dataDir,
      );
      const link = new URL(asString(invited['url']) ?? '');
      assert.equal(`${link.origin}${link.pathname}`, 'https://llm.example.org/invite');
      const leftMs = Date.parse(asString(invited['expires_at']) ?? '') - Date.now();
      assert.ok(leftMs > 7_000_000 && leftMs <= 7_200_000);
      await atDesk(dataDir, async ({ people }) => {
        const token = link.searchParams.get('token') ?? '';
        const invite = valueOf(await people.invitation(token));
        assert.deepEqual([invite?.kind, invite?.role, invite?.email], ['invite', 'admin', 'a@b.example']);
        const first = { name: 'O', email: 'o@b.example', password: '$argon2id$x' };
        valueOf(await people.accept(setup.searchParams.get('token') ?? '', first));
      });
      assert.match((await run(setupCommand, '--json', dataDir)).err, /has its first owner/);
      const renewed = await json(inviteCommand, '--password o@b.example', dataDir);
      assert.match(asString(renewed['url']) ?? '', /^https:\/\/llm\.example\.org\/password\?token=[\w-]{43}$/);
      for (const words of [
        '--password nobody',
        '--role king',
        '--expires soon',
        '--expires 0s',
        '--email x',
        'stray',
        '--team team_none',
      ])
        assert.notEqual((await run(inviteCommand, words, dataDir)).code, 0, words);
    });
  });
});
