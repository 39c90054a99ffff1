/** What a model is made for, as far as its name and abilities tell: most that embed, rerank, listen or draw say so in their name. */
import type { CatalogModel } from './rows.ts';

const BY_NAME: readonly (readonly [pattern: RegExp, operations: readonly string[]])[] = [
  [/rerank/i, ['rerank']],
  [/embed|\b(?:bge|e5|gte)-/i, ['embeddings']],
  [/moderation/i, ['moderations']],
  [/whisper|transcri/i, ['transcriptions', 'translations']],
  // Mistral's listen and chat.
  [/voxtral/i, ['chat', 'transcriptions', 'translations']],
  [/(?:^|[-_/])tts(?:[-_]|$)|kokoro|orpheus/i, ['chat', 'speech']],
  [/dall-e|gpt-image|chatgpt-image|imagen|grok-imagine/i, ['images', 'image-edits']],
  [/^voyage-/i, ['embeddings']],
];

type OperationNames = Pick<CatalogModel, 'id' | 'abilities'>;

/**
 * `chat` and the ids of the other operations. Undefined where nothing tells: then the provider decides. A model that calls
 * tools and says nothing else chats.
 */
export function operationsOf(model: OperationNames | undefined): ReadonlySet<string> | undefined {
  if (model === undefined) return undefined;
  const { id, abilities } = model;
  const named = BY_NAME.find(([pattern]) => pattern.test(id));
  if (named !== undefined) return new Set(named[1]);
  return abilities.tools === true ? new Set(['chat']) : undefined;
}
