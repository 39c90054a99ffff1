/** The recorded exchanges of the `gemini` wire, and their streams read apart from the code under test. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChatEvent } from '../../src/chat/reply.ts';
import type { EncodeContext } from '../../src/dialects/dialect.ts';
import { gemini } from '../../src/dialects/gemini.ts';
import { isArray, isRecord, parseJson, type Json, type JsonRecord } from '../../src/lib/json.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';

export interface Exchange {
  readonly id: string;
  readonly kind: string;
  readonly provider: string;
  readonly wire: string;
  readonly operation: string;
  readonly model: string | undefined;
  readonly url: string;
  readonly request: Json | undefined;
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly response: Json | undefined;
  /** The bytes of a stream. */
  readonly stream: string | undefined;
}

export const CONTEXT: EncodeContext = {
  requestId: 'req_1',
  model: 'gemini-test',
  nowS: 1_790_000_000,
  wantsStreamUsage: true,
};
export const skip = corpusSkip('gemini conformance');
export const exchanges = skip === false ? load() : [];
const chats = exchanges.filter((one) => one.wire === 'gemini-generate');
export const accepted = chats.filter((one) => one.status < 300);
export const streams = accepted.filter((one) => one.stream !== undefined);
export const replies = accepted.filter((one) => one.stream === undefined && isRecord(one.response));

function load(): readonly Exchange[] {
  const dir = join(corpusDir() ?? '', 'providers');
  const index = parseJson(readFileSync(join(dir, 'index.json'), 'utf8'));
  const rows = isArray(index) ? index : isRecord(index) && isArray(index['exchanges']) ? index['exchanges'] : [];
  return rows.flatMap((row) => {
    if (!isRecord(row) || typeof row['file'] !== 'string') return [];
    const isCount = row['wire'] === 'count-tokens' && (row['provider'] === 'gemini' || row['provider'] === 'vertex');
    if (row['wire'] !== 'gemini-generate' && !isCount) return [];
    const file = parseJson(readFileSync(join(dir, row['file']), 'utf8'));
    return isRecord(file) ? [exchangeOf(file)] : [];
  });
}

export function record(value: Json | undefined): JsonRecord {
  return isRecord(value) ? value : {};
}

export function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function exchangeOf(file: JsonRecord): Exchange {
  const request = record(file['request']);
  const response = record(file['response']);
  const url = text(request['url']);
  const body = response['body'];
  return {
    id: text(file['id']),
    kind: text(file['kind']),
    provider: text(file['provider']),
    wire: text(file['wire']),
    operation: text(file['operation']),
    model: /models\/([^:?]+):/.exec(url)?.[1] ?? (text(file['model']) || undefined),
    url,
    request: request['body'],
    status: Number(response['status']),
    headers: Object.fromEntries(
      Object.entries(record(response['headers'])).map(([name, value]) => [name, text(value)]),
    ),
    response: body,
    stream: streamText(response['stream'], body),
  };
}

/** The bytes as they came. Recordings without `alt=sse` hold the array of all pieces. */
function streamText(stream: Json | undefined, body: Json | undefined): string | undefined {
  if (isArray(body)) return JSON.stringify(body, undefined, 2);
  if (!isRecord(stream)) return undefined;
  const data = stream['data'];
  if (typeof data === 'string') return data;
  return isArray(data) ? data.map((piece) => `data: ${JSON.stringify(piece)}\r\n\r\n`).join('') : undefined;
}

export function pathOf(one: Exchange): { readonly model: string; readonly isStreaming: boolean } {
  return { model: one.model ?? 'gemini-2.5-flash', isStreaming: one.operation === 'chat-stream' };
}

/** Counts differences by kind, so that none is let pass in silence. */
export function tally(): { readonly add: (kind: string) => void; readonly counts: Map<string, number> } {
  const counts = new Map<string, number>();
  return { add: (kind) => void counts.set(kind, (counts.get(kind) ?? 0) + 1), counts };
}

export function print(title: string, counts: ReadonlyMap<string, number>): void {
  console.log(
    `${title}: ${[...counts]
      .map(([kind, count]) => `${kind} ${count}`)
      .toSorted()
      .join(', ')}`,
  );
}

export function decodeAll(one: Exchange): readonly ChatEvent[] {
  return decode(Buffer.from(one.stream ?? ''), []);
}

/** Events of `bytes` handed over in pieces that end at `cuts`. */
export function decode(bytes: Buffer, cuts: readonly number[]): readonly ChatEvent[] {
  const decoder = gemini.decoder('gemini');
  const events: ChatEvent[] = [];
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    events.push(...decoder.push(bytes.subarray(from, to)));
    from = to;
  }
  events.push(...decoder.end());
  return events;
}

/** The JSON pieces of a stream, read apart from the code under test. */
export function pieces(stream: string): readonly JsonRecord[] {
  const whole = parseJson(stream);
  if (isArray(whole)) return whole.filter(isRecord);
  return stream.split(/\r?\n/).flatMap((line) => {
    const piece = line.startsWith('data:') ? parseJson(line.slice(5)) : undefined;
    return isRecord(piece) ? [piece] : [];
  });
}

export function faultOf(events: readonly ChatEvent[]): string | undefined {
  const last = events.at(-1);
  return last?.type === 'error' ? last.fault.code : undefined;
}

export type Note = (kind: string) => void;

export function list(value: Json | undefined, note: Note): readonly Json[] {
  if (value === undefined) return [];
  if (isArray(value)) return value;
  note('one item for a list');
  return [value];
}
