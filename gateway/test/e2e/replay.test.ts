/** Decisions made again from their records, and another policy over logged traffic, through a real gateway and its command. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { explainCommand } from '../../src/cli/explain.ts';
import { replayCommand } from '../../src/cli/replay.ts';
import { residencyCommand } from '../../src/cli/residency.ts';
import { asArray, asNumber, asRecord, asString, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';

/** So many that the fourth of them that goes elsewhere by lot is enough to judge by. */
const EXPLORED = 720;

let upstream: Simulator;
let gateway: TestGateway;
let ids: readonly string[] = [];

function configOf(targets: string, more = ''): string {
  const row = (price: number, fields: string): string =>
    `{dialect: openai-chat, base_url: "${upstream.url}/openai/v1", api_key: "sk-upstream-0123456789", models: {m: {price: {input: ${price}, output: ${price}}}}${fields}}`;
  const providers = {
    cheap: row(1, ', region: us-east-1'),
    dear: row(10, ', region: eu-central-1, compliance: [gdpr]'),
    'kept-nowhere': row(1, ', retention_days: 0'),
  };
  const routes = [
    'routes:',
    `  explored: {targets: ${targets}, explore: 50%}`,
    '  priced: {targets: [dear/m, cheap/m], strategy: cost}',
    '  bound: {targets: [cheap/m, dear/m], require: {region: [eu], compliance: [gdpr]}}',
    '  nowhere: {targets: [cheap/m], require: {region: [eu]}}',
    `server: {region: eu-west-1}`,
  ];
  return testConfig(providers, `${routes.join('\n')}${more}`);
}

async function post(path: string, body: JsonRecord): Promise<Response> {
  return fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** Asks; gives the id of the decision. */
async function asked(model: string, more: JsonRecord = {}): Promise<string> {
  const response = await post('/v1/chat/completions', { model, messages: [{ role: 'user', content: 'hi' }], ...more });
  await response.text();
  return response.headers.get('x-turnout-decision') ?? '';
}

async function decision(id: string): Promise<JsonRecord> {
  const headers = { authorization: `Bearer ${ROOT_KEY}` };
  return asRecord(await (await fetch(`${gateway.url}/v1/decisions/${id}`, { headers })).json()) ?? {};
}

/** The command itself, in this process: a start of its own takes longer than all that it does. */
async function turnout(...words: readonly string[]): Promise<{ code: number | null; out: JsonRecord; text: string }> {
  let [stdout, stderr] = ['', ''];
  const io = {
    stdout: (text: string) => void (stdout += text),
    stderr: (text: string) => void (stderr += text),
    env: { TURNOUT_DATA: join(gateway.dir, 'data') },
    cwd: gateway.dir,
    isTerminal: false,
  };
  const code = await replayCommand(words, io);
  return { code, out: asRecord(parseJson(stdout)) ?? {}, text: `${stdout}${stderr}` };
}

function database(): DatabaseSync {
  return new DatabaseSync(join(gateway.dir, 'data', 'turnout.db'));
}

/** Until all records are in the database. */
async function stored(count: number): Promise<void> {
  const deadlineMs = performance.now() + 10_000;
  for (;;) {
    const books = database();
    const row = books.prepare('select count(*) as rows from requests').get();
    books.close();
    if (Number(row?.['rows']) >= count) return;
    assert.ok(performance.now() < deadlineMs, `${String(row?.['rows'])} of ${count} records are stored`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

before(async () => {
  upstream = await startSimulator({ outputTokens: 8 });
  gateway = await startGateway({ config: configOf('[cheap/m, dear/m]') });
  const made: string[] = [];
  for (let at = 0; at < EXPLORED; at += 8)
    made.push(...(await Promise.all(Array.from({ length: 8 }, () => asked('explored')))));
  for (const id of made) {
    const target = asString(asArray((await decision(id))['plan'])?.[0]);
    await (await post('/v1/feedback', { id, score: target === 'dear/m' ? 0.9 : 0.2 })).text();
  }
  ids = [
    await asked('priced'),
    await asked('bound'),
    await asked('dear/m'),
    await asked('m', { provider: { order: ['dear'] }, models: ['cheap/m'] }),
    await asked('explored', { turnout: { require: { region: 'eu' } } }),
    ...made.slice(0, 5),
  ];
  await asked('nowhere');
  await stored(EXPLORED + 6);
});

after(async () => {
  await gateway.stop();
  await upstream.close();
});

describe('turnout replay --id', () => {
  it('makes the same plan again to the last byte, whatever decided', async () => {
    for (const id of ids) {
      const { code, out, text } = await turnout('--id', id, '--json');
      assert.deepEqual([code, out['kind']], [0, 'same'], text);
    }
    assert.match((await turnout('--id', ids[0] ?? '')).text, /The same plan, to the last byte: cheapest of 2/);
  });

  it('says what differs where the record is another', async () => {
    const [id = ''] = ids;
    const books = database();
    const change = (from: string, to: string): void =>
      void books.prepare('update requests set body = replace(body, ?, ?) where id = ?').run(from, to, id);
    change('"plan":["cheap/m","dear/m"]', '"plan":["dear/m","cheap/m"]');
    const { code, out } = await turnout('--id', id, '--json');
    assert.deepEqual(
      [code, out['kind'], out['differences']],
      [1, 'different', [{ field: 'plan', recorded: '["dear/m","cheap/m"]', again: '["cheap/m","dear/m"]' }]],
    );
    change('"plan":["dear/m","cheap/m"]', '"plan":["cheap/m","dear/m"]');
    books.close();
  });

  it('refuses where release or catalog are others, and where there was no plan', async () => {
    const [id = ''] = ids;
    const books = database();
    const said = async (): Promise<string> => (await turnout('--id', id)).text;
    const [kept] = books.prepare('select * from snapshots').all();
    books.exec(`update snapshots set release = '0.0.9'`);
    assert.match(await said(), /release 0\.0\.9 made that plan, and this is \d/);
    books.prepare('update snapshots set release = ?, catalog = ?').run(String(kept?.['release']), 'another');
    assert.match(await said(), /the catalog was another, and is .* models now/);
    books.exec('delete from snapshots');
    assert.match(await said(), /what was in force then .* is not kept/);
    books
      .prepare('insert into snapshots values (?, ?, ?, ?, ?)')
      .run(...['id', 'at', 'release', 'catalog', 'settings'].map((name) => kept?.[name] ?? null));
    const row = books.prepare(`select id from requests where outcome = 'invalid'`).get();
    assert.match((await turnout('--id', String(row?.['id']))).text, /refused before there was a plan/);
    books.close();
    assert.equal((await turnout('--id', 'req_none')).code, 1);
    assert.equal((await turnout()).code, 2);
  });
});

describe('turnout explain --id', () => {
  async function shown(id: string): Promise<string> {
    let text = '';
    const take = (more: string): void => void (text += more);
    const env = { TURNOUT_DATA: join(gateway.dir, 'data') };
    await explainCommand(['--id', id], { stdout: take, stderr: take, env, cwd: gateway.dir, isTerminal: false });
    return text;
  }

  it('shows a logged decision, and how it went', async () => {
    const text = await shown(ids[1] ?? '');
    assert.match(text, /^model bound, route bound, strategy ordered/);
    assert.match(
      text,
      /\nthe only one that meets region eu, gdpr; cheap\/m left out: region us-east-1, required is eu\n/,
    );
    assert.match(text, /\nok \(200\) at 2\d{3}-.*\n {2}1\. dear\/m answered, [\d.]+ ms\n/);
    assert.match(await shown(ids[2] ?? ''), /\nthe only target there is\n/);
    assert.match(await shown('req_none'), /there is no request req_none/);
  });
});

describe('a decision', () => {
  it('says where it had to be answered and was, and where its record is', async () => {
    const { residency, why } = await decision(ids[1] ?? '');
    assert.deepEqual(residency, {
      required: [{ regions: ['eu'], compliance: ['gdpr'] }],
      answered: { target: 'dear/m', region: 'eu-central-1', compliance: ['gdpr'] },
      kept: { region: 'eu-west-1', turn: false },
    });
    assert.match(asString(why) ?? '', /^the only one that meets region eu, gdpr; cheap\/m left out/);
    const direct = await decision(ids[2] ?? '');
    assert.deepEqual(
      [direct['why'], direct['propensity'], direct['strategy']],
      ['the only target there is', 1, 'ordered'],
    );
  });
});

describe('turnout residency', () => {
  async function printed(...words: readonly string[]): Promise<readonly string[]> {
    let text = '';
    const take = (more: string): void => void (text += more);
    const env = { TURNOUT_DATA: join(gateway.dir, 'data') };
    const io = { stdout: take, stderr: take, env, cwd: gateway.dir, isTerminal: false };
    assert.equal(await residencyCommand([...words, '--since', '1h'], io), 0, text);
    return text.trimEnd().split('\n');
  }

  it('has a row for each request that was sent anywhere', async () => {
    const rows = (await printed('--json')).map((line) => asRecord(parseJson(line)) ?? {});
    assert.equal(rows.length, EXPLORED + 5);
    const [row, ...others] = (await printed('--json', '--route', 'bound')).map(
      (line) => asRecord(parseJson(line)) ?? {},
    );
    const { id, at, key, ...rest } = row ?? {};
    assert.deepEqual([others, id, key, typeof at], [[], ids[1], 'root', 'string']);
    assert.deepEqual(rest, {
      route: 'bound',
      outcome: 'ok',
      required_regions: ['eu'],
      required_compliance: ['gdpr'],
      required_retention_days_max: null,
      required_training: null,
      caller_region: null,
      caller_from: null,
      answered_target: 'dear/m',
      answered_region: 'eu-central-1',
      answered_compliance: ['gdpr'],
      answered_retention_days: null,
      answered_trains: null,
      kept_region: 'eu-west-1',
      kept_turn: false,
    });
    const [head, line] = await printed('--csv', '--route', 'bound');
    assert.match(head ?? '', /^id,at,key,route,outcome,required_regions,/);
    assert.match(line ?? '', /,root,bound,ok,eu,gdpr,,,,,dear\/m,eu-central-1,gdpr,,,eu-west-1,false$/);
  });
});

describe('conversations', () => {
  const isKept = async (more: JsonRecord): Promise<boolean> => {
    const response = await post('/v1/responses', { input: 'hi', ...more });
    const id = asString(asRecord(await response.json())?.['id']) ?? '';
    const { residency } = await decision(response.headers.get('x-turnout-decision') ?? '');
    const kept = await fetch(`${gateway.url}/v1/responses/${id}`, { headers: { authorization: `Bearer ${ROOT_KEY}` } });
    assert.equal(asRecord(asRecord(residency)?.['kept'])?.['turn'], kept.status === 200);
    return kept.status === 200;
  };

  it('are kept where what is required of providers lets this gateway keep them', async () => {
    assert.equal(await isKept({ model: 'dear/m' }), true);
    assert.equal(await isKept({ model: 'bound' }), true);
    assert.equal(await isKept({ model: 'dear/m', turnout: { require: { region: 'eu-central-1' } } }), false);
    assert.equal(await isKept({ model: 'kept-nowhere/m', turnout: { require: { retention_days_max: 0 } } }), false);
  });
});

describe('turnout replay --policy', () => {
  async function over(config: string, ...words: readonly string[]): Promise<JsonRecord> {
    writeFileSync(join(gateway.dir, 'new.yaml'), config);
    const { code, out, text } = await turnout('--policy', 'new.yaml', '--json', ...words);
    assert.equal(code, 0, text);
    return out;
  }

  it('tells how many requests move, from where to where, what they would cost, and how they would go', async () => {
    const out = await over(configOf('[dear/m, cheap/m]').replace('explore: 50%', 'explore: 0%'), '--route', 'explored');
    const moves = (asArray(out['moves']) ?? []).map(asRecord);
    assert.deepEqual([out['requests'], moves.length], [EXPLORED + 1, 1]);
    assert.deepEqual([moves[0]?.['from'], moves[0]?.['to']], ['cheap/m', 'dear/m']);
    const moved = asNumber(moves[0]?.['requests']) ?? 0;
    assert.equal(out['moved'], moved);
    assert.ok(moved > EXPLORED * 0.6 && moved < EXPLORED * 0.9, `${moved} of ${EXPLORED}`);
    const cost = asRecord(out['cost']);
    const [then, now] = [Number(cost?.['logged_usd']), Number(cost?.['predicted_usd'])];
    // Ten times the price for those that move, as dear as it was for the others.
    const share = moved / (EXPLORED + 1);
    assert.ok(Math.abs(now / then - 10 / (share + 10 * (1 - share))) < 0.01, `${then} to ${now}`);
    const quality = asRecord(asRecord(out['estimates'])?.['quality']);
    for (const way of ['self_normalised', 'doubly_robust']) {
      const made = asRecord(quality?.[way]);
      assert.ok(Math.abs((asNumber(made?.['value']) ?? 0) - 0.9) < 0.03, `${way}: ${JSON.stringify(made)}`);
      assert.ok((asNumber(made?.['low']) ?? 1) < 0.9 && (asNumber(made?.['high']) ?? 0) >= 0.9, JSON.stringify(made));
      assert.ok((asNumber(made?.['effective']) ?? 0) >= 50);
    }
    assert.ok((asNumber(quality?.['logged']) ?? 1) < 0.5);
  });

  it('refuses an estimate that the log cannot bear, with the number', async () => {
    const out = await over(
      configOf('[cheap/m, dear/m]').replace('strategy: cost', 'strategy: ordered'),
      '--route',
      'priced',
    );
    assert.deepEqual([out['requests'], out['moved']], [1, 1]);
    const made = asRecord(asRecord(asRecord(out['estimates'])?.['success'])?.['doubly_robust']);
    assert.match(asString(made?.['refused']) ?? '', /0 effective outcomes, and at least 50 are needed/);
  });

  it('counts what would be refused, what would be served, and facts that the log does not have', async () => {
    const rules = 'rules: [{when: \'facts.text.contains("refund")\', use: {strategy: cost}}]';
    const changed = configOf('[cheap/m, dear/m]')
      .replace('{region: [eu]}}', '{region: [us]}}')
      .replace('{targets: [dear/m, cheap/m], strategy: cost}', `{targets: [dear/m, cheap/m], ${rules}}`)
      .replace(
        'targets: [cheap/m, dear/m], explore: 50%',
        'targets: [cheap/m, dear/m], require: {compliance: [hipaa]}',
      );
    const out = await over(changed);
    assert.equal(out['gained'], 1);
    assert.deepEqual(out['refused'], [
      { reason: 'it is not certified for hipaa', requests: EXPLORED },
      // Of the request's own requirement.
      { reason: 'region us-east-1, required is eu', requests: 1 },
    ]);
    assert.deepEqual(out['missing_facts'], { text: 1 });
    const { text } = await turnout('--policy', 'new.yaml');
    assert.match(
      text,
      /requests compared \(\d+ of the log were refused before a plan, 1 of those refused then would be served\)/,
    );
    const refused = `${EXPLORED + 1} would be refused:\n  ${EXPLORED}  it is not certified for hipaa`;
    assert.ok(text.includes(refused), text);
    assert.match(text, /Rules on facts\.text were passed over for 1 requests/);
  });

  it('says what is wrong with a policy, and that nothing was logged', async () => {
    writeFileSync(join(gateway.dir, 'new.yaml'), 'routes: {x: {}}');
    const wrong = await turnout('--policy', 'new.yaml');
    assert.deepEqual([wrong.code, /needs `targets` or `tiers`/.test(wrong.text)], [1, true], wrong.text);
    writeFileSync(join(gateway.dir, 'new.yaml'), configOf('[cheap/m]'));
    assert.match((await turnout('--policy', 'new.yaml', '--since', '2100-01-01')).text, /nothing to compare/);
  });
});
