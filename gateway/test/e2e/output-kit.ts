/** What the suites of answers in a form share: a gateway before a provider of each dialect, models that can and cannot, and the books. */
import assert from 'node:assert/strict';
import { asArray, asRecord, asString, isRecord, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';

/** Where each dialect is simulated. */
export const DIALECTS = {
  'openai-chat': '/openai/v1',
  'openai-responses': '/openai/v1',
  'anthropic-messages': '/anthropic',
  gemini: '/gemini/v1beta',
  cohere: '/cohere/v2',
  ollama: '/ollama/v1',
  'bedrock-converse': '/bedrock',
} as const;
export type DialectName = keyof typeof DIALECTS;
export const DIALECT_NAMES = Object.keys(DIALECTS).filter((name): name is DialectName => name in DIALECTS);

/** `m`: nothing is known of it. `tiered`: dearer above 200 tokens, and by the request. `tools`: takes tools and no schema. `words`: neither. */
export const MODELS =
  'm: {price: {input: 1, output: 2}}, tiered: {price: {input: 1, output: 2, request: 0.1, tiers: [{above_context_tokens: 200, input: 10}]}}, tools: {price: {input: 1, output: 2}, abilities: [tools]}, words: {price: {input: 1, output: 2}, abilities: []}';

export interface OutputRig {
  readonly gateway: TestGateway;
  readonly simulator: Simulator;
  close(): Promise<void>;
}

/** A gateway with a provider of each dialect, named as the dialect is. */
export async function startOutputRig(rest = ''): Promise<OutputRig> {
  const simulator = await startSimulator();
  const rows = DIALECT_NAMES.map(
    (name) =>
      [
        name,
        `{dialect: ${name}, base_url: "${simulator.url}${DIALECTS[name]}", api_key: "sk-x", models: {${MODELS}}}`,
      ] as const,
  );
  const gateway = await startGateway({ config: testConfig(Object.fromEntries(rows), rest) });
  return {
    gateway,
    simulator,
    async close() {
      const code = await gateway.stop();
      await simulator.close();
      assert.equal(code, 0, gateway.output());
      assert.doesNotMatch(gateway.output(), /failed inside the gateway|unhandled|uncaught/i);
    },
  };
}

export interface Posted {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: JsonRecord;
}

/** Sends a body as any client would. */
export async function post(rig: OutputRig, body: JsonRecord, key: string = ROOT_KEY): Promise<Posted> {
  const reply = await fetch(`${rig.gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await reply.text();
  const parsed = parseJson(text);
  return { status: reply.status, headers: reply.headers, text, body: isRecord(parsed) ? parsed : {} };
}

/** The text of a choice, or of all pieces of a stream that belong to it. */
export function textOf(posted: Posted, choice = 0): string {
  const chunks =
    posted.headers.get('content-type')?.startsWith('text/event-stream') === true
      ? eventsOf(posted.text)
      : [posted.body];
  return chunks
    .flatMap((chunk) => asArray(chunk['choices']) ?? [])
    .filter((one) => asRecord(one)?.['index'] === choice)
    .map((one) => asRecord(asRecord(one)?.['message'] ?? asRecord(one)?.['delta'])?.['content'])
    .map((content) => asString(content) ?? '')
    .join('');
}

/** The events of a stream, without `[DONE]`. */
export function eventsOf(text: string): readonly JsonRecord[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => asRecord(parseJson(line.slice(6))) ?? {});
}

/** The record of a request. */
export async function recordOf(rig: OutputRig, posted: Posted): Promise<JsonRecord> {
  const id = posted.headers.get('x-turnout-decision') ?? '';
  const reply = await fetch(`${rig.gateway.url}/v1/decisions/${id}`, {
    headers: { authorization: `Bearer ${ROOT_KEY}` },
  });
  const body: unknown = await reply.json();
  return isRecord(body) ? body : {};
}

/** Its attempts. */
export async function attemptsOf(rig: OutputRig, posted: Posted): Promise<readonly JsonRecord[]> {
  return (asArray((await recordOf(rig, posted))['attempts']) ?? []).filter(isRecord);
}
