/** Which operation a method and a path mean. Pure; the listener does what it says. */
import { fault, type Fault } from '../chat/fault.ts';
import type { Origin } from '../chat/part.ts';
import type { PathFacts } from '../dialects/dialect.ts';
import type { AskedPath, OperationId } from '../dialects/operations/operation.ts';
import { err, ok, type Result } from '../lib/result.ts';

export type Operation =
  | { readonly kind: 'chat'; readonly dialect: Origin; readonly path: PathFacts; readonly isJsonArray: boolean }
  | { readonly kind: 'count-tokens'; readonly dialect: Origin; readonly path: PathFacts }
  | OperationRoute
  | { readonly kind: 'explain'; readonly dialect: Origin; readonly operation?: OperationRoute }
  | { readonly kind: 'models'; readonly form: ListForm }
  | { readonly kind: 'model'; readonly form: ListForm; readonly name: string }
  | { readonly kind: 'response'; readonly action: 'show' | 'remove' | 'items' | 'cancel'; readonly id: string }
  | { readonly kind: 'decision'; readonly id: string }
  | { readonly kind: 'feedback' }
  | FilesOperation
  | BatchesOperation
  | { readonly kind: 'admin'; readonly path: string }
  | { readonly kind: 'login'; readonly path: string }
  | { readonly kind: 'webhook'; readonly source: 'stripe' }
  | { readonly kind: 'healthz' | 'readyz' | 'metrics' | 'home' | 'responses-upgrade' };

/** What is asked beside a chat, and in whose words. */
export interface OperationRoute {
  readonly kind: OperationId;
  /** Of the caller's errors: `cohere` has its own. */
  readonly dialect: Origin;
  readonly wire: string;
  readonly path: AskedPath;
}

interface FilesOperation {
  readonly kind: 'files';
  readonly action: 'create' | 'list' | 'show' | 'content' | 'remove';
  /** Empty where no file is named. */
  readonly id: string;
}

interface BatchesOperation {
  readonly kind: 'batches';
  readonly form: 'openai' | 'anthropic';
  /** Of errors. */
  readonly dialect: Origin;
  readonly action: 'create' | 'list' | 'show' | 'cancel' | 'remove' | 'results';
  readonly id: string;
}

/** Whose form of the list of models a path asks for; under `/v1` alone the headers tell. */
type ListForm = 'v1' | 'anthropic' | 'gemini';

interface Row {
  readonly pattern: RegExp;
  readonly methods: readonly string[];
  /** Operations that share the pattern: its last words. */
  readonly verbs?: readonly string[];
  readonly operation: (match: RegExpExecArray, query: URLSearchParams) => Operation | undefined;
}

/** Prefixes that official clients put before our paths: OpenAI's and Anthropic's behind gateways, OpenRouter's `/api`. */
const PREFIX = /^\/(openai|api|anthropic)(?=\/v1)/;

/** A Map, since the verb comes from the caller and `constructor` is none. */
const GEMINI_VERBS: ReadonlyMap<string, 'chat' | 'stream' | 'count' | 'embed'> = new Map<
  string,
  'chat' | 'stream' | 'count' | 'embed'
>([
  ['embedContent', 'embed'],
  ['batchEmbedContents', 'embed'],
  ['generateContent', 'chat'],
  ['streamGenerateContent', 'stream'],
  ['countTokens', 'count'],
]);

/** The operations of the two versions of the API that have words of their own: OpenAI's `v1`, Cohere's `v2`. */
const PATHS: readonly (readonly [path: string, kind: OperationId, wire: string, dialect: Origin])[] = [
  ['/v1/embeddings', 'embeddings', 'openai-embeddings', 'openai-chat'],
  ['/v1/rerank', 'rerank', 'jina-rerank', 'openai-chat'],
  ['/v1/moderations', 'moderations', 'openai-moderations', 'openai-chat'],
  ['/v1/images/generations', 'images', 'openai-images', 'openai-chat'],
  ['/v1/images/edits', 'image-edits', 'openai-image-edits', 'openai-chat'],
  ['/v1/audio/speech', 'speech', 'openai-speech', 'openai-chat'],
  ['/v1/audio/transcriptions', 'transcriptions', 'openai-transcription', 'openai-chat'],
  ['/v1/audio/translations', 'translations', 'openai-translation', 'openai-chat'],
  ['/v2/embed', 'embeddings', 'cohere-embed', 'cohere'],
  ['/v2/rerank', 'rerank', 'cohere-rerank', 'cohere'],
];

const ROWS: readonly Row[] = [
  {
    pattern: /^\/v1\/chat\/completions$/,
    methods: ['POST'],
    operation: () => ({ kind: 'chat', dialect: 'openai-chat', path: {}, isJsonArray: false }),
  },
  {
    pattern: /^\/v1\/completions$/,
    methods: ['POST'],
    operation: () => ({ kind: 'chat', dialect: 'openai-completions', path: {}, isJsonArray: false }),
  },
  {
    pattern: /^\/v1\/responses$/,
    methods: ['POST'],
    operation: () => ({ kind: 'chat', dialect: 'openai-responses', path: {}, isJsonArray: false }),
  },
  {
    pattern: /^\/v1\/responses\/input_tokens$/,
    methods: ['POST'],
    operation: () => ({ kind: 'count-tokens', dialect: 'openai-responses', path: {} }),
  },
  {
    pattern: /^\/v1\/responses\/([\w-]{1,256})$/,
    methods: ['GET'],
    operation: (match) => ({ kind: 'response', action: 'show', id: match[1] ?? '' }),
  },
  {
    pattern: /^\/v1\/responses\/([\w-]{1,256})$/,
    methods: ['DELETE'],
    operation: (match) => ({ kind: 'response', action: 'remove', id: match[1] ?? '' }),
  },
  {
    pattern: /^\/v1\/responses\/([\w-]{1,256})\/input_items$/,
    methods: ['GET'],
    operation: (match) => ({ kind: 'response', action: 'items', id: match[1] ?? '' }),
  },
  {
    pattern: /^\/v1\/responses\/([\w-]{1,256})\/cancel$/,
    methods: ['POST'],
    operation: (match) => ({ kind: 'response', action: 'cancel', id: match[1] ?? '' }),
  },
  {
    pattern: /^\/v1\/messages$/,
    methods: ['POST'],
    operation: () => ({ kind: 'chat', dialect: 'anthropic-messages', path: {}, isJsonArray: false }),
  },
  {
    pattern: /^\/v2\/chat$/,
    methods: ['POST'],
    operation: () => ({ kind: 'chat', dialect: 'cohere', path: {}, isJsonArray: false }),
  },
  {
    pattern: /^\/v1\/messages\/count_tokens$/,
    methods: ['POST'],
    operation: () => ({ kind: 'count-tokens', dialect: 'anthropic-messages', path: {} }),
  },
  ...operationRows(),
  ...fileRows(),
  ...batchRows(),
  // Some clients leave `models/` out before a name with a slash (@ai-sdk/google).
  {
    pattern: /^\/(?:v1beta|v1)\/(?:models\/)?(.+)(?::|%3[Aa])(\w+)$/,
    methods: ['POST'],
    verbs: [...GEMINI_VERBS.keys()],
    operation: geminiOperation,
  },
  { pattern: /^\/v1\/models$/, methods: ['GET', 'HEAD'], operation: () => ({ kind: 'models', form: 'v1' }) },
  { pattern: /^\/v1beta\/models$/, methods: ['GET', 'HEAD'], operation: () => ({ kind: 'models', form: 'gemini' }) },
  { pattern: /^\/v1\/models\/(.+)$/, methods: ['GET', 'HEAD'], operation: (match) => modelOperation('v1', match) },
  {
    pattern: /^\/v1beta\/models\/(.+)$/,
    methods: ['GET', 'HEAD'],
    operation: (match) => modelOperation('gemini', match),
  },
  {
    pattern: /^\/v1\/explain$/,
    methods: ['POST'],
    operation: (_, query) => explainOperation(query),
  },
  {
    pattern: /^\/v1\/decisions\/([\w-]{1,100})$/,
    methods: ['GET'],
    operation: (match) => ({ kind: 'decision', id: match[1] ?? '' }),
  },
  { pattern: /^\/webhooks\/stripe$/, methods: ['POST'], operation: () => ({ kind: 'webhook', source: 'stripe' }) },
  { pattern: /^\/v1\/feedback$/, methods: ['POST'], operation: () => ({ kind: 'feedback' }) },
  { pattern: /^\/v1\/responses$/, methods: ['GET'], operation: () => ({ kind: 'responses-upgrade' }) },
  { pattern: /^\/healthz$/, methods: ['GET', 'HEAD'], operation: () => ({ kind: 'healthz' }) },
  { pattern: /^\/readyz$/, methods: ['GET', 'HEAD'], operation: () => ({ kind: 'readyz' }) },
  { pattern: /^\/metrics$/, methods: ['GET', 'HEAD'], operation: () => ({ kind: 'metrics' }) },
  { pattern: /^\/$/, methods: ['GET', 'HEAD'], operation: () => ({ kind: 'home' }) },
  {
    pattern: /^\/admin\/v1\/(.+)$/,
    methods: ['GET', 'POST', 'PATCH', 'DELETE'],
    operation: (match) => ({ kind: 'admin', path: match[1] ?? '' }),
  },
  {
    pattern: /^\/auth\/.+$/,
    methods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'],
    operation: (match) => ({ kind: 'login', path: match[0] }),
  },
  {
    pattern: /^\/(?:login|logout|setup|invite|password|sign-up|welcome)$/,
    methods: ['GET', 'HEAD', 'POST'],
    operation: (match) => ({ kind: 'login', path: match[0] }),
  },
];

type Routed = Result<Operation, Fault> & { readonly allow?: string };

/** Of what is asked again and again, the operations: fifty patterns are not tried for each request. */
const ASKED_MAX = 256;
const ASKED_LENGTH_MAX = 200;
const asked = new Map<string, Routed>();

/** The operation, or the fault that says what would be right: 404 with a hint, 405 with the methods that are taken. */
export function routeOf(method: string, target: string): Routed {
  const name = `${method} ${target}`;
  const known = asked.get(name);
  if (known !== undefined) return known;
  const found = lookUp(method, target);
  // A query may hold a key (`?key=`), which is kept nowhere.
  if (found.ok && name.length <= ASKED_LENGTH_MAX && !name.includes('?')) {
    if (asked.size >= ASKED_MAX) asked.clear();
    asked.set(name, found);
  }
  return found;
}

function lookUp(method: string, target: string): Routed {
  const [rawPath, query] = splitOnce(target, '?');
  const prefix = PREFIX.exec(rawPath);
  const path = rawPath.slice(prefix?.[0].length ?? 0);
  const fits = ROWS.flatMap((row) => {
    const match = row.pattern.exec(path);
    const operation = match === null ? undefined : row.operation(match, new URLSearchParams(query));
    return operation === undefined ? [] : [{ methods: row.methods, operation }];
  });
  const found = fits.find(({ methods }) => methods.includes(method));
  if (found !== undefined) return ok(prefix?.[1] === 'anthropic' ? inAnthropicForm(found.operation) : found.operation);
  // What is posted to `model:verb` is an operation, and the verb is none that we know: not a model that is only looked at.
  if (fits.length === 0 || (method === 'POST' && /:\w+$/.test(path)))
    return err(fault('route-unknown', { method, path: shown(rawPath), hint: hintFor(path) }));
  const allow = [...new Set(fits.flatMap(({ methods }) => methods))].join(', ');
  return { ...err(fault('method-not-allowed', { method, path: shown(rawPath), allow })), allow };
}

/** One way to ask something: a method, and the paths that it fits. */
export interface Route {
  /** For people: the method and the pattern. */
  readonly name: string;
  readonly method: string;
  readonly fits: (path: string) => boolean;
}

/** All that `routeOf` takes, for tests that must not forget any of it. */
export function routesTaken(): readonly Route[] {
  return ROWS.flatMap(({ pattern, methods, verbs = [''] }) =>
    methods.flatMap((method) =>
      verbs.map((verb) => ({
        name: `${method} ${pattern.source} ${verb}`.trim(),
        method,
        fits: (path: string) => pattern.test(path) && path.endsWith(verb),
      })),
    ),
  );
}

function inAnthropicForm(operation: Operation): Operation {
  return 'form' in operation && operation.form === 'v1' ? { ...operation, form: 'anthropic' } : operation;
}

function geminiOperation(match: RegExpExecArray, query: URLSearchParams): Operation | undefined {
  const verb = GEMINI_VERBS.get(match[2] ?? '');
  const model = decoded(match[1] ?? '');
  if (verb === undefined || model === undefined) return undefined;
  if (verb === 'count') return { kind: 'count-tokens', dialect: 'gemini', path: { model, isStreaming: false } };
  if (verb === 'embed') {
    const path = { model, verb: match[2] ?? '' };
    return { kind: 'embeddings', dialect: 'gemini', wire: 'gemini-embed', path };
  }
  const isStreaming = verb === 'stream';
  return {
    kind: 'chat',
    dialect: 'gemini',
    path: { model, isStreaming },
    isJsonArray: isStreaming && query.get('alt') !== 'sse',
  };
}

function modelOperation(form: 'v1' | 'gemini', match: RegExpExecArray): Operation | undefined {
  const name = decoded(match[1] ?? '');
  // An operation on a model is none.
  if (name === undefined || GEMINI_VERBS.has(name.slice(name.lastIndexOf(':') + 1))) return undefined;
  return { kind: 'model', form, name };
}

function operationRows(): readonly Row[] {
  return PATHS.map(([path, kind, wire, dialect]) => ({
    pattern: new RegExp(`^${path}$`),
    methods: ['POST'],
    operation: () => ({ kind, wire, dialect, path: {} }),
  }));
}

function fileRows(): readonly Row[] {
  const rows = [
    ['', 'POST', 'create'],
    ['', 'GET', 'list'],
    ['/{id}', 'GET', 'show'],
    ['/{id}', 'DELETE', 'remove'],
    ['/{id}/content', 'GET', 'content'],
  ] as const;
  return rows.map(([path, method, action]) => ({
    pattern: patternOf(`/v1/files${path}`),
    methods: [method],
    operation: (match) => ({ kind: 'files', action, id: match[1] ?? '' }),
  }));
}

function batchRows(): readonly Row[] {
  const both = [
    ['', 'POST', 'create'],
    ['', 'GET', 'list'],
    ['/{id}', 'GET', 'show'],
    ['/{id}/cancel', 'POST', 'cancel'],
  ] as const;
  const anthropic = [...both, ['/{id}', 'DELETE', 'remove'], ['/{id}/results', 'GET', 'results']] as const;
  const forms = [
    { base: '/v1/batches', form: 'openai', dialect: 'openai-chat', rows: both },
    { base: '/v1/messages/batches', form: 'anthropic', dialect: 'anthropic-messages', rows: anthropic },
  ] as const;
  return forms.flatMap(({ base, form, dialect, rows }) =>
    rows.map(([path, method, action]): Row => ({
      pattern: patternOf(`${base}${path}`),
      methods: [method],
      operation: (match) => ({ kind: 'batches', form, dialect, action, id: match[1] ?? '' }),
    })),
  );
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replace('{id}', '([\\w-]{1,128})')}$`);
}

/** `?dialect=` names the protocol of a chat, `?operation=` what else is asked, by its path (`/v1/embeddings`, or `embeddings`). */
function explainOperation(query: URLSearchParams): Operation {
  const operation = operationNamed(query.get('operation') ?? '');
  return operation === undefined
    ? { kind: 'explain', dialect: explainDialect(query.get('dialect')) }
    : { kind: 'explain', dialect: operation.dialect, operation };
}

/** What is asked beside a chat, by its path (`/v1/embeddings`) or its own name (`embeddings`); undefined where it is none of these. */
export function operationNamed(name: string): OperationRoute | undefined {
  const found = PATHS.find(([path, kind]) => name === path || name === kind);
  if (found === undefined) return undefined;
  const [, kind, wire, dialect] = found;
  return { kind, wire, dialect, path: {} };
}

const CHATS = ['openai-responses', 'openai-completions', 'anthropic-messages', 'gemini', 'cohere'] as const;

function explainDialect(name: string | null): Origin {
  return CHATS.find((dialect) => dialect === name) ?? 'openai-chat';
}

/** Percent-decoded, or undefined where the escapes are broken or hide a control character. */
function decoded(text: string): string | undefined {
  try {
    const plain = decodeURIComponent(text);
    // A model's name goes into headers and logs.
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for.
    return /[\u0000-\u001f\u007f]/.test(plain) ? undefined : plain;
  } catch {
    return undefined;
  }
}

function splitOnce(text: string, mark: string): readonly [string, string] {
  const at = text.indexOf(mark);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** A path as it may stand in an error: short and printable. */
function shown(path: string): string {
  return path.replaceAll(/[^\u0021-\u007e]/g, '?').slice(0, 120);
}

function hintFor(path: string): string {
  const tail = path.replace(
    /^.*?(?=(?:chat\/)?completions|messages|models|responses|embeddings|rerank|moderations|images\/|audio\/|files|batches)/,
    '',
  );
  if (
    /^((?:chat\/)?completions|messages|models|responses|embeddings|rerank|moderations|images\/|audio\/|files|batches)/.test(
      tail,
    )
  )
    return `Did you mean /v1/${shown(tail)}? Base URLs end in /v1 for OpenAI clients, and without it for Anthropic and Gemini clients.`;
  return 'GET / says what there is.';
}
