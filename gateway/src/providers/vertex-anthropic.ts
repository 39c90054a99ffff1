/**
 * Claude on Google Cloud: Anthropic's bodies at Vertex's addresses. The model stands in the URL and the version in the body
 * (recorded: `…/publishers/anthropic/models/claude-3-7-sonnet@20250219:streamRawPredict`).
 */
import { anthropicMessages } from '../dialects/anthropic-messages.ts';
import { hasForeignThinking, withoutForeignThinking } from '../dialects/anthropic-messages/foreign-thinking.ts';
import type { JsonRecord } from '../lib/json.ts';
import type { Provider, UrlParts } from './provider.ts';

const VERSION = 'vertex-2023-10-16';
const CLAUDE = { refusesUnsigned: true } as const;
const MODELS = '/publishers/anthropic/models';

export const vertexAnthropic: Provider = {
  id: 'google-vertex-anthropic',
  name: 'Claude on Vertex AI',
  dialect: anthropicMessages,
  // `https://REGION-aiplatform.googleapis.com/v1/projects/PROJECT/locations/REGION`: it depends on the account.
  envKeys: ['GOOGLE_VERTEX_ACCESS_TOKEN'],
  doc: 'https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude',
  headers: (secret) => (secret === undefined ? {} : { authorization: `Bearer ${secret}` }),
  url: vertexUrl,
  takesQuery: false,
  needsAmend,
  amendRequest,
};

/** `baseUrl` goes up to the location; one that already names the publisher is understood too. */
function vertexUrl(parts: UrlParts): string {
  const base = parts.baseUrl.replace(/\/+$/, '').replace(/\/publishers(?:\/anthropic(?:\/models)?)?$/, '') + MODELS;
  if (parts.path.includes('count_tokens')) return `${base}/count-tokens:rawPredict`;
  // The @ before the model's date stays as it is: Google's own clients send it so.
  const model = encodeURIComponent(parts.model).replaceAll('%40', '@');
  return `${base}/${model}:${parts.isStreaming ? 'streamRawPredict' : 'rawPredict'}`;
}

/** Counting tokens has no limit on output, and there the model must be in the body. */
function isChat(body: JsonRecord): boolean {
  return body['max_tokens'] !== undefined;
}

function needsAmend(body: JsonRecord): boolean {
  return (
    body['anthropic_version'] === undefined ||
    (body['model'] !== undefined && isChat(body)) ||
    hasForeignThinking(body, CLAUDE)
  );
}

function amendRequest(body: JsonRecord): JsonRecord {
  const { model, ...rest } = withoutForeignThinking(body, CLAUDE);
  return { anthropic_version: VERSION, ...(isChat(body) || model === undefined ? {} : { model }), ...rest };
}
