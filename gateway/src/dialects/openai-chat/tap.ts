/**
 * Reads along a stream that goes to its caller unchanged. Hot path: until the first content every chunk is parsed; after
 * it the bytes are only searched for what may end the reply, and parsed where that is found.
 */
import { fault } from '../../chat/fault.ts';
import { asArray, asCount, isArray, isRecord, parseJson, type JsonRecord } from '../../lib/json.ts';
import type { Mark, Tap } from '../dialect.ts';
import type { AsChat } from './decoder.ts';
import { holdsContent } from './delta.ts';
import { decodeInnerError, errorIn } from './errors.ts';
import { nonEmpty, readFinish, usageOf } from './response.ts';

const DONE = Buffer.from('[DONE]');
/**
 * What only a chunk has that may end the reply: a finish reason, usage, an error, or an `index` other than 0 (of a further
 * choice, which must be watched too, or of a parallel call). Text cannot feign them: the quotes in it are escaped.
 * One expression over Latin-1 text takes half the time of four searches for bytes.
 */
const MAY_END = /"finish_reason": *"|"usage": *\{|"error": *[^n ]|"index": *[1-9]/;

const CONTENT: Mark = Object.freeze({ hasContent: true });
const PING: Mark = Object.freeze({ isPing: true });

/** One tap a stream. */
export function tap(provider: string): Tap {
  return tapOf(provider, (chunk) => chunk);
}

/** The same for a wire whose chunks are those of a chat in another form. */
export function tapOf(provider: string, asChat: AsChat): Tap {
  /** True between the first content and the first finish: what comes after that is little, and each piece of it matters. */
  let isFlowing = false;
  /** Choices that were seen, and whether each has finished. */
  const finished = new Map<number, boolean>();

  function see(event: string, data: Buffer): Mark {
    if (data.length === 0) return PING;
    if (isFlowing && event === '' && !mayEnd(data)) return CONTENT;
    if (isDone(data)) return { isLast: true };
    const parsed = parseJson(data.toString('utf8'));
    const chunk = isArray(parsed) ? parsed[0] : parsed;
    if (!isRecord(chunk)) return { fault: fault('upstream-invalid', { provider, reason: 'a chunk is not JSON' }) };
    const error = event === 'error' && chunk['error'] === undefined ? chunk : errorIn(chunk);
    if (error !== undefined) return { fault: decodeInnerError(error, provider, nonEmpty(chunk['model'])) };
    return markOf(asChat(chunk));
  }

  function markOf(chunk: JsonRecord): Mark {
    const choices = (asArray(chunk['choices']) ?? []).filter(isRecord);
    const isFinished = seeFinish(choices);
    const isContent = choices.some(holdsContent);
    isFlowing = (isFlowing || isContent) && ![...finished.values()].includes(true);
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
      // Together ends a reply after each of its calls: content opens it again.
      finished.set(index, isOver || (finished.get(index) === true && !holdsContent(choice)));
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
