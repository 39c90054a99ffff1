/** The recorded exchanges of everything that is not a chat: which wire each has, and what it asked. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Asked, AskedBody, Operation, OperationId } from '../../src/dialects/operations/operation.ts';
import {
  embeddings,
  imageEdits,
  images,
  moderations,
  rerank,
  speech,
  transcriptions,
  translations,
} from '../../src/dialects/operations/index.ts';
import { asRecord, asString, isRecord, type JsonRecord } from '../../src/lib/json.ts';
import { boundaryOf } from '../../src/lib/multipart.ts';
import { formReader } from '../../src/pipeline/form.ts';
import { readIndex, readRecording, type Recording } from './recordings.ts';

const KINDS: ReadonlySet<string> = new Set(['embeddings', 'rerank', 'moderations', 'images', 'audio']);

export interface OperationRecording extends Recording {
  readonly operationId: OperationId;
  /** Of our wires. */
  readonly wireId: string;
  /** The form that was sent, made whole again where the recording cut it. */
  readonly form: { readonly bytes: Buffer; readonly contentType: string } | undefined;
  /** The verb and the model of Google's and Bedrock's paths. */
  readonly path: { readonly model?: string; readonly verb?: string };
}

/** All of them, and why others are none of ours. */
export function readOperations(corpus: string): {
  readonly recordings: readonly OperationRecording[];
  /** By id. */
  readonly leftOut: Readonly<Record<string, string>>;
} {
  const recordings: OperationRecording[] = [];
  const leftOut: Record<string, string> = {};
  for (const row of readIndex(corpus).filter(({ operation }) => KINDS.has(operation))) {
    const recording = readRecording(corpus, row);
    const url = recording.requestUrl.split('?')[0] ?? '';
    if (url.includes('/organization/usage/')) {
      leftOut[row.id] = "a page of the account's usage, no moderation";
      continue;
    }
    const operationId = operationOf(recording, url);
    const path = pathOf(url);
    recordings.push({
      ...recording,
      operationId,
      wireId: wireOf(recording, url),
      form: formOf(corpus, recording),
      path,
    });
  }
  return { recordings, leftOut };
}

function operationOf({ operation, wire }: Recording, url: string): OperationId {
  if (operation === 'embeddings' || operation === 'rerank' || operation === 'moderations') return operation;
  if (operation === 'images') return url.endsWith('/images/edits') ? 'image-edits' : 'images';
  if (wire === 'openai-audio-speech') return 'speech';
  return url.endsWith('/translations') ? 'translations' : 'transcriptions';
}

function wireOf(recording: Recording, url: string): string {
  const { provider, wire, operation } = recording;
  switch (wire) {
    case 'openai-embeddings':
      return ['mistral', 'voyage', 'perplexity'].includes(provider) ? `${provider}-embeddings` : wire;
    case 'cohere-v1-embed':
    case 'cohere-v2-embed':
      return 'cohere-embed';
    case 'gemini-embed':
      return provider === 'vertex' ? 'vertex-embed-content' : wire;
    case 'vertex-predict':
      return operation === 'images' ? 'vertex-images' : wire;
    case 'bedrock-invoke-embed':
      return url.includes('titan') ? 'titan-embed' : url.includes('nova') ? 'nova-embed' : 'bedrock-cohere-embed';
    case 'bedrock-invoke-rerank':
      return 'bedrock-cohere-rerank';
    case 'llamacpp-rerank':
    case 'openrouter-rerank':
      return 'jina-rerank';
    case 'openai-images':
      if (provider === 'venice') return 'venice-images';
      return url.endsWith('/images/edits') ? 'openai-image-edits' : wire;
    case 'openai-audio-speech':
      return 'openai-speech';
    case 'openai-audio-transcription':
      if (url.endsWith('/translations')) return 'openai-translation';
      return ['mistral', 'cohere'].includes(provider) ? 'json-transcription' : 'openai-transcription';
    default:
      return wire;
  }
}

function pathOf(url: string): OperationRecording['path'] {
  const google = /\/models\/([^/:]+):(\w+)$/.exec(url);
  if (google !== null) return { model: google[1] ?? '', verb: google[2] ?? '' };
  const bedrock = /\/model\/([^/]+)\/invoke$/.exec(url);
  return bedrock === null ? {} : { model: decodeURIComponent(bedrock[1] ?? '') };
}

/** Forms are cut after some thousand bytes: the end is put behind what is left, and fields that were cut away before it. */
function formOf(corpus: string, recording: Recording): OperationRecording['form'] {
  const raw = JSON.parse(readFileSync(join(corpus, 'providers', recording.file), 'utf8')) as JsonRecord;
  const request = asRecord(raw['request']);
  const contentType = asString(asRecord(request?.['headers'])?.['content-type']) ?? '';
  if (!contentType.startsWith('multipart/')) return undefined;
  const body = asRecord(request?.['body']);
  const kept = asString(body?.['$multipart_base64']);
  const given =
    kept === undefined ? Buffer.from(asString(body?.['$multipart_text']) ?? '') : Buffer.from(kept, 'base64');
  const boundary = boundaryOf(contentType);
  if (!boundary.ok) throw new Error(boundary.error);
  const field = (name: string, value: string, more = ''): string =>
    `\r\n--${boundary.value}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}`;
  const text = given.toString('latin1');
  const isCut = !text.trimEnd().endsWith(`--${boundary.value}--`);
  const missing = [
    ...(text.includes('name="file"') ? [] : [field('file', 'RIFF', '; filename="a.wav"')]),
    ...(text.includes('name="model"') ? [] : [field('model', recording.model || 'recorded-model')]),
    ...(isCut && recording.isStream ? [field('stream', 'true')] : []),
  ].join('');
  const rest = `${missing}\r\n--${boundary.value}--\r\n`;
  const bytes = isCut ? Buffer.concat([given, Buffer.from(given.length === 0 ? rest.slice(2) : rest)]) : given;
  return { bytes, contentType };
}

/** What the request says, as the pipeline would hand it to a wire; undefined where it was not recorded. */
export function askedBody(recording: OperationRecording): AskedBody | undefined {
  if (recording.form !== undefined) {
    const reader = formReader(recording.form.contentType);
    if (!reader.ok) throw new Error(reader.error.message);
    reader.value.push(recording.form.bytes);
    const form = reader.value.end(recording.form.bytes);
    if (!form.ok) throw new Error(form.error.message);
    return { record: form.value.record, form: form.value };
  }
  return isRecord(recording.requestBody) ? { record: recording.requestBody } : undefined;
}

/** Calls `then` with the operation in its own types. */
export function withOperation<T>(id: OperationId, then: <Q extends Asked, A>(operation: Operation<Q, A>) => T): T {
  switch (id) {
    case 'embeddings':
      return then(embeddings);
    case 'rerank':
      return then(rerank);
    case 'moderations':
      return then(moderations);
    case 'images':
      return then(images);
    case 'image-edits':
      return then(imageEdits);
    case 'speech':
      return then(speech);
    case 'transcriptions':
      return then(transcriptions);
    case 'translations':
      return then(translations);
  }
}
