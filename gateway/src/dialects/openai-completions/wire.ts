/** What the modules of this wire share: its name, its prompts, and a choice in the words of its younger sister, chat completions. */
import type { Origin } from '../../chat/part.ts';
import { asRecord, isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { chatLogprobs } from './logprobs.ts';

export const HOME: Origin = 'openai-completions';

/** Texts to go on with; or token numbers, which mean something to one model alone: how many of them each prompt has. */
export type Prompts =
  | { readonly kind: 'texts'; readonly list: readonly string[] }
  | { readonly kind: 'tokens'; readonly list: readonly number[] };

/** The prompts of a body; undefined where it holds none, or something else. */
export function promptsOf(prompt: Json | undefined): Prompts | undefined {
  if (typeof prompt === 'string') return { kind: 'texts', list: [prompt] };
  if (!isArray(prompt) || prompt.length === 0) return undefined;
  const texts = prompt.filter((item) => typeof item === 'string');
  if (texts.length === prompt.length) return { kind: 'texts', list: texts };
  if (isTokens(prompt)) return { kind: 'tokens', list: [prompt.length] };
  const counts = prompt.flatMap((item) => (isTokens(item) ? [item.length] : []));
  return counts.length === prompt.length ? { kind: 'tokens', list: counts } : undefined;
}

function isTokens(value: Json): value is readonly number[] {
  return isArray(value) && value.length > 0 && value.every((item) => Number.isSafeInteger(item) && Number(item) >= 0);
}

/** A reply or chunk with its texts as the messages of a chat, so that one reader serves both wires. */
export function asChat(body: JsonRecord): JsonRecord {
  const { choices } = body;
  return isArray(choices) ? { ...body, choices: choices.map(chatChoice) } : body;
}

function chatChoice(choice: Json): Json {
  if (!isRecord(choice) || typeof choice['text'] !== 'string') return choice;
  // Together repeats the text of a chunk as a delta of its own.
  const { text, delta: _, message: __, ...rest } = choice;
  const logprobs = asRecord(choice['logprobs']);
  return {
    ...rest,
    delta: { content: text },
    ...(logprobs === undefined ? {} : { logprobs: chatLogprobs(logprobs) }),
  };
}
