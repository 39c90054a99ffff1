/** `POST /v1/feedback`: what callers say of answers, how it is refused, and where it is seen again. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { asRecord, asString, type JsonRecord } from '../../src/lib/json.ts';
import { P_FINE, P_ROW, S_ROW, startRig, type Rig } from '../chaos/rig.ts';
import { ROOT_KEY } from '../harness.ts';

let rig: Rig;

before(async () => {
  rig = await startRig();
});

after(async () => {
  await rig.close();
});

interface Answer {
  readonly status: number;
  readonly body: JsonRecord;
}

async function post(path: string, body: JsonRecord | string, key: string | undefined = rig.key): Promise<Response> {
  return fetch(`${rig.gateway.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

async function feedback(body: JsonRecord | string, key?: string): Promise<Answer> {
  const response = await post('/v1/feedback', body, key);
  return { status: response.status, body: asRecord(await response.json()) ?? {} };
}

/** Asks P, or S where P fails; gives the id of the decision. */
async function asked(model = 'main'): Promise<string> {
  const response = await post('/v1/chat/completions', { model, messages: [{ role: 'user', content: 'hi' }] });
  await response.text();
  const id = response.headers.get('x-turnout-decision') ?? '';
  const attempts = response.headers.get('x-turnout-attempts');
  if (response.ok) {
    const expected =
      attempts === '1'
        ? { attempts: ['p/m answered'], rows: [P_ROW] }
        : { attempts: ['p/m refused 500', 's/m answered'], rows: [S_ROW] };
    await rig.books(id, { outcome: 'ok', ...expected });
  }
  return id;
}

async function refused(body: JsonRecord | string, expected: readonly [number, string, string?], key?: string) {
  const answer = await feedback(body, key);
  const error = asRecord(answer.body['error']);
  const shown = JSON.stringify([body, answer.body]);
  assert.deepEqual(
    [answer.status, error?.['code'], error?.['param'] ?? undefined],
    [...expected, ...(expected.length < 3 ? [undefined] : [])],
    shown,
  );
}

describe('POST /v1/feedback', () => {
  it('keeps the last word of a key on its request, and shows it with the decision', async () => {
    const id = await asked();
    for (const said of [{ good: false }, { score: 0.75, task: 'code' }]) {
      const answer = await feedback({ id, ...said });
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      const score = 'score' in said ? said.score : 0;
      const { at, ...rest } = answer.body;
      assert.deepEqual(rest, { id, score, task: said.task ?? 'chat', target: 'p/m' });
      assert.ok(Math.abs(Date.parse(asString(at) ?? '') - Date.now()) < 60_000);
      const shown = asRecord((await rig.record(id))['feedback']);
      assert.deepEqual(shown, { score, task: said.task ?? 'chat', target: 'p/m', at });
    }
  });

  it('is seen by the key itself too, without what is the operator’s to know', async () => {
    const id = await asked();
    await feedback({ id, good: true });
    const headers = { authorization: `Bearer ${rig.key}` };
    const own = asRecord(await (await fetch(`${rig.gateway.url}/v1/decisions/${id}`, { headers })).json()) ?? {};
    const { inputs, ...rest } = await rig.record(id);
    assert.equal(typeof asRecord(inputs)?.['seed'], 'number');
    assert.deepEqual(own, rest);
  });

  it('is about the target that answered in the end', async () => {
    rig.p.script([{ times: 'forever', status: 500 }]);
    try {
      assert.equal((await feedback({ id: await asked(), good: true })).body['target'], 's/m');
      await refused({ id: await asked('p/m'), good: true }, [400, 'field_invalid', 'id']);
    } finally {
      rig.p.script([P_FINE]);
    }
  });

  it('is for a key’s own requests only', async () => {
    const id = await asked();
    await refused({ id, good: true }, [404, 'record_unknown'], ROOT_KEY);
    const made = asRecord(await (await post('/admin/v1/keys', { name: 'other', region: 'eu' }, ROOT_KEY)).json());
    assert.equal(made?.['region'], 'eu');
    await refused({ id, good: true }, [404, 'record_unknown'], asString(made?.['key']));
    assert.equal((await post('/v1/feedback', { id, good: true }, 'tk_wrong')).status, 401);
  });

  it('refuses what it cannot read, by the name of the field', async () => {
    const id = await asked();
    await refused('', [400, 'body_empty']);
    await refused('[]', [400, 'body_not_object']);
    await refused(`{"id":"${id}","id":"${id}","good":true}`, [400, 'duplicate_key']);
    await refused(`{"id":"${id}","good":true,"__proto__":{}}`, [400, 'forbidden_key']);
    await refused({ good: true }, [400, 'field_missing', 'id']);
    for (const wrong of ['', 'req none', 'r'.repeat(200), 5, null, ['x'], '../x'])
      await refused({ id: wrong, good: true }, [400, 'field_invalid', 'id']);
    await refused({ id: 'req_none', good: true }, [404, 'record_unknown']);
    await refused({ id }, [400, 'field_missing', 'score']);
    for (const score of [-0.1, 1.1, '1', true, null, [1]])
      await refused({ id, score }, [400, 'field_invalid', 'score']);
    for (const good of ['yes', 1, null]) await refused({ id, good }, [400, 'field_invalid', 'good']);
    await refused({ id, good: true, score: 1 }, [400, 'field_invalid', 'good']);
    for (const task of ['cooking', 5, '', 'constructor'])
      await refused({ id, good: true, task }, [400, 'field_invalid', 'task']);
    for (const field of ['comment', 'target', 'key', 'Score'])
      await refused({ id, good: true, [field]: 'x' }, [400, 'field_invalid', field]);
    assert.equal((await rig.record(id))['feedback'], undefined);
  });
});
