/** The books that are read from outside: request records, usage by command and by API, and how they agree. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { asArray, asRecord, asString, type JsonRecord } from '../../src/lib/json.ts';
import { ROOT_KEY, runCli } from '../harness.ts';
import { P_FINE, P_ROW, startRig, type Rig } from '../chaos/rig.ts';

let rig: Rig;

before(async () => {
  rig = await startRig();
});

after(async () => {
  await rig.close();
});

const HI = { messages: [{ role: 'user', content: 'hi' }] };

async function post(body: JsonRecord | string, key = rig.key): Promise<Response> {
  return fetch(`${rig.gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

async function usageBy(...words: readonly string[]): Promise<JsonRecord> {
  const { stdout } = await runCli(['usage', '--json', '--data', join(rig.gateway.dir, 'data'), ...words], {
    cwd: rig.gateway.dir,
  });
  return asRecord(JSON.parse(stdout)) ?? {};
}

describe('the record of a request', () => {
  it('is there for every one of a known key, also where nothing was sent', async () => {
    const cases: readonly (readonly [JsonRecord | string, number, string, string])[] = [
      ['{"model":', 400, 'invalid', 'body-not-json'],
      [{ model: 'main' }, 400, 'invalid', 'field-missing'],
      [{ ...HI, model: 'nobody-serves-this' }, 404, 'not_found', 'model-unknown'],
      [{ ...HI, model: 'main', provider: { ignore: ['p', 's'] } }, 400, 'invalid', 'no-eligible'],
    ];
    for (const [body, status, outcome, code] of cases) {
      const response = await post(body);
      assert.equal(response.status, status);
      const error = asRecord(asRecord(await response.json())?.['error']);
      const id = response.headers.get('x-turnout-decision') ?? '';
      assert.equal(id, response.headers.get('x-request-id'));
      const record = await rig.record(id);
      assert.deepEqual(
        [record['outcome'], record['status'], record['fault'], record['message'], record['attempts'], record['plan']],
        [outcome, status, code, error?.['message'], [], []],
      );
    }
  });

  it('has its cost as a number, the same as in the usage rows', async () => {
    const response = await post({ ...HI, model: 'main' });
    assert.equal(response.status, 200);
    const record = await rig.books(response.headers.get('x-turnout-decision') ?? '', {
      outcome: 'ok',
      attempts: ['p/m answered'],
      rows: [P_ROW],
    });
    // 5 and 2 tokens at 1 and 2 USD a million.
    assert.equal(record['cost_nano_usd'], 9000);
    assert.equal(asRecord(asArray(record['attempts'])?.[0])?.['cost_nano_usd'], 9000);
    const rows = asArray((await usageBy('--rows'))['rows'])?.map(asRecord) ?? [];
    assert.equal(rows.find((row) => row?.['request_id'] === record['id'])?.['cost_nano_usd'], 9000);
  });
});

describe('what was in force', () => {
  interface Kept {
    readonly id: string;
    readonly release: string;
    readonly settings: string;
  }
  function kept(): readonly Kept[] {
    const database = new DatabaseSync(join(rig.gateway.dir, 'data', 'turnout.db'), { readOnly: true });
    const rows = database.prepare('select id, release, settings from snapshots order by at').all();
    database.close();
    return rows.map(({ id, release, settings }) => ({
      id: String(id),
      release: String(release),
      settings: String(settings),
    }));
  }

  it('is kept once for each snapshot, without a secret, also where the file is changed', async () => {
    const [first, ...others] = kept();
    assert.deepEqual(others, []);
    assert.equal(first?.id, asRecord(await rig.get('/readyz'))?.['snapshot']);
    assert.doesNotMatch(first?.settings ?? '', /sk-upstream/);
    assert.match(first?.settings ?? '', /"p":\{.*"api_key":\[\{"key":"\*\*\*"/);
    const file = join(rig.gateway.dir, 'turnout.yaml');
    const text = readFileSync(file, 'utf8');
    for (const changed of [`${text}\nattempts: 2\n`, text]) {
      const before = asRecord(await rig.get('/readyz'))?.['snapshot'];
      writeFileSync(file, changed);
      const deadlineMs = performance.now() + 5000;
      while (asRecord(await rig.get('/readyz'))?.['snapshot'] === before || kept().length < 2)
        assert.ok(performance.now() < deadlineMs, 'the change is not in force, or not kept');
    }
    assert.deepEqual(kept().map(({ id }) => id)[0], first?.id);
    assert.equal(kept().length, 2);
  });
});

describe('a reply without an answer', () => {
  it('names the target that was tried last', async () => {
    rig.p.script([{ times: 'forever', status: 500 }]);
    try {
      const response = await post({ ...HI, model: 'p/m' });
      assert.equal(response.status, 502);
      assert.equal(response.headers.get('x-turnout-provider'), 'p');
      assert.equal(response.headers.get('x-turnout-model'), 'm');
    } finally {
      rig.p.script([P_FINE]);
    }
  });
});

describe('usage', () => {
  it('is the same by command and by API, with rows either way, and reaches back as far in both', async () => {
    const byCommand = await usageBy('--rows');
    assert.deepEqual(Object.keys(byCommand), ['rows', 'total_nano_usd']);
    const summed = await usageBy();
    assert.deepEqual(summed['rows'], byCommand['rows']);
    assert.equal(asArray(summed['groups'])?.length, 1);
    for (const since of ['', '1h', '1d', '1795000000', '2026-01-01', '2100-01-01', '1795000000000']) {
      const byApi = asRecord(await rig.get(`/admin/v1/usage?${since === '' ? '' : `since=${since}`}`)) ?? {};
      const told = since === '' ? byCommand : await usageBy('--rows', '--since', since);
      assert.deepEqual(byApi['rows'], told['rows'], since);
      assert.equal(byApi['total_nano_usd'], told['total_nano_usd'], since);
    }
    const wrong = await fetch(`${rig.gateway.url}/admin/v1/usage?since=soon`, {
      headers: { authorization: `Bearer ${ROOT_KEY}` },
    });
    assert.equal(wrong.status, 400);
    assert.equal(asString(asRecord(asRecord(await wrong.json())?.['error'])?.['param']), 'since');
  });
});
