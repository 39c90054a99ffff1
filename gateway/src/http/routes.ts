/** Which operation a method and a path mean. Pure; the listener does what it says. */
import { fault, type Fault } from '../chat/fault.ts';
import type { Origin } from '../chat/part.ts';
import type { PathFacts } from '../dialects/dialect.ts';
import { err, ok, type Result } from '../lib/result.ts';

export type Operation =
  | { readonly kind: 'chat'; readonly dialect: Origin; readonly path: PathFacts; readonly isJsonArray: boolean }
  | { readonly kind: 'count-tokens'; readonly dialect: Origin; readonly path: PathFacts }
  | { readonly kind: 'explain'; readonly dialect: Origin }
  | { readonly kind: 'models'; readonly form: 'v1' | 'gemini' }
  | { readonly kind: 'model'; readonly form: 'v1' | 'gemini'; readonly name: string }
  | { readonly kind: 'response'; readonly action: 'show' | 'remove' | 'items' | 'cancel'; readonly id: string }
  | { readonly kind: 'decision'; readonly id: string }
  | { readonly kind: 'admin'; readonly path: string }
  | { readonly kind: 'healthz' | 'readyz' | 'metrics' | 'home' | 'responses-upgrade' };

interface Row {
  readonly pattern: RegExp;
  readonly methods: readonly string[];
  readonly operation: (match: RegExpExecArray, query: URLSearchParams) => Operation | undefined;
}

/** Prefixes that official clients put before our paths: OpenAI's and Anthropic's behind gateways, OpenRouter's `/api`. */
const PREFIX = /^\/(?:openai|api|anthropic)(?=\/v1)/;

/** A Map, since the verb comes from the caller and `constructor` is none. */
const GEMINI_VERBS: ReadonlyMap<string, 'chat' | 'stream' | 'count'> = new Map([
  ['generateContent', 'chat'],
  ['streamGenerateContent', 'stream'],
  ['countTokens', 'count'],
]);

const ROWS: readonly Row[] = [
  {
    pattern: /^\/v1\/chat\/completions$/,
    methods: ['POST'],
    operation: () => ({ kind: 'chat', dialect: 'openai-chat', path: {}, isJsonArray: false }),
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
    pattern: /^\/v1\/messages\/count_tokens$/,
    methods: ['POST'],
    operation: () => ({ kind: 'count-tokens', dialect: 'anthropic-messages', path: {} }),
  },
  // Some clients leave `models/` out before a name with a slash (@ai-sdk/google).
  { pattern: /^\/(?:v1beta|v1)\/(?:models\/)?(.+):(\w+)$/, methods: ['POST'], operation: geminiOperation },
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
    operation: (_, query) => ({ kind: 'explain', dialect: explainDialect(query.get('dialect')) }),
  },
  {
    pattern: /^\/v1\/decisions\/([\w-]{1,100})$/,
    methods: ['GET'],
    operation: (match) => ({ kind: 'decision', id: match[1] ?? '' }),
  },
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
];

/** The operation, or the fault that says what would be right: 404 with a hint, 405 with the methods that are taken. */
export function routeOf(method: string, target: string): Result<Operation, Fault> & { readonly allow?: string } {
  const [rawPath, query] = splitOnce(target, '?');
  const path = rawPath.replace(PREFIX, '');
  for (const row of ROWS) {
    const match = row.pattern.exec(path);
    if (match === null) continue;
    const operation = row.operation(match, new URLSearchParams(query));
    if (operation === undefined) continue;
    if (row.methods.includes(method)) return ok(operation);
    const others = ROWS.filter((other) => other.pattern.test(path)).flatMap((other) => other.methods);
    if (others.includes(method)) continue;
    const allow = [...new Set(others)].join(', ');
    return { ...err(fault('method-not-allowed', { method, path: shown(rawPath), allow })), allow };
  }
  return err(fault('route-unknown', { method, path: shown(rawPath), hint: hintFor(path) }));
}

function geminiOperation(match: RegExpExecArray, query: URLSearchParams): Operation | undefined {
  const verb = GEMINI_VERBS.get(match[2] ?? '');
  const model = decoded(match[1] ?? '');
  if (verb === undefined || model === undefined) return undefined;
  if (verb === 'count') return { kind: 'count-tokens', dialect: 'gemini', path: { model, isStreaming: false } };
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
  return name === undefined ? undefined : { kind: 'model', form, name };
}

function explainDialect(name: string | null): Origin {
  return name === 'anthropic-messages' || name === 'gemini' || name === 'openai-responses' ? name : 'openai-chat';
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
  const tail = path.replace(/^.*?(?=chat\/completions|messages|models|responses)/, '');
  if (/^(chat\/completions|messages|models|responses)/.test(tail))
    return `Did you mean /v1/${shown(tail)}? Base URLs end in /v1 for OpenAI clients.`;
  return 'See the list of routes in the README.';
}
