/** A step of a script: which request it answers, with what, and what goes wrong on the way. Its form in code is its form in a file. */
import type { Json, JsonRecord } from '../lib/json.ts';
import { isRecord } from '../lib/json.ts';
import type { Result } from '../lib/result.ts';
import { err, ok } from '../lib/result.ts';
import type { ScriptedReply } from './synthetic/compose.ts';

/** Text, or bytes that are none. */
export type Bytes = string | { readonly $base64: string };

/** A place in an answer: after so many bytes of the body, bytes from the status line on, or events of a stream. */
export type Place = number | { readonly head: number } | { readonly event: number };

export interface Match {
  readonly method?: string;
  /** The end of the path, or a pattern in which `*` stands for anything. */
  readonly path?: string;
  /** A name, or a pattern with `*`. */
  readonly model?: string;
  /** Of `/p/<provider>/…`; a name, or a pattern with `*`. */
  readonly provider?: string;
  readonly stream?: boolean;
  /** A text that stands in the body. */
  readonly contains?: string;
  /** Only the nth request (from 1) of those that meet the rest. */
  readonly nth?: number;
}

/** What is done to an answer, wherever it came from. The chaos header sets the same. */
export interface Effects {
  readonly status?: number;
  readonly reason?: string;
  /** `null` takes a header away. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | null>>;
  /** Before the head, or before each of the two. */
  readonly delay_ms?: number | { readonly head?: number; readonly body?: number };
  /** Before every piece of the body (every write where `bytes_each` is given). */
  readonly chunk_delay_ms?: number;
  /** Writes of so many bytes. */
  readonly bytes_each?: number;
  /** FIN after so much. */
  readonly cut_at?: Place;
  /** RST after so much. */
  readonly reset_at?: Place;
  /** Silence after so much, until the client leaves. */
  readonly stall_at?: Place;
  /** The body ends after so much, properly framed: only its content is incomplete. */
  readonly end_at?: Exclude<Place, { readonly head: number }>;
  readonly close_before_reply?: boolean;
  readonly reset_before_reply?: boolean;
  readonly never_reply?: boolean;
  /** Bytes that are not HTTP; `true` for some of our own. */
  readonly not_http?: boolean | Bytes;
  /** The whole reply, byte for byte. */
  readonly raw?: Bytes;
  /** 302 (or `status`) to there. */
  readonly redirect?: string;
  /** Declared length: a number, or `+N` / `-N` beside the real one. */
  readonly content_length?: number | string;
  /** `unfinished`: chunked, and the last chunk never comes. */
  readonly framing?: 'length' | 'chunked' | 'close' | 'unfinished';
  /** After a reply that promised to keep the connection. */
  readonly close_after_ms?: number;
}

/** What is answered. At most one of these; none: what would have been answered anyway (an error in the dialect's form from status 400 on). */
export interface Content {
  readonly body?: Bytes;
  readonly json?: Json;
  /** Texts verbatim, objects as events in the dialect's own form. */
  readonly stream?: readonly (Bytes | JsonRecord)[];
  /** Parts of a made-up reply, put into the dialect and the mode that was asked for. */
  readonly reply?: ScriptedReply;
  /** An error in the dialect's form. */
  readonly error?: { readonly message?: string; readonly code?: string; readonly param?: string };
  /** Id of a recording. */
  readonly recording?: string;
  /** Generated while it is sent, never held. */
  readonly huge?: { readonly bytes: number; readonly as?: 'json' | 'sse' | 'text' };
  /** A gzip body that unpacks to about so many bytes of JSON. */
  readonly gzip_bomb?: { readonly bytes: number };
  /** A stream of text events without end. */
  readonly endless?: boolean | { readonly text: string };
}

export interface Step extends Effects, Content {
  /** `connection`: before a byte of the new connection is read; only match.nth, times, delay_ms, raw, not_http and the three *_reply keys have a meaning there. */
  readonly on?: 'request' | 'connection';
  readonly match?: Match;
  /** How many requests it answers. One, where nothing is said. */
  readonly times?: number | 'forever';
}

type Check = (value: unknown) => string | undefined;

const count: Check = (value) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    ? undefined
    : 'must be a whole number, 0 or more';
const positive: Check = (value) =>
  count(value) === undefined && value !== 0 ? undefined : 'must be a whole number, 1 or more';
const text: Check = (value) => (typeof value === 'string' ? undefined : 'must be text');
const bool: Check = (value) => (typeof value === 'boolean' ? undefined : 'must be true or false');
const anything: Check = () => undefined;
const status: Check = (value) =>
  typeof value === 'number' && Number.isInteger(value) && value >= 200 && value <= 599
    ? undefined
    : 'must be a status from 200 to 599';

function oneOf(...values: readonly string[]): Check {
  return (value) =>
    typeof value === 'string' && values.includes(value) ? undefined : `must be one of ${values.join(', ')}`;
}

function either(...checks: readonly Check[]): Check {
  return (value) => {
    const reasons = checks.map((check) => check(value));
    return reasons.includes(undefined) ? undefined : reasons.join(', or ');
  };
}

/** Reasons begin with the path below the checked value where there is one (`.nth must be …`). */
function record(fields: Readonly<Record<string, Check>>): Check {
  return (value) => {
    if (!isRecord(value)) return 'must be an object';
    for (const [key, item] of Object.entries(value)) {
      const check = Object.hasOwn(fields, key) ? fields[key] : undefined;
      if (check === undefined) return `.${key} is not known; known are ${Object.keys(fields).join(', ')}`;
      const reason = item === undefined ? undefined : check(item);
      if (reason !== undefined) return `.${key}${reason.startsWith('.') || reason.startsWith('[') ? '' : ' '}${reason}`;
    }
    return undefined;
  };
}

function list(check: Check): Check {
  return (value) => {
    if (!Array.isArray(value)) return 'must be a list';
    for (const [index, item] of value.entries()) {
      const reason = check(item);
      if (reason !== undefined) return `[${index}]${reason.startsWith('.') ? '' : ' '}${reason}`;
    }
    return undefined;
  };
}

const bytes = either(text, record({ $base64: text }));
const place = either(count, record({ head: count }), record({ event: count }));

const headers: Check = (value) => {
  if (!isRecord(value)) return 'must be an object';
  for (const [name, item] of Object.entries(value)) {
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) return `.${name} is not a header name`;
    const values = Array.isArray(item) ? item : [item];
    const isFine =
      item === null || values.every((one) => typeof one === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(one));
    if (!isFine) return `.${name} must be text of one line, a list of such, or null`;
  }
  return undefined;
};

const MATCH = record({
  method: text,
  path: text,
  model: text,
  provider: text,
  stream: bool,
  contains: text,
  nth: positive,
});

const REPLY = record({
  text,
  reasoning: text,
  tool_calls: list(
    record({ name: text, arguments: either(text, (value) => (isRecord(value) ? undefined : 'must be an object')) }),
  ),
  finish: oneOf('stop', 'length', 'tool-calls', 'stop-sequence', 'content-filter'),
  usage: record({ input_tokens: count, output_tokens: count, reasoning_tokens: count, cached_input_tokens: count }),
});

const CONTENT: Readonly<Record<keyof Content, Check>> = {
  body: bytes,
  json: anything,
  stream: list(either(bytes, (value) => (isRecord(value) ? undefined : 'must be an object'))),
  reply: REPLY,
  error: record({ message: text, code: text, param: text }),
  recording: text,
  huge: record({ bytes: positive, as: oneOf('json', 'sse', 'text') }),
  gzip_bomb: record({ bytes: positive }),
  endless: either(bool, record({ text })),
};

const EFFECTS: Readonly<Record<keyof Effects, Check>> = {
  status,
  reason: text,
  headers,
  delay_ms: either(count, record({ head: count, body: count })),
  chunk_delay_ms: count,
  bytes_each: positive,
  cut_at: place,
  reset_at: place,
  stall_at: place,
  end_at: either(count, record({ event: count })),
  close_before_reply: bool,
  reset_before_reply: bool,
  never_reply: bool,
  not_http: either(bool, bytes),
  raw: bytes,
  redirect: text,
  content_length: either(count, (value) =>
    typeof value === 'string' && /^[+-]\d{1,15}$/.test(value) ? undefined : 'a text like +10 or -10',
  ),
  framing: oneOf('length', 'chunked', 'close', 'unfinished'),
  close_after_ms: count,
};

const STEP = record({
  on: oneOf('request', 'connection'),
  match: MATCH,
  times: either(positive, oneOf('forever')),
  ...CONTENT,
  ...EFFECTS,
});
const STEPS = list(STEP);
/** What may be said of a connection, of which nothing is known yet. */
const ON_CONNECTION = new Set([
  'on',
  'match',
  'times',
  'delay_ms',
  'raw',
  'not_http',
  'close_before_reply',
  'reset_before_reply',
  'never_reply',
]);
const ENDINGS: readonly (keyof Effects)[] = ['cut_at', 'reset_at', 'stall_at', 'end_at'];

/** A script's steps, checked; the error names the place (`steps[2].match.nth must be …`). Takes a list, or an object with a list `steps`. */
export function parseSteps(value: unknown): Result<readonly Step[], string> {
  const given = isRecord(value) && 'steps' in value ? value['steps'] : value;
  if (!areSteps(given)) {
    const reason = STEPS(given) ?? '';
    return err(`steps${reason.startsWith('[') ? '' : ' '}${reason}`);
  }
  for (const [index, step] of given.entries()) {
    const clash = clashIn(step);
    if (clash !== undefined) return err(`steps[${index}] ${clash}`);
  }
  return ok(given);
}

function areSteps(value: unknown): value is readonly Step[] {
  return STEPS(value) === undefined;
}

/** What a single step says that cannot be true at once. */
function clashIn(step: Step): string | undefined {
  const contents = Object.keys(CONTENT).filter((key) => key in step);
  if (contents.length > 1) return `may have only one of ${contents.join(', ')}`;
  const endings = ENDINGS.filter((key) => key in step);
  if (endings.length > 1) return `may have only one of ${endings.join(', ')}`;
  const isCounted = step.framing === 'length' || step.content_length !== undefined;
  if (isCounted && step.endless !== undefined) return 'cannot declare the length of an endless body';
  if (step.on !== 'connection') return undefined;
  const stray = Object.keys(step).find((key) => !ON_CONNECTION.has(key));
  if (stray !== undefined) return `on a connection cannot have ${stray}`;
  const matched = Object.keys(step.match ?? {}).find((key) => key !== 'nth');
  return matched === undefined ? undefined : `on a connection cannot match ${matched}`;
}
