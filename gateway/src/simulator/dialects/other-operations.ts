/**
 * What is asked beside a chat, in OpenAI's form and Cohere's: reranking, moderation, pictures, speech, transcripts. Made up, the
 * same for the same request, and strict about what a provider would refuse.
 */
import type { Json, JsonRecord } from '../../lib/json.ts';
import { asArray, asRecord, asString, isRecord, parseJson } from '../../lib/json.ts';
import { boundaryOf, multipartReader } from '../../lib/multipart.ts';
import { streamAnswer, wholeAnswer, type Answer } from '../answer.ts';
import { diceOf } from '../synthetic/dice.ts';
import { vectorOf } from '../synthetic/vectors.ts';
import { NOTICE, tokensOf } from '../synthetic/words.ts';
import { SSE_TYPE, sseData } from '../wire-events.ts';
import type { OtherKind, Problem } from './dialect.ts';
import { booleanAt, integerAt, reading, refuse } from './reading.ts';

const PATHS: readonly (readonly [ending: string, kind: OtherKind])[] = [
  ['/rerank', 'rerank'],
  ['/moderations', 'moderations'],
  ['/images/generations', 'images'],
  ['/images/edits', 'images'],
  ['/audio/speech', 'speech'],
  ['/audio/transcriptions', 'transcriptions'],
  ['/audio/translations', 'transcriptions'],
  ['/v2/embed', 'cohere-embed'],
];
const JSON_TYPE = 'application/json';
const TEXT_TYPE = 'text/plain; charset=utf-8';
/** One white pixel. */
const PICTURE = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const PICTURE_TOKENS = 272;
/** 24,000 samples of 16 bits a second, as OpenAI's `pcm` has them. */
const BYTES_PER_SECOND = 48_000;
const CHARACTERS_PER_SECOND = 15;
const SPEECH_TYPES: Readonly<Record<string, string>> = {
  mp3: 'audio/mpeg',
  opus: 'audio/opus',
  aac: 'audio/aac',
  flac: 'audio/flac',
  wav: 'audio/wav',
  pcm: 'audio/pcm',
};
const SPEECH_PIECE_BYTES = 8192;
const FORM_LIMITS = { partsMax: 64, headerMaxBytes: 8192, fieldMaxBytes: 1024 * 1024 };

export function otherKind(path: string): OtherKind | undefined {
  return PATHS.find(([ending]) => path.endsWith(ending))?.[1];
}

export interface OtherRequest {
  readonly kind: OtherKind;
  readonly body: Buffer;
  readonly contentType: string;
  /** Another for every request. */
  readonly hex: string;
}

/** The answer, or the field at fault. */
export function otherAnswer(request: OtherRequest): Answer | Problem {
  const fields = fieldsOf(request);
  if (fields === undefined) return { status: 400, message: 'The body is neither a JSON object nor a form.' };
  const made = reading(() => MAKERS[request.kind](fields, request));
  return made.ok ? made.value : made.error;
}

type Maker = (body: JsonRecord, request: OtherRequest) => Answer;

const MAKERS: Readonly<Record<OtherKind, Maker>> = {
  rerank: (body, { hex }) => json(rerank(body, hex)),
  moderations: (body, { hex }) => json(moderations(body, hex)),
  images,
  speech,
  transcriptions,
  'cohere-embed': (body, { hex }) => json(cohereEmbed(body, hex)),
};

function json(body: JsonRecord): Answer {
  return wholeAnswer(200, JSON_TYPE, JSON.stringify(body));
}

/** Of a form the text fields, and how many bytes each file has. */
function fieldsOf({ body, contentType }: OtherRequest): JsonRecord | undefined {
  if (!contentType.startsWith('multipart/')) {
    const parsed = parseJson(body.toString('utf8'));
    return isRecord(parsed) ? parsed : undefined;
  }
  const boundary = boundaryOf(contentType);
  if (!boundary.ok) return undefined;
  const reader = multipartReader(boundary.value, FORM_LIMITS);
  reader.push(body);
  const parts = reader.end();
  if (!parts.ok) return undefined;
  return Object.fromEntries(
    parts.value.map(({ name, filename, start, end }) => [
      name,
      filename === undefined
        ? body.toString('utf8', start, end)
        : { bytes: end - start, hash: hashOf(body, start, end) },
    ]),
  );
}

/** Enough to tell two files apart. */
function hashOf(body: Buffer, start: number, end: number): number {
  let hash = 7;
  for (let at = start; at < end; at += 1) hash = (Math.imul(hash, 31) + (body[at] ?? 0)) | 0;
  return hash;
}

function modelOf(body: JsonRecord, fallback?: string): string {
  return asString(body['model']) ?? fallback ?? refuse('model', 'you must provide a model parameter');
}

function neededText(body: JsonRecord, field: string): string {
  const text = asString(body[field]);
  return text === undefined || text === '' ? refuse(field, `'${field}' must be a text that is not empty.`) : text;
}

function rerank(body: JsonRecord, hex: string): JsonRecord {
  const model = modelOf(body);
  const query = neededText(body, 'query');
  const documents = (asArray(body['documents']) ?? []).map(documentText);
  if (documents.length === 0) return refuse('documents', "'documents' must have at least one entry.");
  const top =
    integerAt(body, 'top_n', { low: 1, high: 1_000_000 }) ?? integerAt(body, 'top_k', { low: 1, high: 1_000_000 });
  const asked = vectorOf(query);
  const scored = documents.map((text, index) => ({ index, relevance_score: closeness(asked, vectorOf(text)) }));
  const best = scored.toSorted((a, b) => b.relevance_score - a.relevance_score).slice(0, top ?? documents.length);
  const returns = body['return_documents'] === true;
  const tokens = documents.reduce((sum, text) => sum + tokensOf(text) + tokensOf(query), 0);
  return {
    id: `rerank-sim-${hex}`,
    model,
    object: 'list',
    results: best.map((row) => (returns ? { ...row, document: { text: documents[row.index] ?? '' } } : row)),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
    meta: { api_version: { version: '2' }, billed_units: { search_units: Math.ceil(documents.length / 100) } },
  };
}

function documentText(document: Json, index: number): string {
  const text = asString(document) ?? asString(asRecord(document)?.['text']);
  return text ?? refuse(`documents[${index}]`, `'documents[${index}]' must be a text.`);
}

/** From 0 to 1. */
function closeness(a: readonly number[], b: readonly number[]): number {
  const product = a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
  return Math.round(((product + 1) / 2) * 1e6) / 1e6;
}

function moderations(body: JsonRecord, hex: string): JsonRecord {
  const model = modelOf(body, 'omni-moderation-latest');
  const { input } = body;
  const items = typeof input === 'string' ? [input] : (asArray(input) ?? []);
  if (items.length === 0) return refuse('input', "'input' must be a text or a list.");
  const isOne = items.every((item) => isRecord(item));
  const texts = isOne ? [items.map((item) => asString(asRecord(item)?.['text']) ?? '').join('\n')] : items.map(String);
  return { id: `modr-sim-${hex}`, model, results: texts.map(moderated) };
}

function moderated(text: string): JsonRecord {
  const dice = diceOf(`moderation|${text}`);
  const scores = {
    violence: /\bkill|\bhurt/i.test(text) ? 0.9 + dice() / 20 : dice() / 100,
    hate: /\bhate/i.test(text) ? 0.9 + dice() / 20 : dice() / 100,
    sexual: dice() / 100,
  };
  const categories = Object.fromEntries(Object.entries(scores).map(([name, score]) => [name, score > 0.5]));
  return { flagged: Object.values(categories).includes(true), categories, category_scores: scores };
}

function images(body: JsonRecord): Answer {
  modelOf(body);
  const prompt = neededText(body, 'prompt');
  const count = Number(body['n'] ?? 1);
  if (!Number.isInteger(count) || count < 1 || count > 10) return refuse('n', "'n' must be from 1 to 10.");
  const tokens = { input: tokensOf(prompt), output: PICTURE_TOKENS * count };
  const usage = {
    input_tokens: tokens.input,
    output_tokens: tokens.output,
    total_tokens: tokens.input + tokens.output,
    input_tokens_details: { text_tokens: tokens.input, image_tokens: 0 },
  };
  if (body['stream'] === true || body['stream'] === 'true') {
    const partials = integerAt(body, 'partial_images', { low: 0, high: 3 }) ?? 0;
    const shown = Array.from({ length: partials }, (_, index) => ({
      type: 'image_generation.partial_image',
      partial_image_index: index,
      b64_json: PICTURE,
    }));
    return events([...shown, { type: 'image_generation.completed', b64_json: PICTURE, usage }]);
  }
  const picture =
    body['response_format'] === 'url' ? { url: `data:image/png;base64,${PICTURE}` } : { b64_json: PICTURE };
  return json({ created: 1_767_225_600, data: Array.from({ length: count }, () => picture), usage });
}

function events(list: readonly JsonRecord[]): Answer {
  return streamAnswer(
    200,
    SSE_TYPE,
    list.map((event) => ({ bytes: Buffer.from(sseData(event)) })),
  );
}

/** A soft tone of noise, as long as the text would take. Only `wav` and `pcm` are what they say they are. */
function speech(body: JsonRecord): Answer {
  modelOf(body);
  const input = neededText(body, 'input');
  const format = asString(body['response_format']) ?? 'mp3';
  const type = SPEECH_TYPES[format] ?? refuse('response_format', `'${format.slice(0, 40)}' is no format of speech.`);
  const dice = diceOf(`speech|${input}`);
  const bytes = Math.ceil((charactersOf(input) / CHARACTERS_PER_SECOND) * BYTES_PER_SECOND) & ~1;
  const sound = Buffer.alloc(Math.max(2, bytes));
  for (let at = 0; at + 1 < sound.length; at += 2) sound.writeInt16LE(Math.floor(dice() * 200 - 100), at);
  const whole = format === 'wav' ? Buffer.concat([wavHead(sound.length), sound]) : sound;
  if (body['stream_format'] === 'sse') {
    const usage = {
      input_tokens: tokensOf(input),
      output_tokens: Math.ceil(charactersOf(input) * 1.4),
      total_tokens: 0,
    };
    return events([
      { type: 'speech.audio.delta', audio: whole.toString('base64') },
      { type: 'speech.audio.done', usage },
    ]);
  }
  const pieces = [];
  for (let at = 0; at < whole.length; at += SPEECH_PIECE_BYTES)
    pieces.push({ bytes: whole.subarray(at, at + SPEECH_PIECE_BYTES) });
  return streamAnswer(200, type, pieces);
}

function charactersOf(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

function wavHead(soundBytes: number): Buffer {
  const head = Buffer.alloc(44);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(36 + soundBytes, 4);
  head.write('WAVEfmt ', 8, 'latin1');
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(BYTES_PER_SECOND / 2, 24);
  head.writeUInt32LE(BYTES_PER_SECOND, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36, 'latin1');
  head.writeUInt32LE(soundBytes, 40);
  return head;
}

function transcriptions(body: JsonRecord): Answer {
  const model = modelOf(body);
  const file = asRecord(body['file']);
  if (file === undefined) return refuse('file', "'file' must be a file.");
  const seconds = Math.max(1, Math.ceil(Number(file['bytes'] ?? 0) / BYTES_PER_SECOND));
  const text = `${NOTICE} The sound is number ${Math.abs(Number(file['hash'] ?? 0)) % 1000}.`;
  const usage = model.includes('whisper')
    ? { type: 'duration', seconds }
    : {
        type: 'tokens',
        input_tokens: seconds * 10,
        output_tokens: tokensOf(text),
        total_tokens: seconds * 10 + tokensOf(text),
      };
  if (body['stream'] === 'true' && !model.includes('whisper')) {
    const deltas = text.split(/(?<= )/).map((delta) => ({ type: 'transcript.text.delta', delta }));
    return events([...deltas, { type: 'transcript.text.done', text, usage }]);
  }
  return written(asString(body['response_format']) ?? 'json', { text, seconds, usage });
}

interface Heard {
  readonly text: string;
  readonly seconds: number;
  readonly usage: JsonRecord;
}

function written(format: string, { text, seconds, usage }: Heard): Answer {
  const end = String(seconds % 60).padStart(2, '0');
  switch (format) {
    case 'json':
      return json({ text, usage });
    case 'verbose_json': {
      const segments = [{ id: 0, start: 0, end: seconds, text }];
      return json({ task: 'transcribe', language: 'english', duration: seconds, text, segments, usage });
    }
    case 'text':
      return wholeAnswer(200, TEXT_TYPE, `${text}\n`);
    case 'srt':
      return wholeAnswer(200, TEXT_TYPE, `1\n00:00:00,000 --> 00:00:${end},000\n${text}\n\n`);
    case 'vtt':
      return wholeAnswer(200, TEXT_TYPE, `WEBVTT\n\n00:00.000 --> 00:${end}.000\n${text}\n\n`);
    default:
      return refuse('response_format', 'It must be json, text, srt, verbose_json or vtt.');
  }
}

function cohereEmbed(body: JsonRecord, hex: string): JsonRecord {
  modelOf(body);
  const texts = (asArray(body['texts']) ?? []).map(
    (text, index) => asString(text) ?? refuse(`texts[${index}]`, 'It must be a text.'),
  );
  if (texts.length === 0) return refuse('texts', 'At least one text is needed.');
  if (texts.length > 96) return refuse('texts', 'At most 96 texts are taken.');
  booleanAt(body, 'stream');
  const dimensions = integerAt(body, 'output_dimension', { low: 1, high: 8192 });
  const tokens = texts.reduce((sum, text) => sum + Math.max(1, tokensOf(text)), 0);
  return {
    id: `embed-sim-${hex}`,
    texts,
    embeddings: { float: texts.map((text) => vectorOf(text, dimensions)) },
    meta: { api_version: { version: '2' }, billed_units: { input_tokens: tokens } },
    response_type: 'embeddings_by_type',
  };
}
