/**
 * InvokeModel's text models, a row a maker: how its fields are called, how a conversation becomes its prompt, and how it says
 * what it said. Requests are told apart by the model's id, replies by their fields, since no reply names its model.
 */
import type { Origin } from '../../chat/part.ts';
import type { Finish, FinishReason } from '../../chat/reply.ts';
import type { Usage } from '../../chat/usage.ts';
import { asArray, asCount, asRecord, asString, compact, type Json, type JsonRecord } from '../../lib/json.ts';
import { bareText, llamaText, mistralText, titanText } from '../text-models/prompts.ts';
import type { Family, TextWire } from '../text-models/request.ts';

const FAMILIES: readonly Family[] = [
  {
    id: 'titan',
    models: /amazon\.titan/,
    fields: {
      prompt: 'inputText',
      maxTokens: 'textGenerationConfig.maxTokenCount',
      temperature: 'textGenerationConfig.temperature',
      topP: 'textGenerationConfig.topP',
      stop: 'textGenerationConfig.stopSequences',
    },
    prompt: titanText,
  },
  {
    id: 'llama',
    models: /meta\.|llama/,
    fields: { prompt: 'prompt', maxTokens: 'max_gen_len', temperature: 'temperature', topP: 'top_p' },
    prompt: llamaText,
  },
  {
    id: 'mistral',
    models: /mistral/,
    fields: {
      prompt: 'prompt',
      maxTokens: 'max_tokens',
      temperature: 'temperature',
      topP: 'top_p',
      topK: 'top_k',
      stop: 'stop',
    },
    prompt: mistralText,
  },
  {
    id: 'command-r',
    models: /cohere\.command-r/,
    fields: {
      prompt: 'message',
      maxTokens: 'max_tokens',
      temperature: 'temperature',
      topP: 'p',
      topK: 'k',
      stop: 'stop_sequences',
    },
    prompt: bareText,
  },
  {
    id: 'command',
    models: /cohere\./,
    fields: {
      prompt: 'prompt',
      maxTokens: 'max_tokens',
      temperature: 'temperature',
      topP: 'p',
      topK: 'k',
      stop: 'stop_sequences',
    },
    prompt: bareText,
  },
  {
    id: 'jurassic',
    models: /ai21\./,
    fields: {
      prompt: 'prompt',
      maxTokens: 'maxTokens',
      temperature: 'temperature',
      topP: 'topP',
      stop: 'stopSequences',
    },
    prompt: bareText,
  },
  {
    id: 'claude-text',
    // Its own clients' prompts only: everyone else's conversations go to it as messages.
    models: /claude/,
    fields: {
      prompt: 'prompt',
      maxTokens: 'max_tokens_to_sample',
      temperature: 'temperature',
      topP: 'top_p',
      topK: 'top_k',
      stop: 'stop_sequences',
    },
    prompt: bareText,
  },
  // Models of one's own, imported or on an endpoint: vLLM's completions, as far as recorded.
  {
    id: 'completions',
    models: /(?:)/,
    fields: { prompt: 'prompt', maxTokens: 'max_tokens', temperature: 'temperature', topP: 'top_p', stop: 'stop' },
    prompt: bareText,
  },
];

export const HOME: Origin = 'bedrock-invoke';
export const WIRE: TextWire = { home: HOME, families: FAMILIES };

const METRICS = 'amazon-bedrock-invocationMetrics';

/** What a reply, or a piece of a streamed one, says. */
export interface Spoken {
  readonly text: string;
  readonly finish?: Finish;
  readonly usage?: Usage;
}

const REASONS: Readonly<Record<string, FinishReason>> = {
  FINISH: 'stop',
  FINISHED: 'stop',
  COMPLETE: 'stop',
  STOP_SEQUENCE: 'stop',
  STOP_CRITERIA_MET: 'stop',
  stop: 'stop',
  stop_sequence: 'stop',
  endoftext: 'stop',
  LENGTH: 'length',
  MAX_TOKENS: 'length',
  length: 'length',
  max_tokens: 'length',
  CONTENT_FILTERED: 'content-filter',
  ERROR: 'error',
  ERROR_TOXIC: 'content-filter',
};

type Reader = (body: JsonRecord) => Omit<Spoken, 'finish'> & { readonly word: Json | undefined };

/** By a field that no other family has; the first that is there decides. */
const READERS: readonly (readonly [field: string, read: Reader])[] = [
  ['results', (body) => titan(asRecord(asArray(body['results'])?.[0]) ?? {}, body)],
  ['outputText', (body) => titan(body, body)],
  [
    'generation',
    (body) => ({
      text: asString(body['generation']) ?? '',
      word: body['stop_reason'],
      ...counted(body['prompt_token_count'], body['generation_token_count']),
    }),
  ],
  ['outputs', (body) => first(body['outputs'], 'stop_reason')],
  ['generations', (body) => first(body['generations'], 'finish_reason')],
  ['completions', jurassic],
  ['completion', (body) => ({ text: asString(body['completion']) ?? '', word: body['stop_reason'] })],
  [
    'choices',
    (body) => {
      const usage = asRecord(body['usage']) ?? {};
      return {
        ...first(body['choices'], 'finish_reason'),
        ...counted(usage['prompt_tokens'], usage['completion_tokens']),
      };
    },
  ],
  ['text', (body) => ({ text: asString(body['text']) ?? '', word: body['finish_reason'] })],
  // Cohere's last piece has no text.
  ['is_finished', (body) => ({ text: '', word: body['finish_reason'] })],
];

/** Reads a reply or a piece of one; undefined where it is in none of the known forms. */
export function readSpoken(body: JsonRecord): Spoken | undefined {
  const found = READERS.find(([field]) => body[field] !== undefined);
  if (found === undefined) return undefined;
  const { text, word, usage } = found[1](body);
  return compact({ text, finish: finishOf(word, body), usage: metered(body) ?? usage });
}

function finishOf(word: Json | undefined, body: JsonRecord): Finish | undefined {
  const raw = asString(word);
  if (raw === undefined) return undefined;
  // A guardrail that changed or replaced the text says so beside the model's own word.
  if (body['amazon-bedrock-guardrailAction'] === 'INTERVENED') return { reason: 'content-filter', raw };
  const reason = Object.hasOwn(REASONS, raw) ? (REASONS[raw] ?? 'other') : 'other';
  const stopSequence = reason === 'stop' ? asString(body['stop']) : undefined;
  return compact({ reason, raw, stopSequence });
}

/** Whether the service says what it measured: the last frame of any model. */
export function isMeasured(body: JsonRecord): boolean {
  return asRecord(body[METRICS]) !== undefined;
}

/** What the service itself measured. */
function metered(body: JsonRecord): Usage | undefined {
  const metrics = asRecord(body[METRICS]);
  return metrics === undefined ? undefined : counted(metrics['inputTokenCount'], metrics['outputTokenCount']).usage;
}

function counted(input: Json | undefined, output: Json | undefined): { readonly usage?: Usage } {
  const usage: Usage = compact({ inputTokens: asCount(input), outputTokens: asCount(output) });
  return Object.keys(usage).length === 0 ? {} : { usage };
}

function titan(said: JsonRecord, body: JsonRecord): ReturnType<Reader> {
  const output = said['tokenCount'] ?? said['totalOutputTextTokenCount'];
  return {
    text: asString(said['outputText']) ?? '',
    word: said['completionReason'],
    ...counted(body['inputTextTokenCount'], output),
  };
}

function first(list: Json | undefined, word: string): ReturnType<Reader> {
  const one = asRecord(asArray(list)?.[0]) ?? {};
  return { text: asString(one['text']) ?? '', word: one[word] };
}

/** Counts its tokens by listing them. */
function jurassic(body: JsonRecord): ReturnType<Reader> {
  const one = asRecord(asArray(body['completions'])?.[0]) ?? {};
  const data = asRecord(one['data']) ?? {};
  const input = asArray(asRecord(body['prompt'])?.['tokens'])?.length;
  return {
    text: asString(data['text']) ?? '',
    word: asRecord(one['finishReason'])?.['reason'],
    ...counted(input, asArray(data['tokens'])?.length),
  };
}
