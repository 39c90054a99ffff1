/** A route decides through a whole gateway: by price, by what was learned, by rules, by what is required; and says why. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { asArray, asRecord, asString, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { startInside, type Inside } from './inside.ts';

const MODELS = `{m: {price: {input: PRICE, output: PRICE, cache_read: 0.01}, quality: {general: QUALITY}, limits: {context: 200000}}}`;

function provider(name: string, price: number, more = '', quality = 0.5): string {
  const models = MODELS.replaceAll('PRICE', String(price)).replace('QUALITY', String(quality));
  return `  ${name}: {dialect: openai-chat, base_url: "https://${name}.example/v1", api_key: k, models: ${models}${more}}\n`;
}

const CONFIG = `
server: {region: eu-central-1}
providers:
${provider('cheap', 1, ', region: us-east-1', 0.4)}${provider('middle', 3, ', region: eu-central-1, compliance: [gdpr], retention_days: 0, trains: false', 0.6)}${provider('dear', 9, ', region: eu-west-1, compliance: [gdpr, hipaa], retention_days: 30, trains: false', 0.9)}
  gold: {dialect: openai-chat, base_url: "https://gold.example/v1", api_key: k, models: {m: {price: {input: 18, output: 18}}, unpriced: {}}}
routes:
  cost: {targets: [dear/m, middle/m, cheap/m], strategy: cost}
  floor: {targets: [dear/m, middle/m, cheap/m], strategy: cost, require: {quality: {min: 0.55}}}
  best: {targets: [cheap/m, middle/m, dear/m], strategy: quality}
  europe: {targets: [cheap/m, middle/m, dear/m], require: {region: eu}}
  here: {targets: [cheap/m, middle/m], require: {region: caller}}
  turns: {targets: [cheap/m, middle/m, dear/m], strategy: round-robin}
  talk: {targets: [middle/m, {target: dear/m, weight: 1}], strategy: round-robin, sticky: conversation}
  outer: {targets: [europe, cheap/m], strategy: cost}
  ruled:
    targets: [cheap/m]
    rules:
      - {name: tools, when: "facts.tools", use: {targets: [dear/m]}}
      - {name: vip, when: '"vip" in facts.tags', use: {targets: [middle/m, cheap/m], strategy: quality}}
      - {name: long, when: "facts.input_tokens > 20000", refuse: "Use the route \`cost\` for long texts."}
  guarded: {targets: [cheap/m, gold/m, middle/m], fallback: {price_factor_max: 5}}
  chosen: {targets: [{select: {quality: {min: 0.55}, price: {output_max: 5}}}]}
`;

let gateway: Inside;
/** What the providers say they read from their caches. */
let cached = 0;
const down = new Set<string>();

before(async () => {
  gateway = await startInside({
    config: CONFIG,
    answer: (call) => {
      const name = /^https:\/\/(\w+)\./.exec(call.url)?.[1] ?? '';
      if (down.has(name)) return { status: 500, body: '{"error":{"message":"down"}}' };
      return {
        body: JSON.stringify({
          id: 'x',
          object: 'chat.completion',
          model: name,
          choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: `by ${name}` } }],
          usage: { prompt_tokens: 5000, completion_tokens: 10, prompt_tokens_details: { cached_tokens: cached } },
        }),
      };
    },
  });
});

after(async () => gateway.close());

async function ask(
  model: string,
  more: JsonRecord = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<JsonRecord> {
  const body = { model, messages: [{ role: 'user', content: 'hi' }], ...more };
  const got = await gateway.post('/v1/chat/completions', body, headers);
  return asRecord(parseJson(got.text)) ?? {};
}

/** Who has answered, or what was said instead. */
async function who(...asked: Parameters<typeof ask>): Promise<string> {
  const answer = await ask(...asked);
  const [choice] = asArray(answer['choices']) ?? [];
  const text = asString(asRecord(asRecord(choice)?.['message'])?.['content']);
  return text ?? asString(asRecord(answer['error'])?.['message']) ?? '';
}

describe('a route', () => {
  it('takes the cheapest, the cheapest above a floor, or the best', async () => {
    assert.deepEqual([await who('cost'), await who('floor'), await who('best')], ['by cheap', 'by middle', 'by dear']);
  });

  it('keeps to regions, the caller’s own too, and to nobody where that is not known', async () => {
    assert.equal(await who('europe'), 'by middle');
    assert.match(await who('here'), /caller’s region, and that is not known/);
    assert.equal(await who('here', {}, { 'x-turnout-region': 'de' }), 'by middle');
    assert.equal(await who('here', { turnout: { region: 'us' } }), 'by cheap');
    assert.match(await who('here', { turnout: { region: 'jp' } }), /region us-east-1, the caller requires jp/);
  });

  it('keeps what a route inside it requires', async () => {
    assert.equal(await who('outer'), 'by cheap');
    down.add('cheap');
    try {
      assert.equal(await who('outer'), 'by middle');
    } finally {
      down.clear();
    }
  });

  it('takes turns', async () => {
    const heard = new Set([await who('turns'), await who('turns'), await who('turns')]);
    assert.equal(heard.size, 3);
  });

  it('follows the first rule that holds, and refuses in its words', async () => {
    const tool = { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } };
    assert.equal(await who('ruled'), 'by cheap');
    assert.equal(await who('ruled', { tools: [tool] }), 'by dear');
    assert.equal(await who('ruled', { turnout: { tags: ['vip'] } }), 'by middle');
    const long = { messages: [{ role: 'user', content: 'word '.repeat(30_000) }] };
    assert.match(await who('ruled', long), /refuses this request \(long\): Use the route `cost`/);
  });

  it('finds its targets in the catalog', async () => {
    assert.equal(await who('chosen'), 'by middle');
  });

  it('keeps a conversation where its cache is, and lets another one take its turn', async () => {
    const first = { role: 'user', content: 'Tell me of turnouts.' };
    const turn = [
      first,
      { role: 'assistant', content: 'They divide.' },
      { role: 'user', content: `And? ${'x'.repeat(8000)}` },
    ];
    cached = 4800;
    try {
      const begun = await who('talk', { messages: [first] });
      for (let round = 0; round < 4; round += 1) assert.equal(await who('talk', { messages: turn }), begun);
      const others = new Set<string>();
      for (const name of ['a', 'b', 'c', 'd']) others.add(await who('talk', { session_id: name }));
      assert.equal(others.size, 2);
    } finally {
      cached = 0;
    }
  });

  it('does what the request prefers and demands beside', async () => {
    assert.equal(await who('cost', { turnout: { require: { compliance: ['hipaa'] } } }), 'by dear');
    assert.equal(await who('cost', { provider: { zdr: true } }), 'by middle');
    assert.equal(await who('cost', { provider: { data_collection: 'deny' } }), 'by middle');
    assert.equal(await who('best', { provider: { sort: 'price' } }), 'by cheap');
    assert.equal(await who('best', { provider: { order: ['middle'] } }), 'by middle');
    assert.equal(await who('m:floor'), 'by cheap');
    assert.match(await who('m:nitro'), /^by /);
  });
});

describe('money', () => {
  it('lets no fallback cost a multiple that nobody agreed to, and the record says so (F65)', async () => {
    down.add('cheap');
    try {
      assert.equal(await who('guarded'), 'by middle');
      down.add('middle');
      const got = await gateway.post('/v1/chat/completions', {
        model: 'guarded',
        messages: [{ role: 'user', content: 'hi' }],
      });
      assert.equal(got.status, 502);
      const record = asRecord(parseJson((await gateway.get(`/v1/decisions/${got.decision}`)).text)) ?? {};
      const left = asArray(record['candidates'])
        ?.map(asRecord)
        .find((one) => one?.['target'] === 'gold/m');
      assert.deepEqual([left?.['eligible'], left?.['reason']], [false, 'it costs more than 5 times the first choice']);
      const tried = asArray(record['attempts'])?.map((one) => asRecord(one)?.['target']);
      assert.ok(
        tried?.every((target) => target === 'cheap/m' || target === 'middle/m'),
        String(tried),
      );
    } finally {
      down.clear();
    }
  });

  it('is not spent by a budget on what has no price, and told as unpriced where there is none (F64)', async () => {
    const made = await gateway.post('/admin/v1/keys', { name: 'poor', budget_usd: '1' });
    const { key } = asRecord(parseJson(made.text)) ?? {};
    const headers = { authorization: `Bearer ${asString(key) ?? ''}` };
    const got = await gateway.post(
      '/v1/chat/completions',
      { model: 'gold/unpriced', messages: [{ role: 'user', content: 'hi' }] },
      headers,
    );
    assert.equal(got.status, 400);
    assert.match(got.text, /price_unknown/);
    assert.equal(await who('gold/unpriced'), 'by gold');
  });
});

it('explains itself before anything is sent', async () => {
  const sent = gateway.sent.length;
  const got = await gateway.post('/v1/explain', { model: 'floor', messages: [{ role: 'user', content: 'hi' }] });
  const explained = asRecord(parseJson(got.text)) ?? {};
  assert.deepEqual(
    asArray(explained['plan'])?.map((step) => asRecord(step)?.['target']),
    ['middle/m', 'dear/m'],
  );
  const left = asArray(explained['candidates'])
    ?.map(asRecord)
    .find((one) => one?.['target'] === 'cheap/m');
  assert.equal(left?.['reason'], 'quality at chat 0.4, at least 0.55 is required');
  assert.equal(gateway.sent.length, sent);
});
