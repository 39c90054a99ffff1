/** Reads recorded exchanges, and makes of a recorded reply the bytes that the provider sent. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gateDialects } from '../../src/dialects/index.ts';
import { encodeEvents } from '../../src/simulator/wire-events.ts';
import { asArray, asRecord, asString, isRecord, type Json, type JsonRecord } from '../../src/lib/json.ts';

/** The wires that a dialect of ours speaks, by the corpus's names. */
export const WIRES: Readonly<Record<string, keyof typeof gateDialects>> = {
  'openai-chat': 'openai-chat',
  'anthropic-messages': 'anthropic-messages',
  'vertex-anthropic': 'anthropic-messages',
  'gemini-generate': 'gemini',
  'cohere-v2-chat': 'cohere',
  'cohere-v1-chat': 'cohere',
  'ollama-chat': 'ollama',
  'ollama-generate': 'ollama',
  'openai-responses': 'openai-responses',
  'openai-completions': 'openai-completions',
  'bedrock-converse': 'bedrock-converse',
  ...Object.fromEntries(
    ['ai21', 'anthropic', 'cohere', 'meta', 'mistral', 'nova', 'other', 'titan'].map((family) => [
      `bedrock-invoke-${family}`,
      'bedrock-invoke' as const,
    ]),
  ),
};

/** The dialects that clients speak to the gateway: those with a route of their own. The others are spoken to providers only. */
export const INBOUND = [
  gateDialects['openai-chat'],
  gateDialects['openai-responses'],
  gateDialects['openai-completions'],
  gateDialects['anthropic-messages'],
  gateDialects.gemini,
  gateDialects.cohere,
] as const;

export interface IndexRow {
  readonly id: string;
  readonly file: string;
  readonly provider: string;
  readonly wire: string;
  readonly operation: string;
  readonly status: number;
  readonly kind: string;
  readonly features: readonly string[];
}

export interface Recording extends IndexRow {
  readonly model: string | undefined;
  readonly requestBody: JsonRecord | undefined;
  readonly requestUrl: string;
  readonly contentType: string;
  /** Of the reply. */
  readonly headers: Readonly<Record<string, string>>;
  /** The reply's bytes, as they came. */
  readonly bytes: Buffer;
  /** The reply as JSON; undefined for streams and for what is not JSON. */
  readonly json: Json | undefined;
  readonly isStream: boolean;
}

/** Recorded under the name of the text completions, and something else: a page of what was used. */
const USAGE_PAGE = 'openai-286f0d48682a';

/** Whether a row is a chat, or a text completion, in a wire that we speak. Mistral's completions (FIM, agents) are wires of their own. */
export function isSpoken({ id, wire, operation, provider }: IndexRow): boolean {
  if (WIRES[wire] === undefined) return false;
  if (wire !== 'openai-completions') return operation.startsWith('chat');
  return provider !== 'mistral' && id !== USAGE_PAGE;
}

/** All rows of the corpus's index. */
export function readIndex(corpus: string): readonly IndexRow[] {
  return JSON.parse(readFileSync(join(corpus, 'providers', 'index.json'), 'utf8')) as readonly IndexRow[];
}

export function readRecording(corpus: string, row: IndexRow): Recording {
  const raw = JSON.parse(readFileSync(join(corpus, 'providers', row.file), 'utf8')) as JsonRecord;
  const request = asRecord(raw['request']);
  const response = asRecord(raw['response']) ?? {};
  const stream = asRecord(response['stream']);
  const body = request?.['body'];
  const headers = asRecord(response['headers']);
  const answer = response['body'];
  return {
    ...row,
    model: asString(raw['model']),
    requestBody: isRecord(body) && body['$text'] === undefined && body['$base64'] === undefined ? body : undefined,
    requestUrl: asString(request?.['url']) ?? '',
    contentType:
      asString(headers?.['content-type']) ?? (stream === undefined ? 'application/json' : 'text/event-stream'),
    headers: Object.fromEntries(
      Object.entries(headers ?? {}).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
    ),
    bytes: stream === undefined ? bodyBytes(answer) : streamBytes(stream, row.wire),
    json:
      stream === undefined && !(isRecord(answer) && (answer['$text'] !== undefined || answer['$base64'] !== undefined))
        ? answer
        : undefined,
    isStream: stream !== undefined,
  };
}

function bodyBytes(body: Json | undefined): Buffer {
  if (isRecord(body)) {
    const text = asString(body['$text']);
    if (text !== undefined) return Buffer.from(text);
    const base64 = asString(body['$base64']);
    if (base64 !== undefined) return Buffer.from(base64, 'base64');
  }
  return Buffer.from(body === undefined ? '' : JSON.stringify(body));
}

function streamBytes(stream: JsonRecord, wire: string): Buffer {
  const data = stream['data'];
  if (stream['encoding'] === 'utf8') return Buffer.from(asString(data) ?? '');
  if (stream['encoding'] === 'base64') return Buffer.from(asString(data) ?? '', 'base64');
  if (wire.startsWith('bedrock-'))
    return Buffer.concat(encodeEvents(wire, asArray(data) ?? []).map((piece) => piece.bytes));
  const events = (asArray(data) ?? []).map((event) => {
    const name =
      wire.includes('anthropic') || wire === 'openai-responses' || wire.startsWith('cohere')
        ? `event: ${asString(asRecord(event)?.['type']) ?? ''}\n`
        : '';
    return `${name}data: ${JSON.stringify(event)}\n\n`;
  });
  return Buffer.from(
    events.join('') + (wire === 'openai-chat' || wire === 'openai-completions' ? 'data: [DONE]\n\n' : ''),
  );
}
