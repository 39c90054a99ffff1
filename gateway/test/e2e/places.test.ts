/** Where the caller is holds for every way to ask, and the caller cannot talk itself out of it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { asArray, asRecord, asString, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { startInside, type Inside } from './inside.ts';

const MODELS = '{m: {price: {input: 1, output: 1}}}';

function provider(name: string, region: string, dialect = 'openai-chat'): string {
  return `  ${name}: {dialect: ${dialect}, base_url: "https://${name}.example/v1", api_key: k, region: ${region}, models: ${MODELS}}\n`;
}

const CONFIG = `
callers: {regions: [{range: 127.0.0.1/32, region: de}]}
providers:
${provider('frankfurt', 'eu-central-1')}${provider('virginia', 'us-east-1')}${provider('stockholm', 'eu-north-1', 'anthropic-messages')}${provider('ohio', 'us-east-2', 'anthropic-messages')}
routes:
  here: {targets: [virginia/m, frankfurt/m], require: {region: caller}}
  texts: {targets: [ohio/m, stockholm/m], rules: [{name: home, when: 'facts.region == "de"', require: {region: eu}}]}
`;

let gateway: Inside;

before(async () => {
  gateway = await startInside({
    config: CONFIG,
    answer: (call) => ({
      body: JSON.stringify({
        id: 'x',
        object: 'chat.completion',
        model: 'm',
        choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: `by ${hostOf(call)}` } }],
        usage: { prompt_tokens: 1, completion_tokens: 1 },
      }),
    }),
  });
});

after(async () => gateway.close());

function hostOf({ url }: { readonly url: string }): string {
  return /^https:\/\/(\w+)\./.exec(url)?.[1] ?? '';
}

async function who(more: JsonRecord = {}, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  const body = { model: 'here', messages: [{ role: 'user', content: 'hi' }], ...more };
  const got = await gateway.post('/v1/chat/completions', body, headers);
  const answer = asRecord(parseJson(got.text)) ?? {};
  const [choice] = asArray(answer['choices']) ?? [];
  const text = asString(asRecord(asRecord(choice)?.['message'])?.['content']);
  return text ?? asString(asRecord(answer['error'])?.['message']) ?? '';
}

describe('a caller whose address the operator knows', () => {
  it('is answered where it is', async () => assert.equal(await who(), 'by frankfurt'));

  it('is not elsewhere because it says so', async () => {
    for (const region of ['us', 'global']) {
      assert.equal(await who({}, { 'x-turnout-region': region }), 'by frankfurt');
      assert.equal(await who({ turnout: { region } }), 'by frankfurt');
    }
  });

  it('may say more exactly where it is, by header before body', async () => {
    assert.match(await who({ turnout: { region: 'europe-west3' } }), /the caller requires europe-west3/);
    const both = [{ turnout: { region: 'europe-west3' } }, { 'x-turnout-region': 'eu-central-1' }] as const;
    assert.equal(await who(...both), 'by frankfurt');
  });
});

it('holds for what is only counted or explained', async () => {
  const body = { model: 'texts', messages: [{ role: 'user', content: 'hi' }], max_tokens: 9 };
  await gateway.post('/v1/messages/count_tokens', body);
  assert.equal(hostOf(gateway.sent.at(-1) ?? { url: '' }), 'stockholm');
  const explained = asRecord(parseJson((await gateway.post('/v1/explain', body)).text)) ?? {};
  assert.equal(explained['rule'], 'home');
  assert.deepEqual(asRecord(explained['facts'])?.['caller_region'], 'de');
});
