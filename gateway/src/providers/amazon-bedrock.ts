/**
 * Amazon Bedrock. All models speak Converse; Claude also speaks its own protocol on InvokeModel (`dialect: anthropic-messages`),
 * where an Anthropic client's bytes go through. Keys are Bedrock's own (AWS_BEARER_TOKEN_BEDROCK), sent as a bearer.
 */
import { anthropicMessages } from '../dialects/anthropic-messages.ts';
import { hasForeignThinking, withoutForeignThinking } from '../dialects/anthropic-messages/foreign-thinking.ts';
import { invokeCounting } from '../dialects/counting.ts';
import { bedrockConverse } from '../dialects/bedrock-converse.ts';
import { modelOfProfile } from '../dialects/bedrock-converse/model.ts';
import { bedrockInvoke } from '../dialects/bedrock-invoke.ts';
import { claudeBody, claudeSplitter, needsClaudeBody } from '../dialects/bedrock-invoke/claude.ts';
import type { JsonRecord } from '../lib/json.ts';
import type { CallerHeaders, Provider, UrlParts } from './provider.ts';

const CLAUDE = { refusesUnsigned: true } as const;

export const amazonBedrock: Provider = {
  id: 'amazon-bedrock',
  name: 'Amazon Bedrock',
  dialect: bedrockConverse,
  envKeys: ['AWS_BEARER_TOKEN_BEDROCK'],
  doc: 'https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html',
};

/** Models that know only text, in their makers' own forms (`dialect: bedrock-invoke`). */
export const textOnBedrock: Provider = { ...amazonBedrock, dialect: bedrockInvoke };

export const claudeOnBedrock: Provider = {
  ...amazonBedrock,
  dialect: anthropicMessages,
  headers: (secret) => ({ accept: '*/*', ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }) }),
  url: claudeUrl,
  takesQuery: false,
  splitter: claudeSplitter,
  counting: invokeCounting,
  needsAmend: (body) => needsClaudeBody(body) || hasForeignThinking(body, CLAUDE),
  amendRequest: (body, headers = {}) => withBetas(claudeBody(withoutForeignThinking(body, CLAUDE)), headers),
  decodeError: (answer) => bedrockConverse.decodeError(answer),
};

/** The versions of new features that Bedrock knows; any other is a 400 ("invalid beta flag"). From its guide, "Anthropic Claude Messages API"; no recording has one, and AWS's service model names none. */
const BETAS: ReadonlySet<string> = new Set([
  'compact-2026-01-12',
  'computer-use-2024-10-22',
  'computer-use-2025-01-24',
  'computer-use-2025-11-24',
  'context-1m-2025-08-07',
  'context-management-2025-06-27',
  'dev-full-thinking-2025-05-14',
  'effort-2025-11-24',
  'fine-grained-tool-streaming-2025-05-14',
  'interleaved-thinking-2025-05-14',
  'output-128k-2025-02-19',
  'token-efficient-tools-2025-02-19',
  'tool-examples-2025-10-29',
  'tool-search-tool-2025-10-19',
]);

/** What clients ask for in the header `anthropic-beta` stands in the body here. */
function withBetas(body: JsonRecord, headers: CallerHeaders): JsonRecord {
  const asked = (headers['anthropic-beta'] ?? '').split(',').map((name) => name.trim());
  const known = asked.filter((name) => BETAS.has(name));
  return known.length === 0 || body['anthropic_beta'] !== undefined ? body : { ...body, anthropic_beta: known };
}

function claudeUrl(parts: UrlParts): string {
  const base = `${parts.baseUrl.replace(/\/+$/, '')}/model`;
  if (parts.path.includes('count_tokens'))
    return `${base}/${encodeURIComponent(modelOfProfile(parts.model))}/count-tokens`;
  return `${base}/${encodeURIComponent(parts.model)}/${parts.isStreaming ? 'invoke-with-response-stream' : 'invoke'}`;
}
