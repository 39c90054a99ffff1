/**
 * Transcripts and translations of sound in OpenAI's form: a form with the file, and an answer in JSON, as text, as subtitles or
 * in events (developers.openai.com/api/reference/resources/audio). Groq, Venice and OpenRouter have taken it over whole;
 * Mistral (docs.mistral.ai/api) and Cohere (docs.cohere.com/reference) answer in JSON and know no `response_format`.
 */
import type { Fault } from '../../../chat/fault.ts';
import type { Usage } from '../../../chat/usage.ts';
import { asCount, asNumber, asRecord, asString, compact, type Json, type JsonRecord } from '../../../lib/json.ts';
import { err, ok, type Result } from '../../../lib/result.ts';
import { nonAsciiUnits } from '../../text-size.ts';
import type { Asked, AskedBody, EncodedAnswer, Form, Operation, OperationId, Size, Wire } from '../operation.ts';
import { fieldReader, firstOf, grave, inside, type FieldReader } from '../reading.ts';
import { durationOf, type Duration } from './sound.ts';

const PROMPT_MAX = 100_000;
const FORMATS = ['json', 'text', 'srt', 'vtt', 'verbose_json', 'diarized_json'] as const;
/** Sound is about ten tokens a second (recorded: 21 for two seconds), thirty at the most (Voxtral: 375 for twelve and a half). */
const TOKENS_PER_SECOND = 10;
const TOKENS_PER_SECOND_MAX = 40;
/** The fastest speaker says five words a second. */
const OUTPUT_TOKENS_PER_SECOND_MAX = 12;
const OUTPUT_TOKENS_LEAST = 100;

export interface TranscriptionRequest extends Asked {
  readonly format: (typeof FORMATS)[number];
  readonly isStreaming: boolean;
  readonly prompt: string;
  readonly duration: Duration;
}

export interface Transcript {
  readonly text: string;
  readonly usage?: Usage;
  readonly body: JsonRecord;
}

/** A wire whose answers have the format that was asked for. */
const openaiTranscription = transcriptionWire('openai-transcription', '/audio/transcriptions');
const openaiTranslation = transcriptionWire('openai-translation', '/audio/translations');

/** A wire that always answers in JSON. */
const jsonTranscription: Wire<TranscriptionRequest, Transcript> = {
  ...openaiTranscription,
  id: 'json-transcription',
  unknownFields: ['response_format'],
  encodeRequest: (request, target) => ({
    ...openaiTranscription.encodeRequest(request, target),
    losses: ['json', 'text'].includes(request.format)
      ? []
      : [grave('response_format', 'This provider gives the text alone, not its times.')],
  }),
};

export const transcriptions = transcriptionOf('transcriptions', {
  'openai-transcription': openaiTranscription,
  'json-transcription': jsonTranscription,
});

export const translations = transcriptionOf('translations', { 'openai-translation': openaiTranslation });

function transcriptionOf(
  id: OperationId,
  wires: Operation<TranscriptionRequest, Transcript>['wires'],
): Operation<TranscriptionRequest, Transcript> {
  return {
    id,
    wires,
    sizeOf,
    textsOf: ({ prompt }) => [prompt],
    answerOf,
    usageOf: (reply) => reply.usage,
    usageIn: (body) => readTranscriptUsage(body),
    usageAsked: ({ duration }) => ({ units: { seconds: duration.secondsEstimate } }),
    eventsOf: ({ text, body }) => [compact({ type: 'transcript.text.done', text, usage: body['usage'] })],
    isAsAsked: (_, request) => answerOf(request) === 'json',
  };
}

function answerOf({ isStreaming, format }: TranscriptionRequest): 'events' | 'text' | 'json' {
  if (isStreaming) return 'events';
  return format === 'text' || format === 'srt' || format === 'vtt' ? 'text' : 'json';
}

function transcriptionWire(id: string, path: string): Wire<TranscriptionRequest, Transcript> {
  return {
    id,
    modelField: 'model',
    decodeRequest,
    // A form goes on as it came: there is no other writing of it.
    encodeRequest: () => ({ path, body: {}, losses: [] }),
    decodeReply,
    encodeReply: ({ text, body }, request): EncodedAnswer => ({
      body: request.format === 'text' ? `${text}\n` : body,
      losses: [],
    }),
  };
}

function decodeRequest({ record, form }: AskedBody): Result<TranscriptionRequest, Fault> {
  const read = fieldReader(record, true);
  const model = read.model();
  const format = read.oneOf('response_format', FORMATS) ?? 'json';
  const isStreaming = read.flag('stream') ?? false;
  const prompt = read.text('prompt', PROMPT_MAX) ?? '';
  read.number('temperature', { min: 0, max: 2 });
  const sound = soundOf(form, record, read);
  const extras = read.rest();
  const wrong = read.fault();
  if (wrong !== undefined) return err(wrong);
  return ok({ model, format, isStreaming, prompt, duration: durationOf(sound), extras });
}

/** The one file of a form; nothing where it is elsewhere: Mistral takes an address or the id of a file instead. */
function soundOf(form: Form | undefined, record: JsonRecord, read: FieldReader): Buffer {
  const files = form?.parts.filter((part) => part.name === 'file' && part.filename !== undefined) ?? [];
  const [file] = files;
  if (form === undefined || file === undefined) {
    const isElsewhere = record['file_url'] !== undefined || record['file_id'] !== undefined;
    if (!isElsewhere) read.refuse('file', 'send one file of sound');
    return Buffer.alloc(0);
  }
  if (files.length > 1) read.refuse('file', 'it stands twice');
  if (file.end === file.start) read.refuse('file', 'it is empty');
  return form.bytes.subarray(file.start, file.end);
}

function sizeOf({ prompt, duration }: TranscriptionRequest): Size {
  const { secondsEstimate, secondsMax } = duration;
  return {
    textLength: prompt.length,
    nonAsciiLength: nonAsciiUnits(prompt),
    longestLength: 0,
    imageCount: 0,
    tokensMax: secondsMax * TOKENS_PER_SECOND_MAX,
    tokensEstimate: secondsEstimate * TOKENS_PER_SECOND,
    outputTokensMax: secondsMax * OUTPUT_TOKENS_PER_SECOND_MAX + OUTPUT_TOKENS_LEAST,
    choices: 1,
    unitsMax: { seconds: secondsMax },
  };
}

function decodeReply(body: JsonRecord): Result<Transcript, string> {
  const text = asString(body['text']);
  if (text === undefined) return err('it has no text');
  const usage = readTranscriptUsage(body);
  return ok(usage === undefined ? { text, body } : { text, body, usage });
}

/** Tokens (`gpt-4o-transcribe`, Voxtral) or seconds (`whisper-1`); else the length that verbose answers tell. */
function readTranscriptUsage(body: JsonRecord): Usage | undefined {
  const raw = asRecord(body['usage']);
  const seconds = secondsOf(firstOf(raw, 'seconds', 'prompt_audio_seconds') ?? body['duration']);
  const inputTokens = asCount(raw?.['input_tokens']) ?? voxtralInput(raw);
  if (seconds === undefined && inputTokens === undefined) return undefined;
  const details = firstOf(raw, 'input_token_details', 'prompt_tokens_details');
  return compact({
    inputTokens,
    inputAudioTokens: asCount(inside(details, 'audio_tokens')),
    outputTokens: asCount(firstOf(raw, 'output_tokens', 'completion_tokens')),
    units: seconds === undefined ? undefined : { seconds },
    raw,
  });
}

/** Recorded: Mistral's `prompt_tokens` are without the sound, its total is with it. */
function voxtralInput(raw: JsonRecord | undefined): number | undefined {
  const prompt = asCount(raw?.['prompt_tokens']);
  const total = asCount(raw?.['total_tokens']);
  const output = asCount(raw?.['completion_tokens']);
  return total === undefined || output === undefined || total < output ? prompt : total - output;
}

function secondsOf(value: Json | undefined): number | undefined {
  const seconds = asNumber(value);
  return seconds === undefined || seconds < 0 ? undefined : Math.ceil(seconds);
}
