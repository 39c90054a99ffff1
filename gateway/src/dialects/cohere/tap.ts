/** Reads along a stream that is passed through unchanged: content, finish, usage and errors, and nothing else. */
import { fault } from '../../chat/fault.ts';
import { asRecord, asString, isRecord, parseJson, type Json, type JsonRecord } from '../../lib/json.ts';
import type { Mark, Tap } from '../dialect.ts';
import { saysSomething } from '../openai-chat/assistant.ts';
import { faultIn, faultOfEnd } from './errors.ts';
import { readUsage } from './usage.ts';

const CONTENT: Mark = Object.freeze({ hasContent: true });
const NOTHING: Mark = Object.freeze({});

/** One tap a stream. */
export function tap(provider: string): Tap {
  function see(_event: string, data: Buffer): Mark {
    if (data.length === 0) return { isPing: true };
    const text = data.toString('utf8').trim();
    if (text === '[DONE]') return { isLast: true };
    const body = parseJson(text);
    if (!isRecord(body)) return { fault: fault('upstream-invalid', { provider, reason: 'an event is not JSON' }) };
    if (body['type'] === 'message-end') return endMark(asRecord(body['delta']) ?? {});
    const inside = faultIn(body, provider);
    if (inside !== undefined) return { fault: inside };
    return isContent(body) ? CONTENT : NOTHING;
  }

  function endMark(delta: JsonRecord): Mark {
    const told = faultOfEnd(delta, provider);
    if (told !== undefined) return { fault: told };
    const usage = readUsage(asRecord(delta['usage']));
    return { isFinished: true, ...(usage === undefined ? {} : { usage }) };
  }

  return { see };
}

/** Where an event holds what was generated; others hold none. */
const PLACES: Readonly<Record<string, (message: JsonRecord) => readonly (Json | undefined)[]>> = {
  'content-start': contentOf,
  'content-delta': contentOf,
  'tool-plan-delta': (message) => [message['tool_plan']],
  'tool-call-start': (message) => [message['tool_calls']],
  'tool-call-delta': (message) => [asRecord(asRecord(message['tool_calls'])?.['function'])?.['arguments']],
  'citation-start': (message) => [message['citations']],
};

function contentOf(message: JsonRecord): readonly (Json | undefined)[] {
  const content = asRecord(message['content']) ?? {};
  return [content['text'], content['thinking']];
}

/** Whether something was generated: text, thoughts, a plan, a call, a citation. */
function isContent(body: JsonRecord): boolean {
  const message = asRecord(asRecord(body['delta'])?.['message']) ?? {};
  const type = asString(body['type']) ?? '';
  return Object.hasOwn(PLACES, type) && (PLACES[type]?.(message) ?? []).some(saysSomething);
}
