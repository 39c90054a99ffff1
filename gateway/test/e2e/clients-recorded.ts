/** Reads the recorded requests of real clients, and sends them as their user would: with our key where they put theirs. */
import { readdirSync, readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { asRecord, asString, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { corpusDir } from '../corpus.ts';
import { ROOT_KEY } from '../harness.ts';

/** Headers of a connection, not of a request. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set(['host', 'connection', 'content-length', 'transfer-encoding']);
const KEY_HEADERS = ['authorization', 'x-api-key', 'x-goog-api-key'];

export interface Recorded {
  readonly id: string;
  /** Client without its version, and what it was doing. */
  readonly title: string;
  /** The corpus's name of it. */
  readonly wire: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonRecord | undefined;
}

/** All of them; none where this checkout has no recordings. */
export function readRecorded(): readonly Recorded[] {
  const corpus = corpusDir();
  if (corpus === undefined) return [];
  const dir = join(corpus, 'clients');
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'))
    .toSorted()
    .map((file) => recordedOf(asRecord(parseJson(readFileSync(join(dir, file), 'utf8'))) ?? {}));
}

function recordedOf(row: JsonRecord): Recorded {
  const request = asRecord(row['request']) ?? {};
  const headers = Object.entries(asRecord(request['headers']) ?? {}).flatMap(
    ([name, value]): readonly (readonly [string, string])[] =>
      typeof value === 'string' && !OF_THE_CONNECTION.has(name) ? [[name, value]] : [],
  );
  const client = (asString(row['client']) ?? '').replace(/ [\d.]+$/, '');
  return {
    id: asString(row['id']) ?? '',
    title: `${client} ${asString(row['case']) ?? ''}`,
    wire: asString(row['wire']) ?? '',
    method: asString(request['method']) ?? '',
    path: asString(request['path']) ?? '',
    headers: Object.fromEntries(headers),
    body: asRecord(request['body']),
  };
}

export function withOurKey(headers: Readonly<Record<string, string>>): Record<string, string> {
  const ours: Record<string, string> = { ...headers };
  for (const key of KEY_HEADERS) {
    const value = ours[key];
    if (value !== undefined) ours[key] = value.replace('redacted', ROOT_KEY);
  }
  return ours;
}

export interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Sending {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: JsonRecord | string;
}

export function send(url: string, method: string, { path, headers, body }: Sending): Promise<Got> {
  return new Promise((resolve, reject) => {
    const call = httpRequest(`${url}${path}`, { method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
      response.on('error', reject);
    });
    call.on('error', reject);
    call.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
  });
}
