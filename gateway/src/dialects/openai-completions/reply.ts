/** Whole replies of this wire: read as those of a chat, written as OpenAI writes them. */
import type { Fault } from '../../chat/fault.ts';
import { replyExtraLosses } from '../../chat/losses.ts';
import type { Part } from '../../chat/part.ts';
import type { ChatResponse, Choice, Finish } from '../../chat/reply.ts';
import type { Loss } from '../../chat/request.ts';
import type { JsonRecord } from '../../lib/json.ts';
import { ok, type Result } from '../../lib/result.ts';
import type { EncodeContext, Glance } from '../dialect.ts';
import { lossList } from '../loss-list.ts';
import {
  decodeResponse as decodeChat,
  glance as glanceChat,
  loseFinish,
  splitExtras,
  writeFinish,
} from '../openai-chat/response.ts';
import { lostUsage, writeUsage } from '../openai-chat/usage.ts';
import { writeLogprobs } from './logprobs.ts';
import { asChat, HOME } from './wire.ts';

type Lose = (loss: Loss) => void;

export function decodeResponse(body: JsonRecord, provider: string): Result<ChatResponse, Fault> {
  const read = decodeChat(asChat(body), provider);
  return read.ok ? ok({ ...read.value, origin: HOME }) : read;
}

export function glance(body: JsonRecord, provider: string): Result<Glance, Fault> {
  return glanceChat(asChat(body), provider);
}

/** Writes a reply as a text completion. A provider's further fields stay, under their own names. */
export function encodeResponse(
  response: ChatResponse,
  context: EncodeContext,
): { readonly body: JsonRecord; readonly losses: readonly Loss[] } {
  const losses = lossList();
  const usage = response.usage === undefined ? undefined : writeUsage(response.usage);
  const { error: _, ...extra } = response.extra ?? {};
  const body = {
    ...extra,
    id: response.id ?? `cmpl-${context.requestId}`,
    object: 'text_completion',
    created: response.createdAt ?? context.nowS,
    model: response.model ?? context.model,
    choices: response.choices.map((choice) => writeChoice(choice, losses.add)),
    ...(usage === undefined ? {} : { usage }),
  };
  return { body, losses: [...losses.all(), ...lostUsage(response.usage)] };
}

function writeChoice(choice: Choice, lose: Lose): JsonRecord {
  const { own } = splitExtras(choice.extra);
  return {
    ...own,
    text: choice.parts.map((part) => wordsOf(part, lose)).join(''),
    index: choice.index,
    logprobs: choice.logprobs === undefined ? null : writeLogprobs(choice.logprobs, 0),
    finish_reason: endOf(choice.finish, lose),
  };
}

/** OpenAI's word for the end; a text is never ended by calls. */
export function endOf(finish: Finish, lose: Lose): string {
  loseFinish(finish, lose);
  const word = writeFinish(finish);
  return word === 'tool_calls' ? 'stop' : word;
}

/** The text of a part, and what is lost of it: there is nothing but text here. */
export function wordsOf(part: Part, lose: Lose): string {
  for (const loss of lossesOf(part)) lose(loss);
  return part.kind === 'text' || part.kind === 'refusal' ? part.text : '';
}

function lossesOf(part: Part): readonly Loss[] {
  const field = part.kind;
  switch (part.kind) {
    case 'text':
      return [
        ...replyExtraLosses([part], HOME),
        ...(part.citations === undefined ? [] : [hint('citations', field, 'A text completion names no sources.')]),
        ...(part.signature === undefined ? [] : [hint('signature', field, 'A text completion has no signatures.')]),
      ];
    case 'refusal':
      return [hint('refusal', field, 'A text completion has no refusals; it was written as text.')];
    case 'reasoning':
      return [hint('reasoning-shown', field, 'A text completion has no place for thoughts.')];
    case 'tool-call':
    case 'tool-result':
    case 'opaque': {
      const name = part.kind === 'tool-result' ? field : part.name;
      return [{ code: 'opaque', field: name, weight: 'meaning', why: 'A text completion holds text alone.' }];
    }
    default:
      return [{ code: 'media-kind', field, weight: 'meaning', why: `A text completion cannot hold ${field}.` }];
  }
}

function hint(code: Loss['code'], field: string, why: string): Loss {
  return { code, field, weight: 'hint', why };
}
