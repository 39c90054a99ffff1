/** Tokens are counted by the provider, asked in its own words, whichever protocol its caller speaks. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asRecord, asString, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { bodyOf, startInside, type Inside, type Said } from './inside.ts';

const HI = [{ role: 'user', content: 'hi' }];
const TOOL = { name: 'f', description: 'd', input_schema: { type: 'object', properties: {} } };
const ANTHROPIC = { system: 'Be short.', messages: HI, tools: [TOOL] };
const GEMINI = { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] };
const VERTEX = 'https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers';
const BEDROCK = 'https://bedrock-runtime.us-east-1.amazonaws.com/model';

/** How a client asks: the model's full name in, a path and a body out. */
const CALLERS = {
  anthropic: (model: string) => ['/v1/messages/count_tokens', { model, ...ANTHROPIC }] as const,
  responses: (model: string) => ['/v1/responses/input_tokens', { model, input: HI }] as const,
  gemini: (model: string) => [`/v1beta/models/${encodeURIComponent(model)}:countTokens`, GEMINI] as const,
};

interface Case {
  readonly name: string;
  readonly row: string;
  readonly caller: keyof typeof CALLERS;
  readonly model: string;
  readonly url: string;
  readonly body: JsonRecord;
  readonly answer: JsonRecord;
}

const CASES: readonly Case[] = [
  {
    name: 'Bedrock, in the form of Converse, for the model behind a profile',
    row: 'amazon-bedrock: {region: us-east-1, api_key: k}',
    caller: 'anthropic',
    model: 'amazon-bedrock/us.anthropic.claude-sonnet-4-20250514-v1:0',
    url: `${BEDROCK}/anthropic.claude-sonnet-4-20250514-v1%3A0/count-tokens`,
    body: {
      input: {
        converse: {
          messages: [{ role: 'user', content: [{ text: 'hi' }] }],
          system: [{ text: 'Be short.' }],
          toolConfig: {
            tools: [
              { toolSpec: { name: 'f', description: 'd', inputSchema: { json: { type: 'object', properties: {} } } } },
            ],
          },
        },
      },
    },
    answer: { inputTokens: 41 },
  },
  {
    name: 'Google, as a whole request',
    row: 'google: {api_key: k}',
    caller: 'responses',
    model: 'google/gemini-2.5-flash',
    url: 'https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:countTokens',
    body: { generateContentRequest: { model: 'models/gemini-2.5-flash', ...GEMINI } },
    answer: { totalTokens: 41 },
  },
  {
    name: 'Vertex, with the fields beside the contents',
    row: 'google-vertex: {api_key: ya29.t, google: {project: p, location: global}}',
    caller: 'responses',
    model: 'google-vertex/gemini-2.5-flash',
    url: `${VERTEX}/google/models/gemini-2.5-flash:countTokens`,
    body: GEMINI,
    answer: { totalTokens: 41 },
  },
  {
    name: 'Claude on Vertex, with the model in the body',
    row: 'google-vertex: {api_key: ya29.t, google: {project: p, location: global}}',
    caller: 'gemini',
    model: 'google-vertex/claude-haiku-4-5@20251001',
    url: `${VERTEX}/anthropic/models/count-tokens:rawPredict`,
    body: { model: 'claude-haiku-4-5@20251001', messages: HI },
    answer: { input_tokens: 41 },
  },
  {
    name: 'Anthropic, without a limit on output',
    row: 'anthropic: {api_key: k}',
    caller: 'responses',
    model: 'anthropic/claude-haiku-4-5',
    url: 'https://api.anthropic.com/v1/messages/count_tokens',
    body: { model: 'claude-haiku-4-5', messages: HI },
    answer: { input_tokens: 41 },
  },
  {
    name: "OpenAI's models of the Responses API",
    row: 'openai: {api_key: k}',
    caller: 'gemini',
    model: 'openai/gpt-5-codex',
    url: 'https://api.openai.com/v1/responses/input_tokens',
    body: { model: 'gpt-5-codex', input: [{ type: 'message', role: 'user', content: 'hi' }] },
    answer: { object: 'response.input_tokens', input_tokens: 41 },
  },
];

async function count(inside: Inside, { caller, model }: Pick<Case, 'caller' | 'model'>): Promise<JsonRecord> {
  const [path, body] = CALLERS[caller](model);
  const got = await inside.post(path, body);
  assert.equal(got.status, 200, got.text);
  return asRecord(parseJson(got.text)) ?? {};
}

async function withGateway<T>(row: string, answer: Said, then: (inside: Inside) => Promise<T>): Promise<T> {
  const inside = await startInside({ config: `providers:\n  ${row}\n`, answer: () => answer });
  try {
    return await then(inside);
  } finally {
    await inside.close();
  }
}

describe('tokens are counted by', () => {
  for (const one of CASES)
    it(one.name, async () => {
      await withGateway(one.row, { body: JSON.stringify(one.answer) }, async (inside) => {
        const told = await count(inside, one);
        assert.deepEqual(Object.values(told).includes(41), true, JSON.stringify(told));
        const [call] = inside.sent;
        assert.equal(call?.url, one.url);
        assert.deepEqual(bodyOf(call), one.body);
      });
    });

  it("Claude on Bedrock, with its own body wrapped, for Anthropic's clients too", async () => {
    const row = 'bedrock-claude: {like: amazon-bedrock, dialect: anthropic-messages, region: us-east-1, api_key: k}';
    await withGateway(row, { body: JSON.stringify({ inputTokens: 41 }) }, async (inside) => {
      const told = await count(inside, { caller: 'anthropic', model: 'bedrock-claude/eu.anthropic.claude-v1:0' });
      assert.deepEqual(told, { input_tokens: 41 });
      const [call] = inside.sent;
      assert.equal(call?.url, `${BEDROCK}/anthropic.claude-v1%3A0/count-tokens`);
      const wrapped = asString(asRecord(asRecord(bodyOf(call)['input'])?.['invokeModel'])?.['body']) ?? '';
      const inner = parseJson(Buffer.from(wrapped, 'base64').toString('utf8'));
      assert.deepEqual(inner, { max_tokens: 4096, anthropic_version: 'bedrock-2023-05-31', ...ANTHROPIC });
    });
  });

  it('us, roughly, where the provider cannot, does not, or fails', async () => {
    const refusal = { status: 400, body: '{"message":"The provided model doesn\'t support counting tokens."}' };
    const bedrock = 'amazon-bedrock: {region: us-east-1, api_key: k}';
    const model = 'amazon-bedrock/anthropic.claude-sonnet-4-20250514-v1:0';
    await withGateway(bedrock, refusal, async (inside) => {
      const told = await count(inside, { caller: 'anthropic', model });
      assert.ok(typeof told['input_tokens'] === 'number' && told['input_tokens'] > 0);
      assert.equal(inside.sent.length, 1);
    });
    await withGateway('mistral: {api_key: k}', refusal, async (inside) => {
      const told = await count(inside, { caller: 'anthropic', model: 'mistral/mistral-large-latest' });
      assert.ok(typeof told['input_tokens'] === 'number' && told['input_tokens'] > 0);
      assert.equal(inside.sent.length, 0);
    });
  });
});
