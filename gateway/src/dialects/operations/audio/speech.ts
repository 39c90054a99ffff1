/** Speech in OpenAI's form (developers.openai.com/api/reference/resources/audio), which all providers of it have taken over. */
import type { Fault } from '../../../chat/fault.ts';
import type { Usage } from '../../../chat/usage.ts';
import { asCount, asRecord, isRecord, type JsonRecord } from '../../../lib/json.ts';
import { err, ok, type Result } from '../../../lib/result.ts';
import { nonAsciiUnits } from '../../text-size.ts';
import type { Asked, AskedBody, Operation, Size, Wire } from '../operation.ts';
import { fieldReader } from '../reading.ts';

/** OpenAI takes 4,096 characters, others more. */
const INPUT_MAX = 1_000_000;
/** Spoken English has 15 characters a second; OpenAI counts 1,250 tokens of sound a minute (0.015 dollars at 12 a million). */
const TOKENS_PER_CHARACTER = 1250 / 60 / 15;
/** No voice at a quarter of the usual speed takes longer than this many times as long. */
const SLOWEST = 5;

export interface SpeechRequest extends Asked {
  readonly input: string;
  readonly instructions: string;
  /** Sound in events instead of bytes. */
  readonly isEvents: boolean;
}

export const openaiSpeech: Wire<SpeechRequest, JsonRecord> = {
  id: 'openai-speech',
  modelField: 'model',
  decodeRequest,
  encodeRequest: ({ input, instructions, isEvents, extras }, target) => ({
    path: '/audio/speech',
    body: {
      model: target.model,
      input,
      ...(instructions === '' ? {} : { instructions }),
      ...(isEvents ? { stream_format: 'sse' } : {}),
      ...extras,
    },
    losses: [],
  }),
  decodeReply: () => err('it is not sound'),
  encodeReply: (body) => ({ body, losses: [] }),
};

export const speech: Operation<SpeechRequest, JsonRecord> = {
  id: 'speech',
  wires: { 'openai-speech': openaiSpeech },
  sizeOf,
  textsOf: ({ input, instructions }) => [input, instructions],
  answerOf: ({ isEvents }) => (isEvents ? 'events' : 'bytes'),
  usageOf: () => undefined,
  usageIn: (body, request) => speechUsage(asRecord(body['usage']), request),
  usageAsked: (request) => speechUsage(undefined, request),
  outputTokensOf: ({ input }) => Math.ceil(charactersOf(input) * TOKENS_PER_CHARACTER),
};

function decodeRequest({ record }: AskedBody): Result<SpeechRequest, Fault> {
  const read = fieldReader(record);
  const model = read.model();
  const input = read.needed('input', INPUT_MAX);
  const voice = record['voice'];
  // OpenAI's own voices have names, those that were made for an account an id.
  if (voice !== undefined && voice !== null && typeof voice !== 'string' && !isRecord(voice))
    read.refuse('voice', 'it must be the name of a voice');
  read.number('speed', { min: 0.1, max: 10 });
  read.text('response_format', 32);
  const instructions = read.text('instructions', INPUT_MAX) ?? '';
  const isEvents = read.oneOf('stream_format', ['sse', 'audio']) === 'sse';
  const wrong = read.fault();
  if (wrong !== undefined) return err(wrong);
  const { model: _m, input: _i, instructions: _s, stream_format: _f, ...extras } = record;
  return ok({ model, input, instructions, isEvents, extras });
}

function sizeOf({ input, instructions }: SpeechRequest): Size {
  const characters = charactersOf(input);
  return {
    textLength: input.length + instructions.length,
    nonAsciiLength: nonAsciiUnits(input) + nonAsciiUnits(instructions),
    longestLength: 0,
    imageCount: 0,
    tokensMax: 0,
    tokensEstimate: 0,
    outputTokensMax: Math.ceil(characters * TOKENS_PER_CHARACTER * SLOWEST),
    choices: 1,
    unitsMax: { characters },
  };
}

function charactersOf(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

function speechUsage(raw: JsonRecord | undefined, { input }: SpeechRequest): Usage {
  const inputTokens = asCount(raw?.['input_tokens']);
  const outputTokens = asCount(raw?.['output_tokens']);
  return {
    ...(inputTokens === undefined ? {} : { inputTokens }),
    ...(outputTokens === undefined ? {} : { outputTokens, outputAudioTokens: outputTokens }),
    units: { characters: charactersOf(input) },
    ...(raw === undefined ? {} : { raw }),
  };
}
