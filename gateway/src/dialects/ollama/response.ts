/** A whole reply of `/api/chat` or `/api/generate`, both ways, and the pieces that streams share with it. */
import { fault, type Fault } from '../../chat/fault.ts';
import type { Part } from '../../chat/part.ts';
import type { ChatResponse, Choice, Finish, FinishReason } from '../../chat/reply.ts';
import type { Loss } from '../../chat/request.ts';
import { asArray, asRecord, asString, compact, isRecord, type JsonRecord } from '../../lib/json.ts';
import { extraNames } from '../../chat/losses.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { glanceOf, type EncodeContext, type Glance } from '../dialect.ts';
import { argumentsObject } from '../messages.ts';
import { restOf } from '../openai-chat/assistant.ts';
import { decodeInnerError } from '../openai-chat/errors.ts';
import { readLogprobs, writeLogprobs } from '../openai-chat/response.ts';
import { readCall } from './request.ts';
import { lostUsage, readUsage, USAGE_FIELDS, writeUsage } from './usage.ts';
import { createdAt, HOME, readPicture, sentId, stringsOf, timeText } from './wire.ts';

/** More calls in one reply than any model makes. */
export const CALLS_MAX = 1024;

const REPLY_READ: ReadonlySet<string> = new Set([
  ...USAGE_FIELDS,
  'model',
  'created_at',
  'message',
  'response',
  'thinking',
  'done',
  'done_reason',
  'logprobs',
  'error',
]);
const MESSAGE_READ: ReadonlySet<string> = new Set(['role', 'content', 'thinking', 'images', 'tool_calls']);

const REASONS: Readonly<Record<string, FinishReason | undefined>> = {
  stop: 'stop',
  length: 'length',
  // The model was only loaded or unloaded: a request without messages.
  load: 'stop',
  unload: 'stop',
};

/** How a finished reply ended. Ollama says `stop` after calls too, and older servers say nothing. */
export function finishOf(body: JsonRecord, hasCalls: boolean): Finish {
  const raw = asString(body['done_reason']) ?? '';
  if (raw === '') return { reason: hasCalls ? 'tool-calls' : 'stop' };
  const reason = REASONS[raw] ?? 'other';
  return { reason: reason === 'stop' && hasCalls ? 'tool-calls' : reason, raw };
}

/** What a reply or line says: the message of a chat, or the text that `/api/generate` has beside it. */
export function messageOf(body: JsonRecord): JsonRecord {
  const message = asRecord(body['message']);
  return message ?? compact({ content: body['response'], thinking: body['thinking'] });
}

/** Fields of a reply, and of its message, that have no word here. */
export function extraOf(body: JsonRecord): JsonRecord | undefined {
  return restOf(body, REPLY_READ);
}

export function messageExtra(body: JsonRecord): JsonRecord | undefined {
  return restOf(messageOf(body), MESSAGE_READ);
}

/** The fault of an error that came with 200, whole or as a line of a stream. */
export function faultIn(body: JsonRecord, provider: string): Fault | undefined {
  const { error } = body;
  if (error === undefined || error === null || error === '') return undefined;
  return decodeInnerError(error, provider, asString(body['model']) ?? '');
}

/** Reads a whole reply. */
export function decodeResponse(body: JsonRecord, provider: string): Result<ChatResponse, Fault> {
  const inside = faultIn(body, provider);
  if (inside !== undefined) return err(inside);
  if (!isRecord(body['message']) && typeof body['response'] !== 'string')
    return err(fault('upstream-invalid', { provider, reason: 'it holds no message' }));
  if (body['done'] === false) return err(fault('upstream-cut', { provider }));
  const parts = readParts(body);
  const logprobs = readLogprobs(body['logprobs']);
  return ok(
    compact({
      origin: HOME,
      model: asString(body['model']),
      createdAt: createdAt(body),
      choices: [
        compact({
          index: 0,
          parts,
          finish: finishOf(
            body,
            parts.some((part) => part.kind === 'tool-call'),
          ),
          logprobs: logprobs.length === 0 ? undefined : logprobs,
          extra: messageExtra(body),
        }),
      ],
      usage: readUsage(body),
      extra: extraOf(body),
    }),
  );
}

function readParts(body: JsonRecord): readonly Part[] {
  const message = messageOf(body);
  const thinking = asString(message['thinking']) ?? '';
  const text = asString(message['content']) ?? '';
  return [
    ...(thinking === '' ? [] : [{ kind: 'reasoning' as const, text: thinking }]),
    ...(text === '' ? [] : [{ kind: 'text' as const, text }]),
    ...stringsOf(message['images']).map((image) => readPicture(image)),
    ...(asArray(message['tool_calls']) ?? []).slice(0, CALLS_MAX).flatMap((call, number) => {
      const time = asString(body['created_at']) ?? '';
      return isRecord(call) ? (readCall(call, { number, time }) ?? []) : [];
    }),
  ];
}

/** Usage and finish of a reply. */
export function glance(body: JsonRecord, provider: string): Result<Glance, Fault> {
  const read = decodeResponse(body, provider);
  return read.ok ? ok(glanceOf(read.value)) : read;
}

/** Writes a reply as `/api/chat` does. */
export function encodeResponse(
  response: ChatResponse,
  context: EncodeContext,
): { readonly body: JsonRecord; readonly losses: readonly Loss[] } {
  const losses: Loss[] = [...lostUsage(response.usage)];
  const lose = (loss: Loss): void => void losses.push(loss);
  const [choice, ...others] = response.choices;
  if (others.length > 0) lose(otherChoices());
  const isHome = response.origin === HOME;
  if (!isHome) losses.push(...extraLosses(response));
  const body = {
    ...(isHome ? response.extra : {}),
    ...headOf(response, context),
    message: writeMessage(choice, { isHome, lose }),
    ...lastOf(choice?.finish ?? { reason: 'other' }, isHome, lose),
    ...(choice?.logprobs === undefined ? {} : { logprobs: writeLogprobs(choice.logprobs) }),
    ...writeUsage(response.usage),
  };
  return { body, losses };
}

/** Model and time, which stand in every line. */
export function headOf(
  of: { readonly model?: string; readonly createdAt?: number },
  context: EncodeContext,
): { readonly model: string; readonly created_at: string } {
  return { model: of.model ?? context.model, created_at: timeText(of.createdAt ?? context.nowS) };
}

/** The mark of the last line, and why it is that. */
export function lastOf(finish: Finish, isHome: boolean, lose: (loss: Loss) => void): JsonRecord {
  if (isHome) return compact({ done: true, done_reason: finish.raw });
  const isPlain = finish.reason === 'stop' || finish.reason === 'length' || finish.reason === 'tool-calls';
  const word = finish.reason === 'length' ? 'length' : 'stop';
  const field = 'done_reason';
  if (finish.stopSequence !== undefined)
    lose({ code: 'finish', field, weight: 'hint', why: 'Which stop sequence ended the text is not told here.' });
  if (!isPlain) {
    const why = `The reason ${finish.raw ?? finish.reason} has no word here; it became ${word}.`;
    lose({ code: 'finish', field, weight: 'hint', why });
  }
  return { done: true, done_reason: word };
}

export function otherChoices(): Loss {
  return { code: 'choices', field: 'choices', weight: 'meaning', why: 'A reply of Ollama holds one choice.' };
}

function extraLosses(response: ChatResponse): readonly Loss[] {
  return extraNames(response).map(extraLoss);
}

/** A field of another protocol beside a reply. */
export function extraLoss(name: string): Loss {
  return { code: 'unknown-field', field: name, weight: 'hint', why: `${HOME} has no such field.` };
}

interface MessageWriter {
  readonly isHome: boolean;
  readonly lose: (loss: Loss) => void;
}

function writeMessage(choice: Choice | undefined, writer: MessageWriter): JsonRecord {
  const pieces = (choice?.parts ?? []).map((part) => pieceOf(part, writer));
  const thinking = pieces.map((piece) => piece.thinking ?? '').join('');
  const images = pieces.flatMap((piece) => piece.images ?? []);
  const calls = pieces.flatMap((piece) => piece.tool_calls ?? []);
  return {
    role: 'assistant',
    content: pieces.map((piece) => piece.content ?? '').join(''),
    ...(thinking === '' ? {} : { thinking }),
    ...(images.length === 0 ? {} : { images }),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map(numbered) }),
    ...(writer.isHome ? choice?.extra : {}),
  };
}

/** A call with its place among those of the reply. */
export function numbered(call: JsonRecord, index: number): JsonRecord {
  return { ...call, function: { index, ...asRecord(call['function']) } };
}

/** What one part adds to a message. */
export interface Piece {
  readonly content?: string;
  readonly thinking?: string;
  readonly images?: readonly string[];
  readonly tool_calls?: readonly JsonRecord[];
}

/** The words of a part; an empty piece where nothing of it can be said, and the loss is named. */
export function pieceOf(part: Part, { isHome, lose }: MessageWriter): Piece {
  for (const loss of lossesOf(part)) lose(loss);
  switch (part.kind) {
    case 'text':
    case 'refusal':
      return { content: part.text };
    case 'reasoning':
      return { thinking: part.text };
    case 'image':
      return part.source.by === 'base64' ? { images: [part.source.data] } : {};
    case 'tool-call': {
      const args = argumentsObject(part.arguments) ?? { arguments: part.arguments };
      const named = { name: part.name, arguments: args };
      return { tool_calls: [{ ...compact({ id: sentId(part.id) }), function: named, ...(isHome ? part.extra : {}) }] };
    }
    default:
      return {};
  }
}

function lossesOf(part: Part): readonly Loss[] {
  if (part.kind === 'opaque' && part.origin !== HOME) {
    const why = `${part.name} can only be expressed in its own protocol, not in ${HOME}.`;
    return [{ code: 'opaque', field: part.name, weight: 'meaning', why }];
  }
  const isUnseen = part.kind === 'image' ? part.source.by !== 'base64' : MEDIA.has(part.kind);
  if (!isUnseen) return marksOf(part).map(([code, why]) => ({ code, field: part.kind, weight: 'hint', why }));
  const why = `A reply cannot hold this ${part.kind} here.`;
  return [{ code: 'media-kind', field: part.kind, weight: 'meaning', why }];
}

/** What stands beside the words of a part and has no place here: kind of loss, and why. */
function marksOf(part: Part): readonly (readonly [Loss['code'], string])[] {
  if (part.kind === 'refusal') return [['refusal', 'Ollama has no refusals; it is sent as plain text.']];
  if (part.kind === 'reasoning' && (part.signature ?? part.encrypted) !== undefined)
    return [['reasoning-history', 'Ollama has no place for signed or sealed thoughts.']];
  const isCited = part.kind === 'text' && part.citations !== undefined;
  const isSigned = (part.kind === 'text' || part.kind === 'tool-call') && part.signature !== undefined;
  return [
    ...(isCited ? [['citations', 'A reply of Ollama names no sources.'] as const] : []),
    ...(isSigned ? [['signature', 'Ollama knows no signatures; it is left out.'] as const] : []),
  ];
}

const MEDIA: ReadonlySet<string> = new Set(['document', 'audio', 'video']);
