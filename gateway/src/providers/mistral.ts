/** Mistral answers 422 (`extra_forbidden`) to every field that it does not know, in the body and in messages. */
import { openaiChat } from '../dialects/openai-chat.ts';
import { asArray, asRecord, asString, compact, type JsonRecord } from '../lib/json.ts';
import {
  developerAsSystem,
  mappedParts,
  olderTokenLimit,
  onlyFields,
  REASONING_HISTORY,
  renamedField,
  seams,
  withoutCacheMarks,
  withoutHistory,
} from './amend.ts';
import type { Provider } from './provider.ts';

/** `ChatCompletionRequest` of Mistral's OpenAPI, August 2026; `additionalProperties` is false there. */
const FIELDS: ReadonlySet<string> = new Set([
  'model',
  'temperature',
  'top_p',
  'max_tokens',
  'stream',
  'stop',
  'random_seed',
  'metadata',
  'messages',
  'response_format',
  'tools',
  'tool_choice',
  'presence_penalty',
  'frequency_penalty',
  'n',
  'prediction',
  'parallel_tool_calls',
  'prompt_mode',
  'reasoning_effort',
  'guardrails',
  'prompt_cache_key',
  'safe_prompt',
  // Not in the document, but Mistral refuses them for each model by itself, and says why.
  'logprobs',
  'top_logprobs',
]);

export const mistral: Provider = {
  id: 'mistral',
  name: 'Mistral',
  dialect: openaiChat,
  baseUrl: 'https://api.mistral.ai/v1',
  envKeys: ['MISTRAL_API_KEY'],
  doc: 'https://docs.mistral.ai/api/',
  markPrefill: withPrefix,
  // Usage comes with the last chunk; asking for it is refused.
  asksStreamUsage: false,
  ...seams(
    developerAsSystem,
    olderTokenLimit,
    renamedField('seed', 'random_seed'),
    withoutCacheMarks,
    withoutHistory(...REASONING_HISTORY, 'refusal', 'annotations', 'audio', 'images', 'name'),
    mappedParts('file', documentPart),
    onlyFields(FIELDS),
  ),
};

/** Without the mark, a conversation that ends with words of the assistant is refused (docs.mistral.ai, "Prefix"). */
function withPrefix(body: JsonRecord): JsonRecord {
  const messages = asArray(body['messages']) ?? [];
  return { ...body, messages: [...messages.slice(0, -1), { ...asRecord(messages.at(-1)), prefix: true }] };
}

/** Mistral's form of a document; a file by its id has the id at the top. */
function documentPart(part: JsonRecord): JsonRecord {
  const file = asRecord(part['file']);
  if (file === undefined) return part;
  const data = asString(file['file_data']);
  if (data === undefined) return compact({ type: 'file', file_id: asString(file['file_id']) });
  return compact({ type: 'document_url', document_url: data, document_name: asString(file['filename']) });
}
