/**
 * Reads along a stream that goes to its caller unchanged. Hot path: until the first content every chunk is parsed; after
 * it the bytes are only searched for what may end the reply, and parsed where that is found.
 */
import { fault } from '../../chat/fault.ts';
import {
  asArray,
  asCount,
  asRecord,
  isArray,
  isRecord,
  parseJson,
  type Json,
  type JsonRecord,
} from '../../lib/json.ts';
import type { Mark, Tap } from '../dialect.ts';
import { saysSomething } from './assistant.ts';
import { decodeInnerError, errorIn } from './errors.ts';
import { nonEmpty, readFinish, usageOf } from './response.ts';

const DONE = Buffer.from('[DONE]');
/**
 * What only a chunk has that may end the reply: a finish reason, usage, an error, or an `index` other than 0 (of a further
 * choice, which must be watched too, or of a parallel call). Text cannot feign them: the quotes in it are escaped.
 * One expression over Latin-1 text takes half the time of four searches for bytes.
 */
const MAY_END = /"finish_reason": *"|"usage": *\{|"error": *[^n ]|"index": *[1-9]/;

const PLAIN: Mark = Object.freeze({});
const PING: Mark = Object.freeze({ isPing: true });
const CONTENT_FIELDS = [
  'content',
  'reasoning_content',
  'reasoning',
  'refusal',
  'tool_calls',
  'function_call',
  'audio',
  'images',
  'reasoning_details',
  'annotations',
] as const;

/** One tap a stream. */
export function tap(provider: string): Tap {
  let hasContent = false;
  /** Choices that were seen, and whether each has finished. */
  const finished = new Map<number, boolean>();

  function see(event: string, data: Buffer): Mark {
    if (data.length === 0) return PING;
    if (hasContent && event === '' && !mayEnd(data)) return PLAIN;
    if (isDone(data)) return { isLast: true };
    const parsed = parseJson(data.toString('utf8'));
    const chunk = isArray(parsed) ? parsed[0] : parsed;
    if (!isRecord(chunk)) return { fault: fault('upstream-invalid', { provider, reason: 'a chunk is not JSON' }) };
    const error = event === 'error' && chunk['error'] === undefined ? chunk : errorIn(chunk);
    if (error !== undefined) return { fault: decodeInnerError(error, provider, nonEmpty(chunk['model'])) };
    return markOf(chunk);
  }

  function markOf(chunk: JsonRecord): Mark {
    const choices = (asArray(chunk['choices']) ?? []).filter(isRecord);
    const isFinished = seeFinish(choices);
    const isContent = choices.some(holdsContent);
    if (isContent) hasContent = true;
    const usage = usageOf(chunk);
    return {
      ...(isContent ? { hasContent: true } : {}),
      ...(isFinished ? { isFinished } : {}),
      ...(usage === undefined ? {} : { usage }),
      ...(usage !== undefined && choices.length === 0 ? { isUsageOnly: true } : {}),
    };
  }

  /** True where one of these choices finished, and with it all that were ever seen. */
  function seeFinish(choices: readonly JsonRecord[]): boolean {
    let hasFinish = false;
    for (const [position, choice] of choices.entries()) {
      const index = asCount(choice['index']) ?? position;
      const isOver = readFinish(choice['finish_reason']) !== undefined;
      if (isOver) hasFinish = true;
      finished.set(index, isOver || finished.get(index) === true);
    }
    return hasFinish && [...finished.values()].every(Boolean);
  }

  return { see };
}

function isDone(data: Buffer): boolean {
  return data.length < 16 && data.includes(DONE);
}

function mayEnd(data: Buffer): boolean {
  return MAY_END.test(data.toString('latin1')) || isDone(data);
}

function holdsContent(choice: JsonRecord): boolean {
  const delta = asRecord(choice['delta']);
  return delta !== undefined && CONTENT_FIELDS.some((field) => saysSomething(contentOf(delta[field])));
}

/** Numbers and types are no content: only text in them is. */
function contentOf(value: Json | undefined): Json | undefined {
  if (isArray(value)) return value.map((item) => contentOf(item) ?? null);
  if (!isRecord(value)) return value;
  const { index: _, type: __, id: ___, format: ____, closed: _____, ...rest } = value;
  return Object.fromEntries(Object.entries(rest).map(([key, item]) => [key, contentOf(item)]));
}
