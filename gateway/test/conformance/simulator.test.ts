/** The simulator against every recording: each is found by its own request, and comes back as it was. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { JsonRecord } from '../../src/lib/json.ts';
import { asArray, asNumber, asRecord, asString, isRecord } from '../../src/lib/json.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';

/** Requests under way at the same time. */
const CONCURRENCY = 8;

interface Case {
  readonly id: string;
  readonly provider: string;
  readonly request: JsonRecord | undefined;
  readonly response: JsonRecord;
}

function readCases(dir: string): readonly Case[] {
  const rows = asArray(JSON.parse(readFileSync(join(dir, 'index.json'), 'utf8'))) ?? [];
  return rows.flatMap((row): Case[] => {
    const file = asString(asRecord(row)?.['file']) ?? '';
    const exchange = asRecord(JSON.parse(readFileSync(join(dir, file), 'utf8')));
    const id = asString(exchange?.['id']);
    const response = asRecord(exchange?.['response']);
    if (id === undefined || response === undefined) return [];
    return [
      { id, provider: asString(exchange?.['provider']) ?? '', request: asRecord(exchange?.['request']), response },
    ];
  });
}

/** The bytes that the recording says the provider sent; undefined where only its parsed events are known. */
function recordedBytes(response: JsonRecord): Buffer | undefined {
  const stream = asRecord(response['stream']);
  const data = asString(stream?.['data']);
  if (stream !== undefined)
    return data === undefined ? undefined : Buffer.from(data, stream['encoding'] === 'base64' ? 'base64' : 'utf8');
  const body = response['body'];
  const record = asRecord(body);
  if (typeof record?.['$text'] === 'string') return Buffer.from(record['$text']);
  if (typeof record?.['$base64'] === 'string') return Buffer.from(record['$base64'], 'base64');
  return Buffer.from(body === null || body === undefined ? '' : JSON.stringify(body));
}

function requestOf(
  request: JsonRecord,
): { readonly method: string; readonly path: string; readonly body: string | undefined } | undefined {
  const body = request['body'];
  if (isRecord(body) && ('$multipart_base64' in body || '$base64' in body)) return undefined;
  const url = asString(request['url']) ?? '';
  const text = asRecord(body)?.['$text'];
  const written = typeof text === 'string' ? text : JSON.stringify(body);
  return {
    method: asString(request['method']) ?? 'POST',
    path: url
      .replace(/^[a-z]+:\/\/[^/]*/i, '')
      .replace(/#.*$/, '')
      .replaceAll(/[<>]/g, encodeURIComponent),
    body: body === null || body === undefined ? undefined : written,
  };
}

const dir = join(corpusDir() ?? '', 'providers');

describe('the simulator on all recordings', { skip: corpusSkip('simulator') }, () => {
  let simulator: Simulator;
  let cases: readonly Case[] = [];
  before(async () => {
    cases = readCases(dir);
    simulator = await startSimulator({ recordings: { dir }, logMax: 10 });
  });
  after(() => simulator.close());

  const eachCase = async (work: (one: Case) => Promise<void>): Promise<void> => {
    let at = 0;
    const worker = async (): Promise<void> => {
      for (let one = cases[at++]; one !== undefined; one = cases[at++]) await work(one);
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  };

  it('loads them all', async () => {
    const about = asRecord(await (await fetch(`${simulator.url}/__simulator`)).json());
    assert.equal(about?.['recordings'], cases.length);
    assert.ok(cases.length > 2_000);
  });

  it('gives each byte for byte when it is named', async () => {
    let checked = 0;
    await eachCase(async ({ id, response }) => {
      const reply = await fetch(`${simulator.url}/v1/x`, {
        method: 'POST',
        headers: { 'x-simulator-recording': id },
        body: '{}',
      });
      const bytes = Buffer.from(await reply.arrayBuffer());
      assert.equal(reply.status, asNumber(response['status']), id);
      const expected = recordedBytes(response);
      if (expected === undefined) assert.ok(bytes.length > 0, id);
      else assert.ok(bytes.equals(expected), `${id}: ${bytes.length} bytes instead of ${expected.length}`);
      checked += 1;
    });
    assert.equal(checked, cases.length);
  });

  it('finds each by its own request', async () => {
    const counts = { same: 0, twin: 0, skipped: 0 };
    await eachCase(async ({ id, provider, request }) => {
      const sent = request === undefined ? undefined : requestOf(request);
      if (sent === undefined) {
        counts.skipped += 1;
        return;
      }
      const reply = await fetch(`${simulator.url}/p/${provider}${sent.path}`, {
        method: sent.method,
        ...(sent.body === undefined || sent.method === 'GET' ? {} : { body: sent.body }),
      });
      await reply.arrayBuffer();
      assert.equal(reply.headers.get('x-simulator-match'), 'equal', `${id}: ${sent.method} ${sent.path}`);
      // The same request may have been recorded twice; then the first of the folder answers.
      if (reply.headers.get('x-simulator-recording') === id) counts.same += 1;
      else counts.twin += 1;
    });
    assert.ok(counts.same > 2_000, JSON.stringify(counts));
    assert.ok(counts.twin < counts.same / 5, JSON.stringify(counts));
  });
});
