/** The cells of the matrix: what is asked and answered in each, and how either side is seen to have understood. */
import { isDeepStrictEqual } from 'node:util';
import { faults, type FaultCode } from '../../src/chat/fault.ts';
import { asRecord, isRecord, parseJson, type Json } from '../../src/lib/json.ts';
import type { Step } from '../../src/simulator/step.ts';
import { anthropicMessages as anthropicClient } from './clients/anthropic-messages.ts';
import { cohere as cohereClient } from './clients/cohere.ts';
import { gemini as geminiClient } from './clients/gemini.ts';
import { openaiChat as openaiClient } from './clients/openai-chat.ts';
import { openaiCompletions as completionsClient } from './clients/openai-completions.ts';
import { openaiResponses as responsesClient } from './clients/openai-responses.ts';
import type { AskId, Client, FeatureId, Heard, Provider, ReplyId, Told } from './kinds.ts';
import { anthropicMessages, bedrockInvoke } from './providers/anthropic-messages.ts';
import { bedrockConverse } from './providers/bedrock-converse.ts';
import { bedrockInvokeText } from './providers/bedrock-invoke-text.ts';
import { cohere } from './providers/cohere.ts';
import { gemini } from './providers/gemini.ts';
import { ollama } from './providers/ollama.ts';
import { openaiChat, openrouter } from './providers/openai-chat.ts';
import { openaiCompletions } from './providers/openai-completions.ts';
import { openaiResponses } from './providers/openai-responses.ts';
import { replicate } from './providers/replicate.ts';
import {
  ANSWER,
  ARGUMENTS,
  CITY,
  DOCUMENT_TEXT,
  PDF,
  PNG,
  PROMPT,
  REFUSAL,
  REPORT,
  REPORTED,
  RESULT,
  SIGNATURE,
  SOURCE,
  SYSTEM,
  THOUGHT,
  TOKENS,
  TOOLS,
} from './things.ts';

/** The protocols that clients speak. */
export const CLIENTS: readonly Client[] = [
  openaiClient,
  responsesClient,
  anthropicClient,
  geminiClient,
  cohereClient,
  completionsClient,
];
/** The wires of targets; Bedrock's InvokeModel twice, since what it takes is its models' business. */
export const PROVIDERS: readonly Provider[] = [
  openaiChat,
  openrouter,
  openaiResponses,
  anthropicMessages,
  gemini,
  bedrockConverse,
  bedrockInvoke,
  bedrockInvokeText,
  cohere,
  ollama,
  replicate,
  openaiCompletions,
];

export interface Cell {
  readonly client: Client;
  readonly provider: Provider;
  readonly feature: FeatureId;
}

/** What is wrong with what one side got, in words; nothing where all is right. */
type Flaws = readonly string[];

export interface Talk {
  readonly kind: 'talk';
  readonly ask: AskId;
  readonly reply: ReplyId;
  readonly modes: readonly Mode[];
  /** Whether the client goes on after the reply, which calls tools. */
  readonly hasNext?: true;
  readonly heard?: (heard: Heard, cell: Cell) => Flaws;
  readonly told: (told: Told, cell: Cell) => Flaws;
  /** Of the second request. */
  readonly heardNext?: (heard: Heard, cell: Cell) => Flaws;
}

export interface Failure {
  readonly kind: 'failure';
  readonly step: Step;
  readonly modes: readonly Mode[];
  readonly code: FaultCode;
  /** What the caller must be able to read. */
  readonly says: string;
  readonly retryAfter?: string;
  /** Told as `x-should-retry`: only a stated wait is worth a repeat, once our own attempts are used up. */
  readonly canRetry: boolean;
}

interface Breakage {
  readonly kind: 'breakage';
  readonly modes: readonly Mode[];
}

export type Mode = 'whole' | 'stream';
export type Plan = Talk | Failure | Breakage;

const BOTH = ['whole', 'stream'] as const;

function unless(holds: boolean, flaw: string): Flaws {
  return holds ? [] : [flaw];
}

function same(found: unknown, wanted: unknown, name: string): Flaws {
  return unless(isDeepStrictEqual(found, wanted), `${name} is ${JSON.stringify(found)}`);
}

/** The properties and demands of a schema; some wires write the rest otherwise. */
function sameSchema(found: Json | undefined, wanted: typeof CITY | typeof REPORT): Flaws {
  const { properties, required } = asRecord(found) ?? {};
  const names = Object.keys(asRecord(properties) ?? {});
  return [
    ...same(names, Object.keys(wanted.properties), 'schema'),
    ...same(required, wanted.required, 'required of the schema'),
  ];
}

/** The schema that an answer is held to: said by the wire, as a tool whose arguments are the answer, or in words. */
function schemaHeard({ schema, tools, texts }: Heard): Json | undefined {
  return (
    schema ??
    tools[0]?.schema ??
    texts
      .flatMap((text) => text.split('\n'))
      .map(parseJson)
      .find(isRecord)
  );
}

function hearsTools({ tools }: Heard): Flaws {
  return [
    ...same(
      tools.map(({ name, description }) => [name, description]),
      TOOLS.map(({ name, description }) => [name, description]),
      'tools',
    ),
    ...tools.flatMap(({ schema }) => sameSchema(schema, CITY)),
  ];
}

/** Calls and results, each result at its call: by id, or by name where the wire has no ids. */
function hearsResults({ calls, results }: Heard, count: number): Flaws {
  const wanted = TOOLS.slice(0, count).map(({ name }) => [name, ARGUMENTS]);
  return [
    ...same(
      calls.map((call) => [call.name, call.arguments]),
      wanted,
      'calls',
    ),
    ...same(results.length, count, 'number of results'),
    ...results.flatMap((result, index) => [
      ...unless(result.text.includes(RESULT), `result ${index} is ${result.text}`),
      ...unless(
        (result.id !== '' && result.id === calls[index]?.id) ||
          (result.name !== '' && result.name === calls[index]?.name),
        `result ${index} is of no call`,
      ),
    ]),
    ...unless(
      calls.every(({ id }) => id === '') || new Set(calls.map(({ id }) => id)).size === calls.length,
      'calls share an id',
    ),
  ];
}

function tellsCalls(told: Told, count: number, { client }: Cell): Flaws {
  const ids = told.calls.map(({ id }) => id);
  return [
    ...same(
      told.calls.map((call) => [call.name, call.arguments]),
      TOOLS.slice(0, count).map(({ name }) => [name, ARGUMENTS]),
      'calls',
    ),
    ...unless(client.id === 'gemini' || new Set(ids.filter((id) => id !== '')).size === count, `ids are ${ids.join()}`),
    ...same(told.finish, client.finishes.calls, 'finish'),
  ];
}

function tellsAnswer(told: Told, { client }: Cell): Flaws {
  return [
    ...same(told.text, ANSWER, 'text'),
    ...same(told.finish, client.finishes.stop, 'finish'),
    ...same(told.tokens, TOKENS, 'usage'),
  ];
}

/** Some wires have documents of plain text as base64. */
function saysDocument(said: readonly string[]): boolean {
  return said.some((one) => `${one}${Buffer.from(one, 'base64').toString('utf8')}`.includes(DOCUMENT_TEXT));
}

/** The signature byte for byte, and the thoughts that it signs; sealed ones (Responses, Gemini) hold theirs inside. */
function hearsThought({ signatures, thoughts }: Heard, { provider }: Cell): Flaws {
  const signs = JSON.stringify(provider.replies.thought).includes(SIGNATURE);
  const isSealed = provider.dialect === 'openai-responses' || provider.dialect === 'gemini';
  return [
    ...(signs ? same(signatures, [SIGNATURE], 'signatures') : []),
    ...(isSealed ? [] : same(thoughts.join(''), THOUGHT, 'thoughts')),
    ...unless(!signatures.some((one) => one.startsWith('turnout:')), 'a packed signature left the house'),
  ];
}

/** What a provider says that breaks. */
export const CRASH = 'The model crashed.';

/** How each feature is tried. */
export const PLANS: Readonly<Record<FeatureId, Plan>> = {
  text: { kind: 'talk', ask: 'plain', reply: 'text', modes: ['whole'], told: tellsAnswer },
  stream: { kind: 'talk', ask: 'plain', reply: 'text', modes: ['stream'], told: tellsAnswer },
  tools: {
    kind: 'talk',
    ask: 'tools',
    reply: 'call',
    modes: BOTH,
    hasNext: true,
    heard: hearsTools,
    told: (told, cell) => tellsCalls(told, 1, cell),
    heardNext: (heard) => [...hearsTools(heard), ...hearsResults(heard, 1)],
  },
  'parallel-tools': {
    kind: 'talk',
    ask: 'tools',
    reply: 'calls',
    modes: BOTH,
    hasNext: true,
    heard: hearsTools,
    told: (told, cell) => tellsCalls(told, 2, cell),
    heardNext: (heard) => hearsResults(heard, 2),
  },
  'result-image': {
    kind: 'talk',
    ask: 'result-image',
    reply: 'text',
    modes: BOTH,
    heard: ({ images, calls }) => [...same(images, [PNG], 'pictures'), ...same(calls.length, 1, 'number of calls')],
    told: tellsAnswer,
  },
  structured: {
    kind: 'talk',
    ask: 'structured',
    reply: 'json',
    modes: BOTH,
    heard: (heard) => sameSchema(schemaHeard(heard), REPORT),
    told: ({ text }) => same(parseJson(text), parseJson(REPORTED), 'text'),
  },
  reasoning: {
    kind: 'talk',
    ask: 'reasoning',
    reply: 'thought',
    modes: BOTH,
    hasNext: true,
    heard: (heard) => [...hearsTools(heard), ...unless(heard.wantsThought, 'no thoughts are asked for')],
    told: (told, cell) => [...tellsCalls(told, 1, cell), ...same(told.thoughts, THOUGHT, 'thoughts')],
    heardNext: (heard, cell) => [...hearsThought(heard, cell), ...hearsResults(heard, 1)],
  },
  image: {
    kind: 'talk',
    ask: 'image',
    reply: 'text',
    modes: BOTH,
    heard: ({ images }) => same(images, [PNG], 'pictures'),
    told: tellsAnswer,
  },
  document: {
    kind: 'talk',
    ask: 'document',
    reply: 'text',
    modes: BOTH,
    heard: ({ documents, texts }, { client }) =>
      client.id === 'cohere'
        ? unless(saysDocument([...documents, ...texts]), 'the document is gone')
        : same(documents, [PDF], 'documents'),
    told: tellsAnswer,
  },
  citations: {
    kind: 'talk',
    ask: 'plain',
    reply: 'citations',
    modes: BOTH,
    told: (told, cell) => [...tellsAnswer(told, cell), ...same(told.citations, [SOURCE], 'citations')],
  },
  refusal: {
    kind: 'talk',
    ask: 'plain',
    reply: 'refusal',
    modes: BOTH,
    told: (told, { client }) => [
      ...unless(`${told.text}${told.refusal}`.includes(REFUSAL), `text is ${told.text}`),
      ...unless(client.isRefused(told), `finish is ${told.finish}`),
    ],
  },
  length: {
    kind: 'talk',
    ask: 'plain',
    reply: 'length',
    modes: BOTH,
    told: (told, { client }) => [
      ...same(told.text, ANSWER, 'text'),
      ...same(told.finish, client.finishes.length, 'finish'),
    ],
  },
  'error-400': failure('upstream-refused', 'temperature: too hot', { status: 400 }),
  'error-401': failure('upstream-auth', '', { status: 401 }),
  'error-429': {
    ...failure('upstream-rate-limited', '', { status: 429, headers: { 'retry-after': '7' } }),
    retryAfter: '7',
  },
  'error-5xx': failure('upstream-error', CRASH, { status: 500 }),
  'error-in-stream': { kind: 'breakage', modes: ['stream'] },
};

function failure(code: FaultCode, says: string, step: Step): Failure {
  const message = says === '' ? 'Not now.' : says;
  return {
    kind: 'failure',
    code,
    says,
    step: { ...step, error: { message } },
    modes: BOTH,
    canRetry: code === 'upstream-rate-limited',
  };
}

/** The status with which a failure of the provider reaches the caller. */
export function statusOf({ code }: Failure): number {
  return faults[code].status;
}

/** Why there is nothing to try in a cell; undefined where there is. */
export function absence({ client, provider, feature }: Cell): 'client' | 'provider' | undefined {
  const plan = PLANS[feature];
  if (client.lacks.includes(feature)) return 'client';
  if (provider.lacks?.includes(feature) === true) return 'provider';
  if (plan.kind !== 'talk') return undefined;
  if (client.asks[plan.ask] === undefined) return 'client';
  return provider.replies[plan.reply] === undefined ? 'provider' : undefined;
}

/** What every provider must hear of every conversation. */
export function hearsAll({ texts }: Heard, asked: string): Flaws {
  const said = texts.join('\n');
  return [PROMPT, SYSTEM].flatMap((text) =>
    unless(!asked.includes(JSON.stringify(text).slice(1, -1)) || said.includes(text), `${text} was not heard`),
  );
}
