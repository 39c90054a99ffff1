/** A provider as it is written: what it speaks, where, with which keys, what it promises, and its models. */
import { z } from 'zod';
import type { Origin } from '../chat/part.ts';
import { accountFields, accountIssues } from './accounts.ts';
import { HEADER_NAME, ID, KIB, MODEL_NAME, named, table, text, URL_LENGTH_MAX, whole } from './fields.ts';
import { priceSchema } from './price-schema.ts';
import { ABILITIES, region, TOKENS_MAX, WEIGHT_MAX, wordList } from './route-schema.ts';
import { providerTimeoutsSchema } from './timeouts-schema.ts';

/** A service account as JSON, the longest credential in use, has about 2,400 characters. */
const SECRET_LENGTH_MAX = 16 * KIB;
const KEYS_MAX = 64;
const PATH_LENGTH_MAX = 4096;

/** Headers that belong to the connection, not to the request (RFC 9110, section 7.6.1), or that the client computes itself. */
const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export const DIALECTS = [
  'openai-chat',
  'openai-responses',
  'openai-completions',
  'anthropic-messages',
  'gemini',
  'bedrock-converse',
  'bedrock-invoke',
  'cohere',
  'ollama',
  'replicate',
] as const satisfies readonly Origin[];

/** One of a provider's keys, and its share of the requests. */
export interface ApiKey {
  readonly key: string;
  readonly weight: number;
}

const modelSchema = z.strictObject({
  price: priceSchema.exactOptional().meta({
    description:
      'USD per million tokens, read digit by digit. It replaces the catalog’s price of this model as a whole. What is left out is unknown, not free, unless the field says what stands in for it.',
  }),
  limits: z
    .strictObject({
      context: whole({ min: 1, max: TOKENS_MAX }).exactOptional().meta({ description: 'Input and output together.' }),
      input: whole({ min: 1, max: TOKENS_MAX }).exactOptional().meta({ description: 'Input alone.' }),
      output: whole({ min: 1, max: TOKENS_MAX }).exactOptional().meta({ description: 'Output alone.' }),
    })
    .exactOptional()
    .meta({ description: 'Most tokens that the model takes and gives.' }),
  tags: wordList.exactOptional().meta({ description: 'Words of your own about the model.' }),
  quality: table(z.number().min(0).max(1), ID)
    .exactOptional()
    .meta({ description: 'Scores from 0 to 1, by task (`code: 0.6`).' }),
  abilities: z.array(z.enum(ABILITIES)).max(ABILITIES.length).exactOptional().meta({
    description: 'What the model can do. It replaces the catalog’s list; a request that needs more goes elsewhere.',
  }),
  upstream_name: named(MODEL_NAME)
    .exactOptional()
    .meta({ description: 'What the provider calls the model, where that is not the name it has here.' }),
});

const secret = z
  .string()
  .max(SECRET_LENGTH_MAX)
  // Header values must not hold these (RFC 9110, section 5.5); a line break here is mostly a file read with its last line end.
  .regex(/^[\x20-\x7e\x80-\u{10ffff}]*$/u, 'must not hold line breaks or control characters')
  .regex(/^(?! )(?!.* $)/, 'must not begin or end with a space');

const keySchema = z.union([
  secret,
  z.strictObject({
    key: secret.meta({ description: 'The key.' }),
    weight: whole({ min: 0, max: WEIGHT_MAX }).default(1).meta({ description: 'Share of the requests that use it.' }),
  }),
]);

const fieldsSchema = z.strictObject({
  like: named(ID).exactOptional().meta({
    description: 'Takes over dialect, quirks, models and prices of that provider, under this one’s name.',
  }),
  dialect: z
    .enum(DIALECTS)
    .exactOptional()
    .meta({ description: 'Wire format. Needed where the id is not in the catalog and `like` is not given.' }),
  base_url: z
    .string()
    .max(URL_LENGTH_MAX)
    .transform((given, context) => {
      const reason = whyNotBaseUrl(given);
      if (reason === undefined) return given.replace(/\/+$/, '');
      context.addIssue({ code: 'custom', message: reason });
      return z.NEVER;
    })
    .exactOptional()
    .meta({
      description:
        'Everything before the operation (`https://api.openai.com/v1`). It may be a private address: this file is the operator’s word.',
    }),
  api_key: z
    .union([secret, z.array(keySchema).max(KEYS_MAX)])
    .transform(toKeys)
    .exactOptional()
    .meta({
      description:
        'Key, or list of keys to spread the requests over. Name an environment variable: `"${OPENAI_API_KEY}"`.',
    }),
  api_key_file: z
    .union([text(PATH_LENGTH_MAX), z.array(text(PATH_LENGTH_MAX)).max(KEYS_MAX)])
    .transform((given) => (typeof given === 'string' ? [given] : given))
    .exactOptional()
    .meta({
      description:
        'File with a key in its only line (`/run/secrets/openai`), or list of files, relative to this one. Read when this file is, or by SIGHUP.',
    }),
  ...accountFields,
  headers: table(secret, HEADER_NAME)
    .superRefine((headers, context) => {
      const seen = new Set<string>();
      for (const name of Object.keys(headers)) {
        const lower = name.toLowerCase();
        const isConnection = CONNECTION_HEADERS.has(lower);
        const message = isConnection ? 'belongs to the connection and cannot be set here' : 'stands here a second time';
        if (isConnection || seen.has(lower))
          context.addIssue({ code: 'custom', path: [name], message, params: { at: 'key' } });
        seen.add(lower);
      }
    })
    .transform(toLowerCaseNames)
    .exactOptional()
    .meta({ description: 'Headers to send with each request, beside those of the dialect.' }),
  region: region.exactOptional().meta({ description: 'Where this provider computes (`eu`, `us-east-1`).' }),
  compliance: wordList.exactOptional().meta({ description: 'What it is certified for (`gdpr`, `hipaa`).' }),
  retention_days: whole({ min: 0, max: 36_500 }).exactOptional().meta({
    description: 'For how many days it keeps what it is sent, by your contract; 0: not at all.',
  }),
  trains: z.boolean().exactOptional().meta({ description: 'Whether it trains on what it is sent.' }),
  limits: z
    .strictObject({
      requests_per_minute: whole({ min: 1, max: 100_000_000 }).exactOptional().meta({ description: 'For one key.' }),
      tokens_per_minute: whole({ min: 1, max: TOKENS_MAX }).exactOptional().meta({ description: 'For one key.' }),
      concurrent: whole({ min: 1, max: 1_000_000 }).exactOptional().meta({
        description: 'Requests under way at the same time, for one model with one key.',
      }),
    })
    .exactOptional()
    .meta({
      description: 'What it allows, where you know. Without them they are learned from its headers and refusals.',
    }),
  models: table(modelSchema, MODEL_NAME)
    .prefault({})
    .meta({ description: 'Models to add, or whose catalog data to override, field by field.' }),
  weight: whole({ min: 0, max: WEIGHT_MAX })
    .default(1)
    .meta({ description: 'Share of the requests for a model that several providers serve.' }),
  disabled: z.boolean().default(false).meta({ description: 'Keeps the entry, but sends nothing there.' }),
  timeouts: providerTimeoutsSchema.prefault({}).meta({ description: 'Other limits than the general `timeouts`.' }),
});

export const providerSchema = fieldsSchema.superRefine((provider, context) => {
  for (const { path, message } of accountIssues(provider))
    context.addIssue({ code: 'custom', path: [...path], message });
});

/** One form for all spellings. An empty text (`"${KEY:-}"`) is no key. */
function toKeys(given: string | readonly (string | ApiKey)[]): readonly ApiKey[] {
  const list = typeof given === 'string' ? [given] : given;
  return list.map((key) => (typeof key === 'string' ? { key, weight: 1 } : key)).filter(({ key }) => key !== '');
}

function toLowerCaseNames(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return Object.assign(Object.create(null), Object.fromEntries(lower));
}

function whyNotBaseUrl(given: string): string | undefined {
  if (/[\s\p{Cc}\\]/u.test(given) || !URL.canParse(given)) return 'must be a URL such as https://api.openai.com/v1';
  const url = new URL(given);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must begin with https:// or http://';
  if (url.username !== '' || url.password !== '')
    return 'must not hold a user name or password; use `api_key` or `headers`';
  if (given.includes('?')) return 'must not have a query; the operation is put behind it';
  if (given.includes('#')) return 'must not have a fragment';
  return undefined;
}
