/** Reads along a stream of lines that is passed through: content, finish, usage and errors, and nothing else. */
import { fault } from '../../chat/fault.ts';
import { asArray, isRecord, parseJson } from '../../lib/json.ts';
import type { Mark, Tap } from '../dialect.ts';
import { saysSomething } from '../openai-chat/assistant.ts';
import { faultIn, messageOf } from './response.ts';
import { readUsage } from './usage.ts';

/** One tap a stream. Each line is parsed: any of them may be the last, and most are short. */
export function tap(provider: string): Tap {
  function see(_event: string, data: Buffer): Mark {
    if (data.length === 0) return { isPing: true };
    const body = parseJson(data.toString('utf8'));
    if (!isRecord(body)) return { fault: fault('upstream-invalid', { provider, reason: 'a line is not JSON' }) };
    const inside = faultIn(body, provider);
    if (inside !== undefined) return { fault: inside };
    const { content, thinking, images, tool_calls: calls } = messageOf(body);
    const isContent = [content, thinking, images].some(saysSomething) || (asArray(calls) ?? []).length > 0;
    const usage = body['done'] === true ? readUsage(body) : undefined;
    return {
      ...(isContent ? { hasContent: true } : {}),
      ...(body['done'] === true ? { isFinished: true, isLast: true } : {}),
      ...(usage === undefined ? {} : { usage }),
    };
  }
  return { see };
}
