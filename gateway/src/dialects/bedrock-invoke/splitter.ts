/** Frames of InvokeModelWithResponseStream as events, in the form that the model's own wire has. */
import type { StreamMessage } from '../../lib/event-stream.ts';
import { asString, isRecord, parseJson } from '../../lib/json.ts';
import type { SseEvent, SseSplitter } from '../../lib/sse.ts';
import { dataOf, frameSplitter, nameOf } from '../bedrock-converse/frames.ts';
import { chunkOf } from './claude.ts';

/** Nova's pieces are Converse's events, each in an object under its name. */
const NOVA = /^(?:messageStart|contentBlock(?:Start|Delta|Stop)|messageStop|metadata)$/;

export function invokeSplitter(): SseSplitter {
  return frameSplitter(eventOf);
}

function eventOf(message: StreamMessage): SseEvent {
  const { raw } = message;
  const chunk = chunkOf(message);
  if (chunk === undefined)
    return { name: nameOf(message), data: dataOf(message), raw, isPlain: true, isComment: false };
  const body = parseJson(chunk.toString('utf8'));
  const [name, held] = isRecord(body) ? (Object.entries(body)[0] ?? []) : [];
  if (name !== undefined && NOVA.test(name))
    return { name, data: Buffer.from(JSON.stringify(held ?? {})), raw, isPlain: true, isComment: false };
  const type = isRecord(body) && body['completion'] === undefined ? (asString(body['type']) ?? '') : '';
  return { name: type, data: chunk, raw, isPlain: true, isComment: false };
}
