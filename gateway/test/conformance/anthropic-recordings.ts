/** What was recorded of the `anthropic-messages` wire: Anthropic's own API, Claude on Vertex, translations, and the requests of real clients. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChatEvent } from '../../src/chat/reply.ts';
import { anthropicMessages } from '../../src/dialects/anthropic-messages.ts';
import type { EncodeContext } from '../../src/dialects/dialect.ts';
import { asArray, asNumber, asRecord, asString, parseJson, type Json, type JsonRecord } from '../../src/lib/json.ts';
import { formatSse } from '../../src/lib/sse.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';

const WIRES: ReadonlySet<string> = new Set(['anthropic-messages', 'vertex-anthropic']);
/** Recordings whose request names no model: Vertex has it in the URL. */
export const SOME_MODEL = 'claude-haiku-4-5';
export const CONTEXT: EncodeContext = { requestId: 'req_test', model: SOME_MODEL, nowS: 0, wantsStreamUsage: true };

interface Exchange {
  readonly id: string;
  readonly wire: string;
  readonly operation: string;
  readonly url: string;
  readonly request?: JsonRecord;
  readonly status: number;
  readonly headers: JsonRecord;
  readonly response?: Json;
  readonly stream?: Buffer;
}

function readJson(...path: readonly string[]): JsonRecord {
  return asRecord(parseJson(readFileSync(join(corpusDir() ?? '', ...path), 'utf8'))) ?? {};
}

function readExchange(file: string): Exchange {
  const record = readJson('providers', file);
  const request = asRecord(record['request']);
  const response = asRecord(record['response']) ?? {};
  const body = asRecord(request?.['body']);
  const stream = asRecord(response['stream']);
  return {
    id: asString(record['id']) ?? '',
    wire: asString(record['wire']) ?? '',
    operation: asString(record['operation']) ?? '',
    url: asString(request?.['url']) ?? '',
    ...(body === undefined ? {} : { request: { model: SOME_MODEL, ...body } }),
    status: asNumber(response['status']) ?? 0,
    headers: asRecord(response['headers']) ?? {},
    ...(response['body'] === undefined ? {} : { response: response['body'] }),
    ...(stream === undefined ? {} : { stream: streamBytes(stream) }),
  };
}

/** Streams that were captured as parsed events are written as the API writes them. */
function streamBytes(stream: JsonRecord): Buffer {
  if (typeof stream['data'] === 'string') return Buffer.from(stream['data']);
  return Buffer.from(sseOf(asArray(stream['data']) ?? []));
}

function sseOf(events: readonly Json[]): string {
  return events.map((event) => formatSse(JSON.stringify(event), asString(asRecord(event)?.['type']) ?? '')).join('');
}

export function readCorpus(wires: ReadonlySet<string>): readonly Exchange[] {
  const index = parseJson(readFileSync(join(corpusDir() ?? '', 'providers', 'index.json'), 'utf8'));
  return (asArray(index) ?? []).flatMap((entry) => {
    const row = asRecord(entry);
    const file = asString(row?.['file']);
    return file !== undefined && wires.has(asString(row?.['wire']) ?? '') ? [readExchange(file)] : [];
  });
}

/** Answers of the real provider to requests that others translated into this wire. */
function readTranslated(): readonly Exchange[] {
  const dir = join(corpusDir() ?? '', 'providers', 'translations');
  return readdirSync(dir)
    .filter((name) => name.includes('--anthropic--'))
    .flatMap((name) => {
      const record = readJson('providers', 'translations', name);
      const response = asRecord(record['target_response']);
      const events = asArray(record['target_stream_events']);
      const isGood = record['accepted_by_provider'] === true;
      const base = {
        id: asString(record['id']) ?? name,
        wire: 'anthropic-messages',
        operation: 'chat',
        url: '',
        status: 200,
        headers: {},
      };
      return isGood
        ? [
            {
              ...base,
              ...(response === undefined ? {} : { response }),
              ...(events === undefined ? {} : { stream: Buffer.from(sseOf(events)) }),
            },
          ]
        : [];
    });
}

/** The requests of real clients on this wire. Claude Code under another model's name means a Claude behind it here. */
function readClients(): readonly { readonly id: string; readonly body: JsonRecord }[] {
  const dir = join(corpusDir() ?? '', 'clients');
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => {
      const record = readJson('clients', name);
      const body = asRecord(asRecord(record['request'])?.['body']);
      const model = asString(body?.['model'])?.startsWith('claude') === true ? body?.['model'] : 'claude-opus-4-8';
      return record['wire'] === 'anthropic-messages' && body !== undefined
        ? [{ id: name, body: { ...body, model } }]
        : [];
    });
}

export function decodeAll(chunks: Iterable<Uint8Array>): readonly ChatEvent[] {
  const decoder = anthropicMessages.decoder('anthropic');
  const events: ChatEvent[] = [];
  for (const chunk of chunks) events.push(...decoder.push(chunk));
  return [...events, ...decoder.end()];
}

export function encodeAll(events: readonly ChatEvent[]): string {
  const encoder = anthropicMessages.encoder(CONTEXT);
  const text = events.map((event) => encoder.push(event)).join('') + encoder.end();
  assert.deepEqual(encoder.losses(), []);
  return text;
}

/** The reason to skip, where this checkout has no recordings. */
export const skip = corpusSkip('anthropic-messages conformance');
const isThere = corpusDir() !== undefined;
export const exchanges: readonly Exchange[] = isThere ? readCorpus(WIRES) : [];
const translated = isThere ? readTranslated() : [];
export const clients = isThere ? readClients() : [];
export const accepted = exchanges.filter((exchange) => exchange.request !== undefined && exchange.status < 300);
export const replies = [...exchanges, ...translated].filter(
  (exchange) => exchange.response !== undefined && exchange.status === 200,
);
export const streams = [...exchanges, ...translated].flatMap(({ stream, ...exchange }) =>
  stream === undefined ? [] : [{ ...exchange, stream }],
);
/** Streams that do not end in an error. */
export const whole = streams.filter(({ stream }) => decodeAll([stream]).every((event) => event.type !== 'error'));
