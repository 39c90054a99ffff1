/** Alerts as people see them: by the admin API and by `turnout alerts`, on every store. */
import { after, before, describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { admin } from '../../src/admin/admin.ts';
import { cursorsWith } from '../../src/admin/cursors.ts';
import type { AdminWorld } from '../../src/admin/world.ts';
import { alertsCommand } from '../../src/cli/alerts.ts';
import { configSchema } from '../../src/config/schema.ts';
import { asArray, asRecord, asString, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import type { Principal } from '../../src/people/permissions.ts';
import type { Store } from '../../src/store/ports.ts';
import { openStore } from '../../src/store/store.ts';
import { valueOf } from '../store-kit.ts';
import { STORES, type MadePlace } from '../stores.ts';

const AT = Date.parse('2026-11-20T08:00:00Z');

const ROOT: Principal = { kind: 'root', id: 'root', role: 'owner' };

interface Got {
  readonly status: number;
  readonly body: JsonRecord;
  readonly etag: string | undefined;
}

for (const kind of STORES)
  describe(`alerts: ${kind.name}`, { skip: kind.skip }, () => {
    let made: MadePlace;
    let store: Store;
    let world: AdminWorld;
    let north: Principal;
    let south: Principal;

    before(async () => {
      made = await kind.make();
      store = await openStore({ ...made.place, now: () => AT });
      world = {
        store,
        snapshot: () => assert.fail('no alert looks at the snapshot'),
        config: () => configSchema.parse({ providers: {} }),
        configProblem: () => undefined,
        health: () => [],
        cursors: cursorsWith(Buffer.alloc(32)),
        now: () => AT,
      };
      [north, south] = [await adminOf('north'), await adminOf('south')];
      const put = async (orgId: string | undefined, alertKind: string, count: number): Promise<void> => {
        for (let index = 0; index < count; index++)
          valueOf(
            await store.reports(async (books) =>
              books.putAlert({ kind: alertKind, subject: `${orgId} ${index}`, orgId, atMs: AT, body: { index } }),
            ),
          );
      };
      await put(north.orgId, 'budget', 5);
      await put(south.orgId, 'budget', 2);
      await put(undefined, 'price-unknown', 3);
      await put(north.orgId, 'credits-low', 1);
    });
    after(async () => {
      await store.close();
      await made.remove();
    });

    const adminOf = async (name: string): Promise<Principal> => {
      const org = valueOf(await store.people.createOrg({ name }, 'root'));
      return { kind: 'user', id: `user_${name}`, orgId: org.id, role: 'admin' };
    };
    const ask = async (principal: Principal, method: string, path: string): Promise<Got> => {
      const url = new URL(path, 'http://localhost/');
      const asked = { method, path: url.pathname.slice(1), query: url.searchParams, headers: {} };
      const body = method === 'GET' ? undefined : { note: 'seen' };
      const answer = await admin({ ...asked, body, principal }, world);
      if ('fault' in answer) return { status: 0, body: { code: answer.fault.code }, etag: undefined };
      return { status: answer.status, body: answer.body ?? {}, etag: answer.headers['etag'] };
    };
    const subjects = async (principal: Principal, query: string): Promise<readonly unknown[]> =>
      (asArray((await ask(principal, 'GET', `alerts?${query}`)).body['data']) ?? []).map(
        (row) => asRecord(row)?.['subject'],
      );
    const idOf = async (subject: string): Promise<string> => {
      const { body } = await ask(ROOT, 'GET', 'alerts?limit=200');
      const row = (asArray(body['data']) ?? []).map(asRecord).find((one) => one?.['subject'] === subject);
      return asString(row?.['id']) ?? assert.fail(subject);
    };

    it('lists them newest first, a page at a time', async () => {
      const seen: unknown[] = [];
      let more = '';
      do {
        const { body } = await ask(ROOT, 'GET', `alerts?limit=4${more}`);
        seen.push(...(asArray(body['data']) ?? []).map((row) => asRecord(row)?.['subject']));
        const next = asString(body['next']);
        assert.equal(body['has_more'], next !== undefined);
        more = next === undefined ? '' : `&cursor=${encodeURIComponent(next)}`;
      } while (more !== '');
      const of = (org: unknown, count: number) =>
        Array.from({ length: count }, (_, index) => `${String(org)} ${index}`);
      const put = [...of(north.orgId, 5), ...of(south.orgId, 2), ...of(undefined, 3), ...of(north.orgId, 1)];
      assert.deepEqual(seen, put.toReversed());
    });

    it('shows everyone those of their own organisation, and those of the gateway to who runs it', async () => {
      assert.deepEqual(await subjects(south, ''), [`${south.orgId} 1`, `${south.orgId} 0`]);
      assert.equal((await subjects(north, '')).length, 6);
      assert.deepEqual(await subjects(north, 'kind=credits-low'), [`${north.orgId} 0`]);
      assert.deepEqual(await subjects(north, 'kind=price-unknown'), []);
      assert.equal((await subjects(ROOT, `org=${south.orgId}`)).length, 2);
      assert.equal((await ask(north, 'GET', `alerts?org=${south.orgId}`)).body['code'], 'field-invalid');
      const other = await idOf(`${south.orgId} 0`);
      assert.equal((await ask(south, 'GET', `alerts/${other}`)).status, 200);
      for (const [method, path] of [
        ['GET', `alerts/${other}`],
        ['POST', `alerts/${other}/acknowledge`],
        ['GET', 'alerts/0'],
        ['GET', 'alerts/9e9'],
      ] as const)
        assert.equal((await ask(north, method, path)).body['code'], 'record-unknown', path);
      const gateway = await idOf('undefined 0');
      assert.equal((await ask(north, 'GET', `alerts/${gateway}`)).body['code'], 'record-unknown');
    });

    it('are acknowledged once, by who may, and that is in the audit log', async () => {
      const id = await idOf(`${north.orgId} 3`);
      assert.equal(
        (await ask({ ...north, role: 'developer' }, 'POST', `alerts/${id}/acknowledge`)).body['code'],
        'not-permitted',
      );
      const before = await ask(north, 'GET', `alerts/${id}`);
      assert.equal(before.body['state'], 'open');
      const acked = await ask(north, 'POST', `alerts/${id}/acknowledge`);
      assert.deepEqual(
        [acked.status, acked.body['state'], acked.body['acked_by'], acked.body['acked_at']],
        [200, 'acknowledged', 'user_north', '2026-11-20T08:00:00.000Z'],
      );
      assert.notEqual(acked.etag, before.etag);
      assert.deepEqual(await ask(ROOT, 'POST', `alerts/${id}/acknowledge`), acked, 'again, by another');
      assert.equal((await subjects(north, 'state=open')).length, 5);
      assert.deepEqual(await subjects(north, 'state=acknowledged'), [`${north.orgId} 3`]);
      assert.deepEqual(await subjects(ROOT, 'state=acknowledged&kind=budget'), [`${north.orgId} 3`]);
      const { entries } = valueOf(await store.audit({ limitMax: 9, action: 'alert.acknowledged' }));
      assert.deepEqual(
        entries.map(({ by, subject, changes }) => [by, subject, changes['kind'], changes['note']]),
        [['user_north', id, 'budget', 'seen']],
      );
    });

    it('are listed and acknowledged by a command', async () => {
      const { dataDir, url } = made.place;
      let out = '';
      const io = {
        stdout: (text: string) => void (out += text),
        stderr: (text: string) => void (out += text),
        env: { TURNOUT_DATA: dataDir, ...(url === undefined ? {} : { TURNOUT_STORE: url }) },
        cwd: dataDir,
        isTerminal: false,
      };
      const run = async (...words: readonly string[]): Promise<{ readonly code: number; readonly out: string }> => {
        out = '';
        return { code: await alertsCommand(words, io), out };
      };
      const id = await idOf('undefined 2');
      const listed = await run('list', '--kind', 'price-unknown', '--limit', '1');
      assert.match(
        listed.out,
        new RegExp(
          `^ID .*\n${id} +2026-11-20T08:00:00.000Z +price-unknown +undefined 2 +\\{"index":2\\}\nthere are more: --before ${id}\n$`,
        ),
      );
      assert.match((await run('ack', id)).out, new RegExp(`^${id} price-unknown undefined 2: acknowledged by cli\n$`));
      const rest = asRecord(parseJson((await run('list', '--kind', 'price-unknown', '--json')).out));
      assert.deepEqual(
        (asArray(rest?.['alerts']) ?? []).map((row) => asRecord(row)?.['subject']),
        ['undefined 1', 'undefined 0'],
      );
      assert.match((await run('list', '--state', 'acknowledged', '--org', String(north.orgId))).out, /north|org_/);
      assert.match((await run('list', '--kind', 'nothing')).out, /^there are none\n$/);
      for (const wrong of [
        [],
        ['read'],
        ['ack'],
        ['ack', 'x'],
        ['list', 'x'],
        ['list', '--state', 'new'],
        ['list', '--limit', '0'],
      ])
        assert.equal((await run(...wrong)).code, 2, wrong.join(' '));
      assert.deepEqual(await run('ack', '999999'), { code: 1, out: 'turnout: there is no alert 999999\n' });
    });
  });
