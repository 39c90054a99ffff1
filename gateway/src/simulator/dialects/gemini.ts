/** Google's generateContent (https://ai.google.dev/api/generate-content), with token counting, embeddings and the list of models. */
import type { Json, JsonRecord } from '../../lib/json.ts';
import { asArray, asRecord, asString } from '../../lib/json.ts';
import type { Result } from '../../lib/result.ts';
import type { Ask, DraftChoice, DraftFinish, DraftUsage, Tool } from '../synthetic/compose.ts';
import { textLength } from '../synthetic/compose.ts';
import { DIMENSIONS, vectorOf } from '../synthetic/vectors.ts';
import { pieces, tokensOf } from '../synthetic/words.ts';
import { SSE_TYPE, sseData } from '../wire-events.ts';
import type {
  Identity,
  ListedModel,
  Operation,
  Problem,
  Reply,
  RouteFacts,
  SimulatedDialect,
  StreamEvent,
} from './dialect.ts';
import { interleave } from './dialect.ts';
import { decoded, integerAt, numberAt, reading, recordsAt, refuse, stringsAt, textOf } from './reading.ts';
import { argumentsOf } from './writing.ts';

const TOKENS_MAX = 2 ** 31 - 1;
/** Gemini streams several words at a time. */
const PIECES_PER_EVENT = 6;
const FINISHES: Readonly<Record<DraftFinish, string>> = {
  stop: 'STOP',
  'stop-sequence': 'STOP',
  length: 'MAX_TOKENS',
  'tool-calls': 'STOP',
  'content-filter': 'SAFETY',
};

export const gemini: SimulatedDialect = {
  id: 'gemini',
  family: 'gemini',
  requestIdHeader: 'x-request-id',
  route,
  read: (body, operation) => reading(() => readAsk(body, operation)),
  whole,
  stream,
  encodeEvent(event, operation, index) {
    if (operation.isJsonArray !== true) return sseData(event);
    return `${index === 0 ? '[' : ',\r\n'}${JSON.stringify(event)}`;
  },
  ending: (operation) => (operation.isJsonArray === true ? ']' : ''),
  streamType: (operation) => (operation.isJsonArray === true ? 'application/json; charset=UTF-8' : SSE_TYPE),
  filler: (text, model) => ({
    candidates: [{ content: { parts: [{ text }], role: 'model' }, index: 0 }],
    modelVersion: model,
  }),
  countTokens: (inputTokens) => ({
    totalTokens: inputTokens,
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: inputTokens }],
  }),
  models: (models) => ({ models: models.map(listed) }),
  model: listed,
  embeddings,
  error,
};

const VERBS: Readonly<Record<string, Omit<Operation, 'model'>>> = {
  generateContent: { kind: 'chat', method: 'POST', isStreaming: false },
  streamGenerateContent: { kind: 'chat', method: 'POST', isStreaming: true },
  countTokens: { kind: 'count-tokens', method: 'POST' },
  embedContent: { kind: 'embeddings', method: 'POST' },
  batchEmbedContents: { kind: 'embeddings', method: 'POST', isBatch: true },
};

function route(facts: RouteFacts): Operation | undefined {
  return routeVerb(facts) ?? routeList(facts);
}

function routeVerb({ path, query }: RouteFacts): Operation | undefined {
  const [, model = '', name = ''] = /\/(?:models|tunedModels)\/([^:]+):([A-Za-z]+)$/.exec(path) ?? [];
  const verb = VERBS[name];
  if (verb === undefined) return undefined;
  const isJsonArray = verb.isStreaming === true && !/(?:^|&)alt=sse(?:&|$)/.test(query);
  return { ...verb, model: decoded(model), ...(isJsonArray ? { isJsonArray } : {}) };
}

function routeList({ path, method, headers, family }: RouteFacts): Operation | undefined {
  const isOurs = family === 'gemini' || path.startsWith('/v1beta/') || headers['x-goog-api-key'] !== undefined;
  if (method !== 'GET' || !isOurs) return undefined;
  if (path.endsWith('/models')) return { kind: 'models', method: 'GET' };
  const model = /\/models\/([^:]+)$/.exec(path)?.[1];
  return model === undefined ? undefined : { kind: 'model', method: 'GET', model: decoded(model) };
}

/** Protocol-buffer JSON takes a field in camel case and in snake case. */
function field(record: JsonRecord | undefined, name: string): Json | undefined {
  if (record === undefined) return undefined;
  return record[name] ?? record[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)];
}

function readAsk(given: JsonRecord, operation: Operation): Ask {
  // countTokens takes a whole request too.
  const body = asRecord(field(given, 'generateContentRequest')) ?? given;
  const contents = recordsAt(body, 'contents');
  for (const [index, content] of contents.entries()) {
    if (asArray(content['parts']) === undefined)
      refuse(`contents[${index}].parts`, `contents[${index}].parts: must be a list.`);
  }
  const config = asRecord(field(body, 'generationConfig')) ?? {};
  const camel = camelKeys(config);
  numberAt(camel, 'temperature', { low: 0, high: 2 });
  const maxTokens = integerAt(camel, 'maxOutputTokens', { low: 1, high: TOKENS_MAX });
  const tools = readTools(body);
  const calling = readCalling(body);
  const lastParts = asArray(contents.at(-1)?.['parts']) ?? [];
  return {
    model: operation.model ?? '',
    isStreaming: operation.isStreaming === true,
    prompt: textOf(contents.findLast((content) => content['role'] !== 'model')?.['parts']),
    inputLength: textLength(contents) + textLength(field(body, 'systemInstruction')) + textLength(body['tools']),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    choices: integerAt(camel, 'candidateCount', { low: 1, high: 8 }) ?? 1,
    stops: stringsAt(camel, 'stopSequences', 5),
    tools: calling.allowed.length === 0 ? tools : tools.filter((tool) => calling.allowed.includes(tool.name)),
    toolChoice: calling.choice,
    allowsParallelCalls: true,
    isAfterToolResult: lastParts.some((part) => field(asRecord(part), 'functionResponse') !== undefined),
    format: readFormat(camel),
    wantsReasoning: field(asRecord(camel['thinkingConfig']), 'includeThoughts') === true,
    wantsStreamUsage: true,
  };
}

function camelKeys(record: JsonRecord): JsonRecord {
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [
      key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
}

function readTools(body: JsonRecord): readonly Tool[] {
  return (asArray(body['tools']) ?? []).flatMap((group) =>
    (asArray(field(asRecord(group), 'functionDeclarations')) ?? []).flatMap((item): Tool[] => {
      const declared = asRecord(item);
      const name = asString(declared?.['name']);
      return name === undefined
        ? []
        : [{ name, schema: field(declared, 'parametersJsonSchema') ?? declared?.['parameters'] }];
    }),
  );
}

function readCalling(body: JsonRecord): { readonly choice: Ask['toolChoice']; readonly allowed: readonly string[] } {
  const config = asRecord(field(asRecord(field(body, 'toolConfig')), 'functionCallingConfig'));
  const allowed = (asArray(field(config, 'allowedFunctionNames')) ?? []).flatMap((name) => asString(name) ?? []);
  const mode = asString(config?.['mode'])?.toUpperCase();
  if (mode === 'ANY') return { choice: 'required', allowed };
  return { choice: mode === 'NONE' ? 'none' : 'auto', allowed };
}

function readFormat(config: JsonRecord): Ask['format'] {
  const schema = config['responseJsonSchema'] ?? config['responseSchema'];
  if (schema !== undefined && schema !== null) return { schema };
  return config['responseMimeType'] === 'application/json' ? 'json' : 'text';
}

function whole({ ask, draft, identity }: Reply): JsonRecord {
  return {
    candidates: draft.choices.map((choice, index) => ({
      content: {
        parts: [...spokenParts(choice.reasoning, choice.text), ...callParts(choice, identity)],
        role: 'model',
      },
      finishReason: FINISHES[choice.finish],
      index,
    })),
    ...envelope(ask, identity, usageOf(draft.usage, true)),
  };
}

function envelope(ask: Ask, identity: Identity, usageMetadata: JsonRecord): JsonRecord {
  return { usageMetadata, modelVersion: ask.model, responseId: `sim_${identity.hex}` };
}

function spokenParts(reasoning: string, text: string): JsonRecord[] {
  const thought = reasoning === '' ? [] : [{ text: reasoning, thought: true }];
  return text === '' ? thought : [...thought, { text }];
}

function callParts(choice: DraftChoice, identity: Identity): JsonRecord[] {
  return choice.toolCalls.map((call, index) => {
    return { functionCall: { id: `sim_${identity.hex}_${index}`, name: call.name, args: argumentsOf(call) } };
  });
}

/** Gemini counts thoughts apart from what was said. */
function usageOf(usage: DraftUsage, isLast: boolean): JsonRecord {
  const spoken = isLast ? usage.outputTokens - usage.reasoningTokens : 0;
  const thoughts = isLast ? usage.reasoningTokens : 0;
  return {
    promptTokenCount: usage.inputTokens,
    ...(usage.cachedInputTokens === 0 ? {} : { cachedContentTokenCount: usage.cachedInputTokens }),
    ...(isLast ? { candidatesTokenCount: spoken } : {}),
    totalTokenCount: usage.inputTokens + spoken + thoughts,
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: usage.inputTokens }],
    ...(thoughts === 0 ? {} : { thoughtsTokenCount: thoughts }),
  };
}

function* stream({ ask, draft, identity }: Reply): Generator<StreamEvent> {
  const parts = [...interleave(draft.choices.map((choice, index) => candidates(choice, index, identity)))];
  for (const [at, part] of parts.entries()) {
    const usage = usageOf(draft.usage, at === parts.length - 1);
    yield { event: { candidates: [part.candidate], ...envelope(ask, identity, usage) }, tokens: part.tokens };
  }
}

interface CandidatePart {
  readonly candidate: JsonRecord;
  readonly tokens: number;
}

function* candidates(choice: DraftChoice, index: number, identity: Identity): Generator<CandidatePart> {
  const said = (part: JsonRecord, tokens: number): CandidatePart => ({
    candidate: { content: { parts: [part], role: 'model' }, index },
    tokens,
  });
  for (const text of grouped(choice.reasoning)) yield said({ text, thought: true }, tokensOf(text));
  for (const text of grouped(choice.text)) yield said({ text }, tokensOf(text));
  for (const part of callParts(choice, identity)) yield said(part, tokensOf(JSON.stringify(part)));
  const content = { parts: [{ text: '' }], role: 'model' };
  yield { candidate: { content, finishReason: FINISHES[choice.finish], index }, tokens: 0 };
}

function grouped(text: string): readonly string[] {
  const words = pieces(text);
  const groups: string[] = [];
  for (let from = 0; from < words.length; from += PIECES_PER_EVENT)
    groups.push(words.slice(from, from + PIECES_PER_EVENT).join(''));
  return groups;
}

function listed(model: ListedModel): JsonRecord {
  return {
    name: `models/${model.id}`,
    version: '001',
    displayName: model.id,
    description: 'A model of the simulator of Turnout',
    inputTokenLimit: 1_000_000,
    outputTokenLimit: 100_000,
    supportedGenerationMethods: ['generateContent', 'countTokens'],
  };
}

function embeddings(body: JsonRecord, operation: Operation): Result<JsonRecord, Problem> {
  return reading(() => {
    if (operation.isBatch !== true) return { embedding: embed(body) };
    return { embeddings: recordsAt(body, 'requests').map(embed) };
  });
}

function embed(request: JsonRecord): JsonRecord {
  const content = asRecord(request['content']) ?? refuse('content', 'content: is required.');
  const dimensions = integerAt(camelKeys(request), 'outputDimensionality', { low: 1, high: 8_192 }) ?? DIMENSIONS;
  return { values: vectorOf(textOf(content['parts']), dimensions) };
}

const STATUSES: Readonly<Record<number, string>> = {
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  501: 'UNIMPLEMENTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

function error(problem: Problem): JsonRecord {
  const status = problem.code ?? STATUSES[problem.status] ?? (problem.status >= 500 ? 'INTERNAL' : 'INVALID_ARGUMENT');
  return { error: { code: problem.status, message: problem.message, status } };
}
