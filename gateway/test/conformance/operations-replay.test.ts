/**
 * Every recorded exchange of everything that is not a chat, through a real gateway over real sockets: asked in each wire that
 * a caller may speak, by whatever its provider answered. Prints the counts.
 */
import assert from 'node:assert/strict';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { Asked, Operation, OperationId } from '../../src/dialects/operations/operation.ts';
import { isRecord, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { ROOT_KEY, startGateway, type TestGateway, TOLERANT } from '../harness.ts';
import { askedBody, readOperations, withOperation, type OperationRecording } from './operation-recordings.ts';

interface Door {
  readonly wire: string;
  /** `body`: one of Google's two verbs takes one input, the other a list. */
  readonly path: (model: string, body?: JsonRecord) => string;
  readonly operation: OperationId;
}

const DOORS: readonly Door[] = [
  { operation: 'embeddings', wire: 'openai-embeddings', path: () => '/v1/embeddings' },
  { operation: 'embeddings', wire: 'cohere-embed', path: () => '/v2/embed' },
  {
    operation: 'embeddings',
    wire: 'gemini-embed',
    path: (model, body) =>
      `/v1beta/models/${encodeURIComponent(model)}:${body?.['content'] === undefined ? 'batchEmbedContents' : 'embedContent'}`,
  },
  { operation: 'rerank', wire: 'jina-rerank', path: () => '/v1/rerank' },
  { operation: 'rerank', wire: 'cohere-rerank', path: () => '/v2/rerank' },
  { operation: 'moderations', wire: 'openai-moderations', path: () => '/v1/moderations' },
  { operation: 'images', wire: 'openai-images', path: () => '/v1/images/generations' },
  { operation: 'image-edits', wire: 'openai-image-edits', path: () => '/v1/images/edits' },
  { operation: 'speech', wire: 'openai-speech', path: () => '/v1/audio/speech' },
  { operation: 'transcriptions', wire: 'openai-transcription', path: () => '/v1/audio/transcriptions' },
  { operation: 'translations', wire: 'openai-translation', path: () => '/v1/audio/translations' },
];

/** Catalog id and dialect of a recorded provider; others are plain servers of OpenAI's wire. */
const LIKE: Readonly<Record<string, string>> = {
  openai: 'like: openai',
  azure: 'like: azure',
  gemini: 'like: google',
  vertex: 'like: google-vertex',
  cohere: 'like: cohere, dialect: openai-chat',
  bedrock: 'like: amazon-bedrock, dialect: openai-chat',
  mistral: 'like: mistral',
  voyage: 'like: voyage',
  perplexity: 'like: perplexity',
  openrouter: 'like: openrouter',
  groq: 'like: groq',
  venice: 'like: venice',
  xai: 'like: xai',
  ollama: 'dialect: ollama',
};
const LEFT_OUT = 'left out: ';

interface Got {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
}

const corpus = corpusDir();

describe('replay of the recorded operations', { skip: corpusSkip('replay') }, () => {
  const { recordings } = corpus === undefined ? { recordings: [] } : readOperations(corpus);
  const asked = new Set<string>();
  let stub: Server;
  let gateway: TestGateway;
  let current: OperationRecording | undefined;
  let seen: { readonly url: string; readonly type: string; readonly body: Buffer } | undefined;

  before(async () => {
    stub = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const type = request.headers['content-type'] ?? '';
        seen = { url: request.url ?? '', type, body: Buffer.concat(chunks) };
        response.writeHead(current?.status ?? 500, { 'content-type': current?.contentType ?? 'text/plain' });
        response.end(current?.bytes);
      });
    });
    await new Promise<void>((resolve) => {
      stub.listen(0, '127.0.0.1', resolve);
    });
    const { port } = stub.address() as AddressInfo;
    const ids = new Set(recordings.map(({ provider }) => provider));
    const rows = [...ids].map((id) => {
      const base = id === 'azure' ? `/${id}/openai/v1` : id === 'cohere' ? `/${id}/v2` : `/${id}`;
      return `  r-${id}: {${LIKE[id] ?? 'dialect: openai-chat'}, base_url: "http://127.0.0.1:${port}${base}", api_key: sk-recorded-0000}`;
    });
    gateway = await startGateway({ config: `attempts: 1\n${TOLERANT}\nproviders:\n${rows.join('\n')}\n` });
  });

  after(async () => {
    await gateway.stop();
    stub.closeAllConnections();
    stub.close();
  });

  for (const door of DOORS) {
    it(`answers each of its kind to a caller of ${door.wire}`, async () => {
      const counts: Record<string, number> = {};
      const own = recordings.filter(({ operationId }) => operationId === door.operation);
      for (const recording of own.toSorted((a, b) => a.status - b.status)) {
        current = recording;
        seen = undefined;
        const word = await replayOne(recording, door);
        counts[word] = (counts[word] ?? 0) + 1;
        if (!word.startsWith(LEFT_OUT)) asked.add(recording.id);
      }
      process.stdout.write(`replay as ${door.wire}: ${own.length} exchanges ${JSON.stringify(counts)}\n`);
    });
  }

  it('asked each of them for one caller at least', () => {
    assert.deepEqual(
      recordings.filter(({ id }) => !asked.has(id)).map(({ id }) => id),
      [],
    );
  });

  async function replayOne(recording: OperationRecording, door: Door): Promise<string> {
    const asked = requestFor(recording, door);
    if (typeof asked === 'string') return `${LEFT_OUT}${asked}`;
    const got = await send(`${gateway.url}${asked.path}`, asked);
    if (recording.status >= 400) {
      assert.ok(got.status >= 400 && got.status !== 500, `${recording.id}: ${recording.status} became ${got.status}`);
      return `error ${recording.status} told as ${got.status}`;
    }
    if (!isWhole(recording)) {
      assert.ok(got.status >= 400, `${recording.id}: no reply became ${got.status}`);
      return 'no reply, told as an error';
    }
    assert.equal(got.status, 200, `${recording.id}: ${got.body.toString('utf8').slice(0, 300)}`);
    assert.ok(seen !== undefined);
    return checked(recording, door, { got, asked });
  }

  function checked(
    recording: OperationRecording,
    door: Door,
    { got, asked }: { readonly got: Got; readonly asked: Sent },
  ): string {
    if (recording.wireId !== door.wire) {
      if (recording.wireId === 'json-transcription') assert.deepEqual(got.body, recording.bytes);
      return withOperation(door.operation, (operation) => translated(operation, recording, { door, got }));
    }
    const isArtless = recording.operationId === 'embeddings' && !got.body.equals(recording.bytes);
    // Bytes pass but for vectors in another writing than the caller's.
    const came = recording.isStream ? recording.bytes.toString('utf8').replaceAll('\r\n', '\n') : recording.bytes;
    if (!isArtless) assert.deepEqual(got.body, Buffer.from(came), recording.id);
    assert.equal(got.type.split(';')[0], recording.contentType.split(';')[0], recording.id);
    if (asked.form) {
      assert.equal(seen?.type, asked.type, recording.id);
      assert.equal(
        seen?.body.length,
        asked.body.length - asked.model.length + recordedModel(recording).length,
        recording.id,
      );
      return 'form and reply whole';
    }
    const before: JsonRecord = JSON.parse(asked.body.toString('utf8'));
    const arrived = parseJson(seen?.body.toString('utf8') ?? '');
    assert.deepEqual(
      arrived,
      { ...before, ...('model' in before ? { model: recordedModel(recording) } : {}) },
      recording.id,
    );
    return isArtless ? 'request whole, vectors as asked' : 'request and reply whole';
  }
});

/** Some recordings hold no body. */
function isWhole({ bytes, json, contentType }: OperationRecording): boolean {
  if (bytes.includes('raiFilteredReason')) return false;
  return bytes.length > 0 && (!contentType.includes('json') || isRecord(json));
}

const NAMELESS: Readonly<Record<string, string>> = {
  'vertex-images': 'imagen-recorded',
  'bedrock-rerank': 'arn:aws:bedrock:us-west-2::foundation-model/amazon.rerank-v1:0',
};

function recordedModel(recording: OperationRecording): string {
  const named = askedBody(recording)?.record['model'];
  const found = [named, recording.path.model, recording.model].find((name) => typeof name === 'string' && name !== '');
  // Operations that go by the model's name, of which none was recorded.
  return typeof found === 'string' ? found : (NAMELESS[recording.wireId] ?? 'recorded-model');
}

interface Sent {
  readonly path: string;
  readonly type: string;
  readonly body: Buffer;
  readonly form: boolean;
  readonly model: string;
}

/** The recorded request in the caller's wire, or why it cannot be sent so. */
function requestFor(recording: OperationRecording, door: Door): Sent | string {
  const model = `r-${recording.provider}/${recordedModel(recording)}`;
  const path = door.path(model);
  if (recording.form !== undefined) {
    const { bytes, contentType } = recording.form;
    const from = Buffer.from(`\r\n\r\n${recordedModel(recording)}\r\n`);
    const at = bytes.indexOf(from);
    assert.ok(at !== -1, recording.id);
    const body = Buffer.concat([bytes.subarray(0, at + 4), Buffer.from(model), bytes.subarray(at + from.length - 2)]);
    return { path, type: contentType, body, form: true, model };
  }
  if (door.operation === 'transcriptions' || door.operation === 'translations') {
    const field = (name: string, value: string, more = ''): string =>
      `--b\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;
    const form = `${field('model', model)}${field('file', 'RIFF', '; filename="a.wav"')}--b--\r\n`;
    return { path, type: 'multipart/form-data; boundary=b', body: Buffer.from(form), form: true, model };
  }
  const made = withOperation(door.operation, (operation) => inWire(operation, recording, door.wire));
  if (typeof made === 'string') return made;
  const body = door.wire === 'gemini-embed' ? made : { ...made, model };
  return {
    path: door.path(model, body),
    type: 'application/json',
    body: Buffer.from(JSON.stringify(body)),
    form: false,
    model,
  };
}

function inWire<Q extends Asked, A>(
  operation: Operation<Q, A>,
  recording: OperationRecording,
  wire: string,
): JsonRecord | string {
  const own = operation.wires[recording.wireId];
  const other = operation.wires[wire];
  const body = askedBody(recording);
  assert.ok(own && other);
  const count = isRecord(recording.json) ? [recording.json['data']].flat().length : 1;
  if (body === undefined) {
    if (operation.id === 'embeddings')
      return standIn(
        wire,
        Array.from({ length: count }, () => 'x'),
      );
    if (operation.id === 'rerank') return { query: 'q', documents: Array.from({ length: 10 }, () => 'x') };
    return { prompt: 'p', input: 'i' };
  }
  if (own.id === other.id) return body.record;
  const request = own.decodeRequest(
    { ...body, record: { model: 'm', ...body.record } },
    { model: 'm', ...recording.path },
  );
  if (!request.ok) return recording.status >= 400 ? { prompt: 'p' } : request.error.message;
  return other.encodeRequest(request.value, { model: 'm' }).body;
}

function standIn(wire: string, texts: readonly string[]): JsonRecord {
  if (wire === 'cohere-embed') return { texts };
  if (wire === 'gemini-embed') return { requests: texts.map((text) => ({ content: { parts: [{ text }] } })) };
  return { input: texts };
}

function translated<Q extends Asked, A>(
  operation: Operation<Q, A>,
  recording: OperationRecording,
  { door, got }: { readonly door: Door; readonly got: Got },
): string {
  const inbound = operation.wires[door.wire];
  const body = parseJson(got.body.toString('utf8'));
  assert.ok(inbound && isRecord(body), recording.id);
  const rows = body['data'] ?? body['results'] ?? body['embeddings'] ?? body['embedding'] ?? body['text'];
  assert.ok(rows !== undefined, `${recording.id}: ${got.body.toString('utf8').slice(0, 200)}`);
  return 'translated';
}

function send(url: string, { type, body }: Sent): Promise<Got> {
  const headers = { authorization: `Bearer ${ROOT_KEY}`, 'content-type': type, 'x-turnout-adapt': 'true' };
  return new Promise((resolve, reject) => {
    const call = httpRequest(url, { method: 'POST', headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'] ?? '',
          body: Buffer.concat(chunks),
        }),
      );
      response.on('error', reject);
    });
    call.on('error', reject);
    call.end(body);
  });
}
