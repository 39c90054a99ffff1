/**
 * Every endpoint of the gateway beside the three chats of bad-input-*.test.ts: a request that it serves, and what it refuses by
 * the name of the field. A new endpoint needs a row here: bad-input-endpoints.test.ts walks over the router's own list.
 */
import assert from 'node:assert/strict';
import type { Json, JsonRecord } from '../../src/lib/json.ts';
import { asRecord, asString } from '../../src/lib/json.ts';
import { assertRefused, keyHeaders, send, type Answer, type Expected, type Protocol, type Rig } from './bad-input.ts';

/** Whose form an error has. */
export type Words = Protocol | 'cohere';

export interface Endpoint {
  readonly path: string;
  readonly words: Words;
  /** Is answered with 200. */
  readonly good: JsonRecord;
  /** Where the model's name stands; absent: in the path. */
  readonly modelField?: string;
  /** A field with a text that may be as long as the body. */
  readonly text: (value: string) => JsonRecord;
  /** Fields that count something, and how a body has them. */
  readonly counts: readonly Count[];
  /** A good body with this patch is refused, and the field is named. */
  readonly refused: readonly (readonly [patch: JsonRecord, param: string | RegExp, status?: number])[];
  /** Has fields for what a caller may want to keep (`metadata`, `labels`). */
  readonly metadata?: string;
  readonly streams?: true;
}

interface Count {
  readonly param: string;
  readonly patch: (value: Json) => JsonRecord;
  /** Zero of it has a meaning. */
  readonly takesZero?: true;
}

const model = 'house/m';
const messages: Json = [{ role: 'user', content: 'hi' }];
const NOT_URLS = ['file:///etc/passwd', 'gopher://localhost/', 'javascript:alert(1)'] as const;

function counted(param: string, more: { readonly takesZero?: true } = {}): Count {
  return { param, patch: (value) => ({ [param]: value }), ...more };
}

const ANSWERS = {
  path: '/v1/responses',
  words: 'openai',
  good: { model, input: 'hi' },
  modelField: 'model',
  text: (value) => ({ input: value }),
  counts: [counted('max_output_tokens')],
  metadata: 'metadata',
  streams: true,
  refused: [
    [{ input: 5 }, 'input'],
    [{ input: { role: 'user' } }, 'input'],
    [{ input: [7] }, /^input\[0\]/],
    [{ input: [{ role: 'wizard', content: 'hi' }] }, /^input\[0\]/],
    [{ input: [{ role: 'user', content: null }] }, /^input\[0\]\.content/],
    [{ input: [{ role: 'user', content: [{ type: 'no_such' }] }] }, /^input\[0\]\.content/],
    [{ input: [{ type: 'function_call', call_id: 'c', name: 'f', arguments: 5 }] }, /^input\[0\]\.arguments/],
    [{ input: [{ type: 'function_call_output', call_id: 5, output: 'x' }] }, /^input\[0\]\.call_id/],
    ...NOT_URLS.map((image_url) => imageRow(image_url)),
    [{ instructions: 5 }, 'instructions'],
    [{ temperature: -1 }, 'temperature'],
    [{ temperature: 99 }, 'temperature'],
    [{ temperature: 'hot' }, 'temperature'],
    [{ top_p: 2 }, 'top_p'],
    [{ tools: {} }, 'tools'],
    [{ tools: [{ type: 'function' }] }, /^tools\[0\]/],
    [{ tools: [{ type: 'function', name: 'f', parameters: 'x' }] }, /^tools\[0\]/],
    [{ tool_choice: 5 }, /^tool_choice/],
    [{ text: { format: { type: 'json_schema' } } }, /^text\.format/],
    [{ previous_response_id: 5 }, 'previous_response_id'],
    [{ previous_response_id: 'resp_none' }, 'previous_response_id'],
    [{ background: true }, 'background'],
    [{ store: 'yes' }, 'store'],
    [{ include: 'x' }, 'include'],
    [{ user: 5 }, 'user'],
    [{ parallel_tool_calls: 'yes' }, 'parallel_tool_calls'],
  ],
} as const satisfies Endpoint;

function imageRow(image_url: string): readonly [JsonRecord, RegExp] {
  return [{ input: [{ role: 'user', content: [{ type: 'input_image', image_url }] }] }, /^input\[0\]\.content/];
}

const EMBEDDING_FIELDS: Endpoint['refused'] = [
  [{ input: undefined }, 'input'],
  [{ input: [] }, 'input'],
  [{ input: '' }, 'input'],
  [{ input: {} }, 'input'],
  [{ input: ['a', ''] }, 'input[1]'],
  [{ input: ['a', 5] }, 'input[1]'],
  [{ input: [1, -1] }, /^input/],
  [{ input: [[1], [1.5]] }, /^input/],
  [{ encoding_format: 'hex' }, 'encoding_format'],
  [{ user: 5 }, 'user'],
];

const RERANK_FIELDS: Endpoint['refused'] = [
  [{ query: undefined }, 'query'],
  [{ query: '' }, 'query'],
  [{ query: 5 }, 'query'],
  [{ documents: undefined }, 'documents'],
  [{ documents: [] }, 'documents'],
  [{ documents: 'x' }, 'documents'],
  [{ documents: [5] }, 'documents[0]'],
  [{ documents: ['a', null] }, 'documents[1]'],
];

/** Endpoints that take JSON. */
export const JSON_ENDPOINTS: readonly Endpoint[] = [
  ANSWERS,
  { ...ANSWERS, path: '/v1/responses/input_tokens', refused: ANSWERS.refused.slice(0, 9) },
  {
    path: '/v2/chat',
    words: 'cohere',
    good: { model, messages },
    modelField: 'model',
    text: (value) => ({ messages: [{ role: 'user', content: value }] }),
    counts: [counted('max_tokens', { takesZero: true })],
    streams: true,
    refused: [
      [{ messages: undefined }, 'messages'],
      [{ messages: [] }, 'messages'],
      [{ messages: 'x' }, 'messages'],
      [{ messages: [{ role: 'wizard', content: 'x' }] }, 'messages[0].role'],
      [{ messages: [{ role: 'user', content: null }] }, 'messages[0].content'],
      [{ messages: [{ role: 'user', content: [{ type: 'no_such' }] }] }, 'messages[0].content[0]'],
      [{ temperature: 'hot' }, 'temperature'],
      [{ temperature: -1 }, 'temperature'],
      [{ p: 2 }, 'p'],
      [{ stop_sequences: 5 }, 'stop_sequences'],
      [{ tools: {} }, 'tools'],
      [{ tools: [{ type: 'function' }] }, 'tools[0]'],
      [{ response_format: 5 }, 'response_format'],
    ],
  },
  {
    path: '/v1/embeddings',
    words: 'openai',
    good: { model, input: 'hi' },
    modelField: 'model',
    text: (value) => ({ input: value }),
    counts: [counted('dimensions')],
    refused: EMBEDDING_FIELDS,
  },
  {
    path: '/v2/embed',
    words: 'cohere',
    good: { model, texts: ['hi'], input_type: 'search_document', embedding_types: ['float'] },
    modelField: 'model',
    text: (value) => ({ texts: [value] }),
    counts: [counted('output_dimension')],
    refused: [
      [{ texts: undefined }, 'texts'],
      [{ texts: [] }, 'texts'],
      [{ texts: 'x' }, 'texts'],
      [{ texts: [5] }, 'texts[0]'],
      [{ embedding_types: 'float' }, 'embedding_types'],
      [{ embedding_types: ['hex'] }, 'embedding_types'],
      [{ input_type: 5 }, 'input_type'],
      [{ truncate: 'MIDDLE' }, 'truncate'],
    ],
  },
  {
    path: '/v1/rerank',
    words: 'openai',
    good: { model, query: 'q', documents: ['a'] },
    modelField: 'model',
    text: (value) => ({ query: value }),
    counts: [counted('top_n')],
    refused: [...RERANK_FIELDS, [{ return_documents: 'yes' }, 'return_documents']],
  },
  {
    path: '/v2/rerank',
    words: 'cohere',
    good: { model, query: 'q', documents: ['a'] },
    modelField: 'model',
    text: (value) => ({ query: value }),
    counts: [counted('top_n'), counted('max_tokens_per_doc')],
    refused: RERANK_FIELDS,
  },
  {
    path: '/v1/moderations',
    words: 'openai',
    good: { model, input: 'hi' },
    modelField: 'model',
    text: (value) => ({ input: value }),
    counts: [],
    refused: [
      [{ input: undefined }, 'input'],
      [{ input: [] }, 'input'],
      [{ input: 5 }, 'input'],
      [{ input: [5] }, 'input[0]'],
      [{ input: [{ type: 'no_such' }] }, /^input\[0\]/],
      ...NOT_URLS.map((url): readonly [JsonRecord, RegExp] => [
        { input: [{ type: 'image_url', image_url: { url } }] },
        /^input\[0\]/,
      ]),
    ],
  },
  {
    path: '/v1/images/generations',
    words: 'openai',
    good: { model, prompt: 'a cat' },
    modelField: 'model',
    text: (value) => ({ prompt: value }),
    counts: [counted('n'), counted('partial_images', { takesZero: true })],
    streams: true,
    refused: [
      [{ prompt: undefined }, 'prompt'],
      [{ prompt: '' }, 'prompt'],
      [{ prompt: 5 }, 'prompt'],
      [{ n: 10_000 }, 'n'],
      [{ size: '0x5' }, 'size'],
      [{ size: 5 }, 'size'],
      [{ response_format: 'gif' }, 'response_format'],
      [{ user: 5 }, 'user'],
    ],
  },
  {
    path: '/v1/images/edits',
    words: 'openai',
    good: { model, prompt: 'a cat', images: [{ image_url: 'data:image/png;base64,AAAA' }] },
    modelField: 'model',
    text: (value) => ({ prompt: value }),
    counts: [counted('n')],
    streams: true,
    refused: [
      [{ prompt: undefined }, 'prompt'],
      [{ images: undefined }, /^images?$/],
      [{ images: [] }, /^images?/],
      [{ images: 'x' }, /^images?/],
      ...NOT_URLS.map((image_url): readonly [JsonRecord, RegExp] => [{ images: [{ image_url }] }, /^images?\[0\]/]),
      [{ n: 10_000 }, 'n'],
    ],
  },
  {
    path: '/v1/audio/speech',
    words: 'openai',
    good: { model, input: 'hi', voice: 'alloy' },
    modelField: 'model',
    text: (value) => ({ input: value }),
    counts: [],
    refused: [
      [{ input: undefined }, 'input'],
      [{ input: '' }, 'input'],
      [{ input: 5 }, 'input'],
      [{ voice: 5 }, 'voice'],
      [{ speed: 'fast' }, 'speed'],
      [{ speed: -1 }, 'speed'],
      [{ response_format: 5 }, 'response_format'],
      [{ stream_format: 'x' }, 'stream_format'],
    ],
  },
  {
    path: '/v1beta/models/house%2Fm:embedContent',
    words: 'gemini',
    good: { content: { parts: [{ text: 'hi' }] } },
    text: (text) => ({ content: { parts: [{ text }] } }),
    counts: [counted('outputDimensionality')],
    refused: [
      [{ content: undefined }, /^content/],
      [{ content: {} }, /^content/],
      [{ content: { parts: [] } }, /^content/],
      [{ content: { parts: [{ video: 1 }] } }, /^content/],
      [{ content: 5 }, /^content/],
      [{ taskType: 5 }, 'taskType'],
    ],
  },
  {
    path: '/v1beta/models/house%2Fm:batchEmbedContents',
    words: 'gemini',
    good: { requests: [{ model: 'models/house/m', content: { parts: [{ text: 'hi' }] } }] },
    text: (text) => ({ requests: [{ model: 'models/house/m', content: { parts: [{ text }] } }] }),
    counts: [
      {
        param: 'requests[0].outputDimensionality',
        patch: (outputDimensionality) => ({
          requests: [{ content: { parts: [{ text: 'hi' }] }, outputDimensionality }],
        }),
      },
    ],
    refused: [
      [{ requests: undefined }, 'requests'],
      [{ requests: [] }, 'requests'],
      [{ requests: {} }, 'requests'],
      [{ requests: [5] }, /^requests\[0\]/],
      [{ requests: [{ content: { parts: [{ video: 1 }] } }] }, /^requests\[0\]\.content/],
    ],
  },
  {
    path: '/v1beta/models/gem%2Fm:countTokens',
    words: 'gemini',
    good: { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] },
    text: (text) => ({ contents: [{ role: 'user', parts: [{ text }] }] }),
    counts: [],
    refused: [
      [{ contents: undefined }, 'contents'],
      [{ contents: [] }, 'contents'],
      [{ contents: 'x' }, 'contents'],
      [{ contents: [{ role: 'wizard', parts: [{ text: 'x' }] }] }, /^contents\[0\]/],
      [{ contents: [{ role: 'user', parts: [{}] }] }, /^contents\[0\]\.parts\[0\]/],
    ],
  },
  {
    path: '/v1/messages/count_tokens',
    words: 'anthropic',
    good: { model: 'claude/m', messages },
    modelField: 'model',
    text: (value) => ({ messages: [{ role: 'user', content: value }] }),
    counts: [],
    refused: [
      [{ messages: undefined }, 'messages'],
      [{ messages: [] }, 'messages'],
      [{ messages: 'x' }, 'messages'],
      [{ messages: [{ role: 'wizard', content: 'x' }] }, /^messages\[0\]/],
      [{ messages: [{ role: 'user', content: null }] }, /^messages\[0\]\.content/],
      [{ system: 5 }, 'system'],
      [{ tools: {} }, 'tools'],
    ],
  },
  {
    path: '/v1/explain',
    words: 'openai',
    good: { model, messages },
    modelField: 'model',
    text: (value) => ({ messages: [{ role: 'user', content: value }] }),
    counts: [counted('max_tokens')],
    metadata: 'metadata',
    streams: true,
    refused: [
      [{ messages: undefined }, 'messages'],
      [{ temperature: 'hot' }, 'temperature'],
    ],
  },
];

/** An endpoint that takes `multipart/form-data`, in OpenAI's words. */
export interface FormEndpoint {
  readonly path: string;
  /** Fields and a file that are answered with 200. */
  readonly fields: Readonly<Record<string, string>>;
  readonly fileField: string;
  readonly type: string;
  /** Values that are refused by the name of their field. */
  readonly refused: readonly (readonly [name: string, value: string])[];
}

const TRANSCRIPTS: Omit<FormEndpoint, 'path'> = {
  fields: { model },
  fileField: 'file',
  type: 'audio/wav',
  refused: [
    ['response_format', 'gif'],
    ['temperature', 'hot'],
    ['temperature', '99'],
    ['stream', 'maybe'],
  ],
};

export const FORM_ENDPOINTS: readonly FormEndpoint[] = [
  { path: '/v1/audio/transcriptions', ...TRANSCRIPTS },
  { path: '/v1/audio/translations', ...TRANSCRIPTS },
  {
    path: '/v1/images/edits',
    fields: { model, prompt: 'greener' },
    fileField: 'image',
    type: 'image/png',
    refused: [
      ['prompt', ''],
      ['n', '0'],
      ['n', 'many'],
      ['n', '10000'],
      ['size', '0x5'],
      ['stream', 'maybe'],
    ],
  },
];

/** Requests without a body: what they ask, and how it is refused. */
export const BARE_ENDPOINTS: readonly (readonly [asked: string, words: Words, expected: Expected])[] = [
  ...['GET /v1/responses/resp_none', 'DELETE /v1/responses/resp_none', 'GET /v1/responses/resp_none/input_items'].map(
    (asked) => [asked, 'openai', { status: 404, code: 'response_unknown', message: /"resp_none"/ }] as const,
  ),
  ['POST /v1/responses/resp_none/cancel', 'openai', { status: 400, param: 'response_id' }],
  [`GET /v1/responses/${'r'.repeat(300)}`, 'openai', { status: 404 }],
  ['GET /v1/responses/a%00b', 'openai', { status: 404 }],
  ['GET /v1/responses/..%2f..%2fetc', 'openai', { status: 404 }],
  ['PUT /v1/responses/resp_none', 'openai', { status: 405 }],
  ['POST /v1/responses/resp_none/input_items', 'openai', { status: 405 }],
  ['GET /v1/responses', 'openai', { status: 426 }],
  ['GET /v1/models/no-such', 'openai', { status: 404, param: 'model' }],
  ['GET /v1/models/constructor', 'openai', { status: 404, param: 'model' }],
  ['GET /v1/models/a%0d%0ax:%20y', 'openai', { status: 404 }],
  [`GET /v1/models/${'m'.repeat(5000)}`, 'openai', { status: 404, param: 'model' }],
  ['POST /v1/models', 'openai', { status: 405 }],
  ['GET /anthropic/v1/models/no-such', 'anthropic', { status: 404, param: 'model' }],
  ['GET /anthropic/v1/models?limit=-1', 'anthropic', { status: 400, param: 'limit' }],
  ['GET /anthropic/v1/models?limit=1e9x', 'anthropic', { status: 400, param: 'limit' }],
  ['GET /anthropic/v1/models?after_id=no-such', 'anthropic', { status: 400, param: 'after_id' }],
  ['GET /v1beta/models/no-such', 'gemini', { status: 404, param: 'model' }],
  ['GET /v1/models?pageSize=-1', 'gemini', { status: 400, param: 'pageSize' }],
  ['GET /v1/models/no-such', 'gemini', { status: 404, param: 'model' }],
  ['GET /v1beta/models?pageSize=-1', 'gemini', { status: 400, param: 'pageSize' }],
  ['GET /v1beta/models?pageToken=no-such', 'gemini', { status: 400, param: 'pageToken' }],
  ...['GET /v1/files/file-none', 'DELETE /v1/files/file-none', 'GET /v1/files/file-none/content'].map(
    (asked) => [asked, 'openai', { status: 404, message: /file-none/ }] as const,
  ),
  ['GET /v1/files?limit=0', 'openai', { status: 400, param: 'limit' }],
  ['GET /v1/files?order=sideways', 'openai', { status: 400, param: 'order' }],
  ['POST /v1/files', 'openai', { status: 415 }],
  [`GET /v1/files/${'f'.repeat(300)}`, 'openai', { status: 404 }],
  ...['GET /v1/batches/batch_none', 'POST /v1/batches/batch_none/cancel'].map(
    (asked) => [asked, 'openai', { status: 404, message: /batch_none/ }] as const,
  ),
  ['GET /v1/batches?limit=101', 'openai', { status: 400, param: 'limit' }],
  ['POST /v1/batches', 'openai', { status: 400, code: 'body_empty' }],
  ['DELETE /v1/batches/batch_none', 'openai', { status: 405 }],
  ...[
    'GET /v1/messages/batches/msgbatch_none',
    'GET /v1/messages/batches/msgbatch_none/results',
    'DELETE /v1/messages/batches/msgbatch_none',
    'POST /v1/messages/batches/msgbatch_none/cancel',
  ].map((asked) => [asked, 'anthropic', { status: 404, message: /msgbatch_none/ }] as const),
  ['GET /v1/messages/batches?limit=many', 'anthropic', { status: 400, param: 'limit' }],
  ['POST /v1/messages/batches', 'anthropic', { status: 415 }],
  ['GET /v1/decisions/req_none', 'openai', { status: 404, code: 'record_unknown' }],
  [`GET /v1/decisions/${'r'.repeat(300)}`, 'openai', { status: 404 }],
  ['DELETE /v1/decisions/req_none', 'openai', { status: 405 }],
];

/** One request to an endpoint, with the root key. */
export function ask(
  rig: Rig,
  { path, words }: Pick<Endpoint, 'path' | 'words'>,
  body: JsonRecord | string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const bytes = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return send(rig, path, {
    body: bytes,
    headers: { 'content-type': 'application/json', ...keysOf(words), ...headers },
  });
}

export function keysOf(words: Words, key?: string): Readonly<Record<string, string>> {
  return keyHeaders(words === 'cohere' ? 'openai' : words, key);
}

/** That an answer is the refusal of its protocol. Cohere's has no place for a field: its text names it. */
export function assertRefusedIn(answer: Answer, words: Words, expected: Expected): void {
  if (words !== 'cohere') {
    assertRefused(answer, words, expected);
    return;
  }
  const shown = `${answer.status} ${answer.text.slice(0, 300)}`;
  assert.ok([expected.status].flat().includes(answer.status), `expected ${String(expected.status)}, got ${shown}`);
  assert.equal(answer.headers['content-type'], 'application/json', shown);
  const body = asRecord(answer.json);
  assert.deepEqual(Object.keys(body ?? {}), ['id', 'message', 'error_type'], shown);
  assert.equal(body?.['id'], answer.headers['x-request-id'], shown);
  const message = asString(body?.['message']) ?? '';
  const code = asString(body?.['error_type'])?.replaceAll('-', '_');
  if (expected.code !== undefined) assert.equal(code, expected.code, shown);
  assert.ok(message.length > 10 && message.length < 1000, shown);
  if (typeof expected.param === 'string') assert.ok(message.includes(`\`${expected.param}`), shown);
  if (expected.message !== undefined) assert.match(message, expected.message, shown);
}
