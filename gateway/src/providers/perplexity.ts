/** Perplexity sends cumulative usage with every chunk, no end mark, and takes documents in a form of its own. */
import { openaiChat } from '../dialects/openai-chat.ts';
import { asRecord, asString, compact, type JsonRecord } from '../lib/json.ts';
import { developerAsSystem, mappedParts, olderTokenLimit, seams, withoutCacheMarks, withoutDetails } from './amend.ts';
import type { Provider } from './provider.ts';

export const perplexity: Provider = {
  id: 'perplexity',
  name: 'Perplexity',
  dialect: openaiChat,
  baseUrl: 'https://api.perplexity.ai',
  envKeys: ['PERPLEXITY_API_KEY'],
  doc: 'https://docs.perplexity.ai/api-reference/chat-completions-post',
  asksStreamUsage: false,
  ...seams(developerAsSystem, olderTokenLimit, withoutCacheMarks, withoutDetails, mappedParts('file', fileUrlPart)),
};

/** `file_url` holds an address, or base64 without the `data:` before it (docs.perplexity.ai, "File attachments"; recorded). */
function fileUrlPart(part: JsonRecord): JsonRecord {
  const file = asRecord(part['file']);
  const data = asString(file?.['file_data']);
  if (data === undefined) return part;
  return compact({
    type: 'file_url',
    file_url: { url: data.replace(/^data:[^,]*,/, '') },
    file_name: asString(file?.['filename']),
  });
}
