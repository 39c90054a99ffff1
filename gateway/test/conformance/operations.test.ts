/**
 * Every recorded exchange of everything that is not a chat, through the pure descriptors: requests written again in their own
 * wire, replies read and written in every wire of a caller, errors classified. Prints the counts.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gemini } from '../../src/dialects/gemini.ts';
import { openaiChat } from '../../src/dialects/openai-chat.ts';
import type { Vector } from '../../src/dialects/operations/embeddings/request.ts';
import { numbersOf } from '../../src/dialects/operations/embeddings/vectors.ts';
import type { Asked, Operation, OperationId } from '../../src/dialects/operations/operation.ts';
import { isRecord, type Json, type JsonRecord } from '../../src/lib/json.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { askedBody, readOperations, withOperation, type OperationRecording } from './operation-recordings.ts';

const corpus = corpusDir();
/** Wires that a caller may speak; every other is for providers alone. */
const INBOUND: Readonly<Record<OperationId, readonly string[]>> = {
  embeddings: ['openai-embeddings', 'cohere-embed', 'gemini-embed'],
  rerank: ['jina-rerank', 'cohere-rerank'],
  moderations: ['openai-moderations'],
  images: ['openai-images'],
  'image-edits': ['openai-image-edits'],
  speech: ['openai-speech'],
  transcriptions: ['openai-transcription'],
  translations: ['openai-translation'],
};
const CONTEXT = { requestId: 'req_1', nowS: 1 };

describe('recorded operations', { skip: corpusSkip('operations') }, () => {
  const { recordings, leftOut } = corpus === undefined ? { recordings: [], leftOut: {} } : readOperations(corpus);

  it('read every request, and write it again as it was', () => {
    const counts = tally();
    for (const recording of recordings) {
      const body = askedBody(recording);
      if (body === undefined) counts.add('no request recorded');
      else withOperation(recording.operationId, (operation) => rewrite(operation, recording, counts));
    }
    counts.print('requests', recordings.length);
    process.stdout.write(`left out: ${JSON.stringify(leftOut)}\n`);
  });

  it('read every reply, and say the same to a caller of each wire', () => {
    const counts = tally();
    for (const recording of recordings) {
      const { json, status } = recording;
      if (status >= 400) counts.add('error');
      else if (!isRecord(json)) counts.add(`no JSON (${recording.contentType.split(';')[0] ?? ''})`);
      else withOperation(recording.operationId, (operation) => reread(operation, recording, { json, counts }));
    }
    counts.print('replies', recordings.length);
  });

  it('classify every error', () => {
    const counts = tally();
    for (const recording of recordings.filter(({ status }) => status >= 400)) {
      const dialect = ['vertex', 'gemini'].includes(recording.provider) ? gemini : openaiChat;
      const { provider, status } = recording;
      const body = recording.bytes.toString('utf8');
      const of = dialect.decodeError({ status, headers: {}, body, provider, model: recording.model ?? '', nowMs: 0 });
      counts.add(`${status} ${of.code}`);
      assert.ok(of.message.length > 20, recording.id);
    }
    counts.print('errors', recordings.length);
    assert.deepEqual(counts.all(), {
      '400 content-filtered': 1,
      '400 upstream-not-found': 3,
      '400 upstream-refused': 8,
      '401 upstream-auth': 9,
      '403 upstream-not-found': 1,
      '404 upstream-not-found': 5,
      '500 upstream-error': 1,
      '501 upstream-error': 1,
    });
  });
});

function tally() {
  const counts: Record<string, number> = {};
  return {
    add: (word: string): void => void (counts[word] = (counts[word] ?? 0) + 1),
    all: () => Object.fromEntries(Object.entries(counts).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    print: (what: string, of: number): void =>
      void process.stdout.write(`operations, ${what} of ${of}: ${JSON.stringify(counts)}\n`),
  };
}
type Tally = ReturnType<typeof tally>;

/** What a request says beside what stands in it: defaults that its provider has anyway, and nulls. */
const SAID_ANYWAY: Readonly<Record<string, Json>> = {
  encoding_format: 'float',
  embed_exif_metadata: false,
  input_type: 'search_document',
};

function rewrite<Q extends Asked, A>(operation: Operation<Q, A>, recording: OperationRecording, counts: Tally): void {
  const wire = operation.wires[recording.wireId];
  const body = askedBody(recording);
  assert.ok(wire && body, `${recording.id}: ${recording.wireId}`);
  const request = wire.decodeRequest(body, recording.path);
  if (!request.ok) {
    if (recording.id === 'cohere-496f27b6b2c7') {
      // v1 took the model for granted.
      counts.add('names no model');
      return;
    }
    // What its provider refused may be refused here too.
    assert.ok(recording.status >= 400, `${recording.id}: ${request.error.message}`);
    counts.add('refused by the provider, and here');
    return;
  }
  const size = operation.sizeOf(request.value);
  for (const value of Object.values(size))
    if (typeof value === 'number') assert.ok(value >= 0 && Number.isFinite(value));
  if (body.form !== undefined) {
    counts.add('form (passes as it came)');
    return;
  }
  const model = recording.path.model ?? request.value.model;
  const encoded = wire.encodeRequest(request.value, { model });
  assert.ok(
    recording.requestUrl.split('?')[0]?.replaceAll('%3A', ':').endsWith(pathShown(encoded.path)) || isV1(recording),
    `${recording.id}: ${encoded.path}`,
  );
  const said = { ...request.value.extras, ...encoded.body };
  const differing = differences(body.record, said);
  assert.deepEqual(
    differing,
    [],
    `${recording.id} ${JSON.stringify(body.record).slice(0, 300)} became ${JSON.stringify(said).slice(0, 300)}`,
  );
  counts.add('equal');
}

/** Older paths of Cohere's and of Azure's, whose newer ones are asked for the same. */
function isV1({ requestUrl, provider }: OperationRecording): boolean {
  return (provider === 'cohere' && requestUrl.includes('/v1/')) || provider === 'azure' || provider === 'vertex';
}

function pathShown(path: string): string {
  return decodeURIComponent(path);
}

/** Fields that were lost or changed. A field with null says nothing; one input may stand in a list. */
function differences(before: JsonRecord, after: JsonRecord): readonly string[] {
  return Object.entries(before).flatMap(([field, value]) => {
    if (value === null || value === undefined || isSame(value, after[field]) || SAID_ANYWAY[field] === value) return [];
    if (field === 'top_k' && after['top_n'] === value) return [];
    // v1 of reranking: objects of a text, pieces a document, documents wanted back.
    if (field === 'documents' && Array.isArray(value) && isSame(value.map(textOf), after[field])) return [];
    if (field === 'return_documents' || field === 'max_chunks_per_doc') return [];
    return [field];
  });
}

function textOf(document: Json): Json {
  return isRecord(document) ? (document['text'] ?? null) : document;
}

function isSame(a: Json | undefined, b: Json | undefined): boolean {
  const plain = (value: Json | undefined): string => JSON.stringify(sorted(value));
  return plain(a) === plain(b) || (typeof a === 'string' && plain([a]) === plain(b));
}

function sorted(value: Json | undefined): Json | undefined {
  if (Array.isArray(value)) return value.map((item: Json) => sorted(item) ?? null);
  if (!isRecord(value)) return value;
  // The role of a content means nothing to an embedding; the model's name stands in the path as well.
  const kept = Object.entries(value).filter(([key, item]) => item !== null && key !== 'role');
  const named = kept.map(([key, item]) => [camel(key), sorted(item)] as const);
  return Object.fromEntries(named.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Google reads both spellings. */
function camel(key: string): string {
  return ['inline_data', 'mime_type'].includes(key)
    ? key.replace(/_(\w)/, (_, letter: string) => letter.toUpperCase())
    : key;
}

interface Reply {
  readonly json: JsonRecord;
  readonly counts: Tally;
}

function reread<Q extends Asked, A>(
  operation: Operation<Q, A>,
  recording: OperationRecording,
  { json, counts }: Reply,
): void {
  const wire = operation.wires[recording.wireId];
  assert.ok(wire);
  const request = requestOf(operation, recording);
  const reply = wire.decodeReply(json, request);
  if (!reply.ok) {
    assert.match(JSON.stringify(reply.error), /filtered.*Unable to show generated images/, recording.id);
    counts.add('pictures filtered');
    return;
  }
  const usage = operation.usageOf(reply.value);
  counts.add(usage === undefined ? 'without usage' : 'with usage');
  for (const id of INBOUND[operation.id]) {
    const inbound = operation.wires[id];
    assert.ok(inbound);
    const encoded = inbound.encodeReply(reply.value, request, CONTEXT);
    if (typeof encoded.body === 'string') continue;
    const again = inbound.decodeReply(structuredClone(encoded.body), request);
    assert.ok(again.ok, `${recording.id} as ${id}: ${again.ok ? '' : JSON.stringify(again.error)}`);
    assert.deepEqual(essence(again.value), essence(reply.value), `${recording.id} as ${id}`);
    if (id !== 'openai-images' && id !== 'openai-image-edits')
      assert.equal(operation.usageOf(again.value)?.inputTokens, usage?.inputTokens, `${recording.id} as ${id}`);
    counts.add(`to ${id}`);
  }
}

/** The request that was sent, or one of the size that its reply answers. */
function requestOf<Q extends Asked, A>(operation: Operation<Q, A>, recording: OperationRecording): Q {
  const wire = operation.wires[recording.wireId];
  const body = askedBody(recording);
  assert.ok(wire);
  const asked = body ?? standIn(recording);
  const named = { ...asked, record: { model: 'm', ...asked.record } };
  const made = wire.decodeRequest(named, { model: 'm', ...recording.path });
  assert.ok(made.ok, `${recording.id}: ${made.ok ? '' : made.error.message}`);
  return made.value;
}

function standIn({ operationId, json, model }: OperationRecording): { readonly record: JsonRecord } {
  const rows = isRecord(json) ? (json['data'] ?? json['results']) : undefined;
  const count = Array.isArray(rows) ? rows.length : 1;
  const named = { model: model === undefined || model === '' ? 'm' : model };
  switch (operationId) {
    case 'embeddings':
      return { record: { ...named, input: Array.from({ length: count }, () => 'x') } };
    case 'rerank': {
      const texts = Array.from({ length: 10 }, () => 'x');
      const sources = texts.map((text) => ({ inlineDocumentSource: { textDocument: { text } } }));
      return { record: { ...named, query: 'q', queries: [{ textQuery: { text: 'q' } }], documents: texts, sources } };
    }
    case 'transcriptions':
      return { record: { ...named, file_url: 'https://example.org/a.wav' } };
    default:
      return { record: { ...named, prompt: 'p', input: 'i', instances: [{ prompt: 'p' }] } };
  }
}

/** What must be the same in every wire: vectors, results, pictures, texts. Base64 and numbers of a vector are the same. */
function essence(reply: unknown): unknown {
  if (!isRecord(reply)) return reply;
  const { id: _id, model: _model, usage: _usage, extras: _extras, createdS: _createdS, ...rest } = reply;
  return JSON.parse(
    JSON.stringify(rest, (key, value: unknown) => {
      if (key === 'vectors' && Array.isArray(value)) return value.map(([first]: readonly Vector[]) => coarse(first));
      return key === 'document' || key === 'body' || key === 'mediaType' ? undefined : value;
    }),
  );
}

/** float32 has seven digits. */
function coarse(vector: Vector | undefined): readonly string[] {
  return vector === undefined ? [] : numbersOf(vector).map((value) => value.toPrecision(6));
}
