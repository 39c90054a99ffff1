/** Reads along a stream of ConverseStream that is passed through: content, finish, usage, exceptions, and nothing else. */
import { asRecord, isRecord, parseJson, type JsonRecord } from '../../lib/json.ts';
import type { Mark, Tap } from '../dialect.ts';
import { notJson } from './decoder.ts';
import { faultOfEvent, isException } from './errors.ts';
import { decodeUsage } from './usage.ts';

const PLAIN: Mark = {};
const CONTENT: Mark = { hasContent: true };

export function tap(provider: string): Tap {
  let isFinished = false;
  return {
    see(name, data) {
      const body = parseJson(data.toString('utf8'));
      if (!isRecord(body)) return { fault: notJson(provider) };
      if (isException(name)) return { fault: faultOfEvent(name, body, provider) };
      if (name === 'messageStop') {
        isFinished = true;
        return { isFinished };
      }
      if (name === 'metadata') return lastMark(body, isFinished);
      if (name === 'contentBlockStart') return Object.keys(asRecord(body['start']) ?? {}).length > 0 ? CONTENT : PLAIN;
      return name === 'contentBlockDelta' && hasWords(asRecord(body['delta']) ?? {}) ? CONTENT : PLAIN;
    },
  };
}

/** Usage comes last. Before a stop reason it ends nothing. */
function lastMark(body: JsonRecord, isLast: boolean): Mark {
  const usage = decodeUsage(body['usage']);
  return { ...(usage === undefined ? {} : { usage }), ...(isLast ? { isLast } : {}) };
}

/** Anything a reader would see; empty text and a lone signature are none. */
function hasWords(delta: JsonRecord): boolean {
  const { text, toolUse, reasoningContent, ...rest } = delta;
  const thought = asRecord(reasoningContent) ?? {};
  return (
    [text, asRecord(toolUse)?.['input'], thought['text'], thought['redactedContent']].some(isText) ||
    Object.keys(rest).length > 0
  );
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
