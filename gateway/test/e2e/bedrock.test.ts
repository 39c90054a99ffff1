/**
 * Real clients of three protocols through a real gateway to Bedrock: by Converse (translated, frames in, SSE out) and, for
 * Anthropic's client, to Claude by InvokeModel, where the events are its own and pass through.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { asArray, asRecord, isRecord, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { ROOT_KEY, startGateway, type TestGateway, TOLERANT } from '../harness.ts';

const CLAUDE = 'us.anthropic.claude-haiku-4-5-20251001-v1:0';
const NOVA = 'eu.amazon.nova-lite-v1:0';
const HI = [{ role: 'user' as const, content: 'Hello there' }];

let simulator: Simulator;
let gateway: TestGateway;
before(async () => {
  simulator = await startSimulator();
  const base = `base_url: "${simulator.url}/bedrock"`;
  const config = `attempts: 1
${TOLERANT}
providers:
  amazon-bedrock: {region: eu-central-1, ${base}, api_key: bedrock-api-key-1}
  claude-on-aws: {like: amazon-bedrock, dialect: anthropic-messages, ${base}, api_key: bedrock-api-key-1}
`;
  gateway = await startGateway({ config });
});
after(async () => {
  await gateway.stop();
  await simulator.close();
});

interface Received {
  readonly path: string;
  readonly query: string;
  readonly headers: JsonRecord;
  readonly body: JsonRecord;
}

/** The last request that the provider got. */
async function received(): Promise<Received> {
  const log = asRecord(await (await fetch(`${simulator.url}/__simulator/log`)).json());
  const last = asRecord(asArray(log?.['requests'])?.at(-1)) ?? {};
  const body = last['body'];
  return {
    path: String(last['path']),
    query: String(last['query']),
    headers: asRecord(last['headers']) ?? {},
    body: isRecord(body) ? body : (asRecord(parseJson(String(body))) ?? {}),
  };
}

describe('an OpenAI client', () => {
  const client = (): OpenAI => new OpenAI({ apiKey: ROOT_KEY, baseURL: `${gateway.url}/v1`, maxRetries: 0 });

  it('gets a reply of Converse, whole and streamed, and its tokens', async () => {
    const ask = { model: `amazon-bedrock/${NOVA}`, messages: HI, max_tokens: 200 };
    const whole = await client().chat.completions.create(ask);
    const { path, headers } = await received();
    assert.equal(path, `/bedrock/model/${encodeURIComponent(NOVA)}/converse`);
    // The log keeps hashes of secrets.
    assert.match(String(headers['authorization']), /^Bearer sha256:/);
    const stream = await client().chat.completions.create({
      ...ask,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let usage: unknown;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, whole.choices[0]?.message.content);
    assert.deepEqual(usage, whole.usage);
  });

  it('sees an exception in the middle of a stream as an error', async () => {
    const delta = { contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'half' } } };
    simulator.script([{ stream: [delta, { modelStreamErrorException: { message: 'it broke' } }] }]);
    const stream = await client().chat.completions.create({
      model: `amazon-bedrock/${NOVA}`,
      messages: HI,
      stream: true,
    });
    let text = '';
    await assert.rejects(async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    }, /it broke/);
    assert.equal(text, 'half');
  });
});

describe('an Anthropic client', () => {
  const client = (): Anthropic => new Anthropic({ apiKey: ROOT_KEY, baseURL: gateway.url, maxRetries: 0 });

  it('thinks and calls over two turns by Converse, with the signature that Bedrock gave', async () => {
    const tools = [
      { name: 'forecast', input_schema: { type: 'object' as const, properties: { city: { type: 'string' } } } },
    ];
    const ask = {
      model: `amazon-bedrock/${CLAUDE}`,
      max_tokens: 4000,
      tools,
      thinking: { type: 'enabled' as const, budget_tokens: 1024 },
    };
    const messages: Anthropic.MessageParam[] = [{ role: 'user', content: 'Use the forecast tool' }];
    const first = await client().messages.create({ ...ask, messages });
    const call = first.content.find((block) => block.type === 'tool_use');
    assert.ok(call?.type === 'tool_use');
    assert.equal(first.content[0]?.type, 'thinking');
    const result = { type: 'tool_result' as const, tool_use_id: call.id, content: 'rain' };
    const next = [
      ...messages,
      { role: 'assistant' as const, content: first.content },
      { role: 'user' as const, content: [result] },
    ];
    const second = await client().messages.create({ ...ask, messages: next });
    assert.equal(second.stop_reason, 'end_turn');
    const { body } = await received();
    const [, assistant] = asArray(body['messages']) ?? [];
    const [thought] = asArray(asRecord(assistant)?.['content']) ?? [];
    const signature = asRecord(asRecord(asRecord(thought)?.['reasoningContent'])?.['reasoningText'])?.['signature'];
    assert.match(Buffer.from(String(signature), 'base64').toString(), /^simulator:/);
  });

  it('speaks its own protocol to Claude by InvokeModel, whole and streamed', async () => {
    const ask = { model: `claude-on-aws/${CLAUDE}`, max_tokens: 300, messages: HI };
    const whole = await client().messages.create(ask);
    assert.equal((await received()).path, `/bedrock/model/${encodeURIComponent(CLAUDE)}/invoke`);
    const streamed = await client().messages.stream(ask).finalMessage();
    const { path, body } = await received();
    assert.equal(path, `/bedrock/model/${encodeURIComponent(CLAUDE)}/invoke-with-response-stream`);
    assert.deepEqual(body, { anthropic_version: 'bedrock-2023-05-31', max_tokens: 300, messages: HI });
    assert.deepEqual(streamed.content, whole.content);
    assert.equal(streamed.usage.output_tokens, whole.usage.output_tokens);
  });

  it('asks for new features in its header, which go into the body, and has no query', async () => {
    const betas = ['interleaved-thinking-2025-05-14', 'claude-code-20250219'];
    const ask = { model: `claude-on-aws/${CLAUDE}`, max_tokens: 300, messages: HI, betas };
    // As Claude Code and older releases of the SDK ask.
    await client().beta.messages.create(ask, { query: { beta: true } });
    const { path, query, body } = await received();
    assert.equal(path, `/bedrock/model/${encodeURIComponent(CLAUDE)}/invoke`);
    assert.equal(query, '');
    assert.deepEqual(body['anthropic_beta'], ['interleaved-thinking-2025-05-14']);
  });

  it('gets our count of tokens where InvokeModel has none', async () => {
    const counted = await client().messages.countTokens({ model: `claude-on-aws/${CLAUDE}`, messages: HI });
    assert.ok(counted.input_tokens > 0);
  });
});

describe('a Google client', () => {
  it('gets a reply of Converse, streamed', async () => {
    const client = new GoogleGenAI({ apiKey: ROOT_KEY, httpOptions: { baseUrl: gateway.url } });
    const ask = { model: `amazon-bedrock/${NOVA}`, contents: 'Hello there' };
    const whole = await client.models.generateContent(ask);
    let text = '';
    for await (const chunk of await client.models.generateContentStream(ask)) text += chunk.text ?? '';
    assert.equal(text, whole.text);
    assert.ok(text.length > 10);
  });
});
