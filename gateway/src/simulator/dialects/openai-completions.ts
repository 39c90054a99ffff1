/** OpenAI's text completions (https://developers.openai.com/api/reference/resources/completions). What is not text is as in its chat. */
import type { Json, JsonRecord } from '../../lib/json.ts';
import { asNumber, asRecord, asString, isArray } from '../../lib/json.ts';
import type { Ask, DraftFinish, DraftUsage } from '../synthetic/compose.ts';
import { pieces, tokensOf } from '../synthetic/words.ts';
import { interleave, type Identity, type Reply, type SimulatedDialect, type StreamEvent } from './dialect.ts';
import { openaiChat } from './openai-chat.ts';
import { booleanAt, integerAt, numberAt, reading, refuse, stringsAt } from './reading.ts';

/** A token number is simulated as so many characters. */
const CHARACTERS_PER_TOKEN = 4;
const PROMPTS_MAX = 2048;
const TOKENS_MAX = 2 ** 31 - 1;
const FINISHES: Readonly<Record<DraftFinish, string>> = {
  stop: 'stop',
  'stop-sequence': 'stop',
  length: 'length',
  'tool-calls': 'stop',
  'content-filter': 'content_filter',
};

export const openaiCompletions: SimulatedDialect = {
  ...openaiChat,
  id: 'openai-completions',
  route: ({ path }) => (path.endsWith('/completions') ? { kind: 'chat', method: 'POST' } : undefined),
  read: (body) => reading(() => readAsk(body)),
  whole: ({ ask, draft, identity }) => ({
    ...headOf(identity, ask.model),
    choices: draft.choices.map(({ text, finish }, index) => choiceOf(index, text, FINISHES[finish])),
    usage: usageOf(draft.usage),
  }),
  stream,
  filler: (text, model) => ({ ...headOf({ hex: '0', createdS: 0 }, model), choices: [choiceOf(0, text, null)] }),
};

function readAsk(body: JsonRecord): Ask {
  const model = asString(body['model']) ?? '';
  if (model === '') return refuse('model', 'you must provide a model parameter');
  const prompts = promptsOf(body['prompt']);
  numberAt(body, 'temperature', { low: 0, high: 2 });
  integerAt(body, 'logprobs', { low: 0, high: 5 });
  const isStreaming = booleanAt(body, 'stream');
  const maxTokens = integerAt(body, 'max_tokens', { low: 1, high: TOKENS_MAX });
  return {
    model,
    prompt: prompts.at(-1) ?? '',
    prompts,
    inputLength: prompts.join('').length,
    ...(maxTokens === undefined ? {} : { maxTokens }),
    isStreaming,
    wantsStreamUsage: isStreaming && asRecord(body['stream_options'])?.['include_usage'] === true,
    choices: (integerAt(body, 'n', { low: 1, high: 128 }) ?? 1) * prompts.length,
    stops: stringsAt(body, 'stop', 4),
    tools: [],
    toolChoice: 'none',
    allowsParallelCalls: false,
    isAfterToolResult: false,
    format: 'text',
    wantsReasoning: false,
  };
}

/** A text, a list of texts, a list of token numbers, or a list of such lists. */
function promptsOf(prompt: Json | undefined): readonly string[] {
  const isOne = typeof prompt === 'string' || (isArray(prompt) && prompt.every((item) => asNumber(item) !== undefined));
  const list = isOne ? [prompt] : isArray(prompt) ? prompt : [];
  if (list.length === 0 || list.length > PROMPTS_MAX) return refuse('prompt', "'prompt' must be a text or a list.");
  return list.map((item) => {
    if (typeof item === 'string') return item;
    return isArray(item)
      ? ' '.repeat(item.length * CHARACTERS_PER_TOKEN)
      : refuse('prompt', "'prompt' must hold texts.");
  });
}

function headOf({ hex, createdS }: Identity, model: string): JsonRecord {
  return { id: `cmpl-sim-${hex}`, object: 'text_completion', created: createdS, model };
}

function choiceOf(index: number, text: string, finish: string | null): JsonRecord {
  return { text, index, logprobs: null, finish_reason: finish };
}

function usageOf({ inputTokens, outputTokens }: DraftUsage): JsonRecord {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
}

function* stream({ ask, draft, identity }: Reply): Generator<StreamEvent> {
  const head = headOf(identity, ask.model);
  // With usage asked for, every chunk has the field, null until the last one (recorded).
  const usage = ask.wantsStreamUsage ? { usage: null } : {};
  const sequences = draft.choices.map(({ text, finish }, index) => textsOf(index, text, FINISHES[finish]));
  for (const { choice, tokens } of interleave(sequences))
    yield { event: { ...head, choices: [choice], ...usage }, tokens };
  if (ask.wantsStreamUsage) yield { event: { ...head, choices: [], usage: usageOf(draft.usage) }, tokens: 0 };
}

function* textsOf(index: number, text: string, finish: string): Generator<{ choice: JsonRecord; tokens: number }> {
  for (const piece of pieces(text)) yield { choice: choiceOf(index, piece, null), tokens: tokensOf(piece) };
  yield { choice: choiceOf(index, '', finish), tokens: 0 };
}
