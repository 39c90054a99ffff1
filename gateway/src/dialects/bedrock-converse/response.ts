/** A whole reply of Converse, both ways. */
import { fault, type Fault } from '../../chat/fault.ts';
import type { Citation, MediaPart, Part, ReasoningPart, TextPart } from '../../chat/part.ts';
import type { ChatResponse, Choice, Finish } from '../../chat/reply.ts';
import type { Loss } from '../../chat/request.ts';
import { asRecord, asString, compact, isArray, others, type JsonRecord } from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { argumentsOf, loseChoices, loseLogprobs, replyBlock } from '../blocks.ts';
import { glanceOf, type EncodeContext, type Glance } from '../dialect.ts';
import { lossList, type LossList } from '../loss-list.ts';
import { decodeContent } from './decode-blocks.ts';
import { faultOfEvent } from './errors.ts';
import { decodeUsage, encodeUsage, lostUsage } from './usage.ts';
import { callId, decodeFinish, encodeFinish, encodeRedacted, encodeSignature, formatOfType, HOME } from './words.ts';

const KNOWN = new Set(['output', 'stopReason', 'usage']);
/** Fields beside the message that any client of Converse knows. */
export const REPLY_FIELDS: ReadonlySet<string> = new Set([
  'metrics',
  'trace',
  'additionalModelResponseFields',
  'performanceConfig',
  'serviceTier',
]);

/** Reads a reply. A 200 that holds an exception, or no message, is a fault (faults.md F13). */
export function decodeResponse(body: JsonRecord, provider: string): Result<ChatResponse, Fault> {
  const message = asRecord(asRecord(body['output'])?.['message']);
  if (!isArray(message?.['content'])) {
    const type = asString(body['__type']);
    if (type !== undefined || typeof body['message'] === 'string')
      return err(faultOfEvent(type ?? 'error', body, provider));
    return err(fault('upstream-invalid', { provider, reason: 'the reply has no message' }));
  }
  return ok({
    origin: HOME,
    choices: [
      { index: 0, parts: decodeContent(message['content'], 'assistant'), finish: decodeFinish(body['stopReason']) },
    ],
    ...compact({ usage: decodeUsage(body['usage']), extra: others(body, KNOWN) }),
  });
}

/** Usage and finish of a reply; one that does not say how it ended is read whole. */
export function glance(body: JsonRecord, provider: string): Result<Glance, Fault> {
  const finish = body['stopReason'];
  if (typeof finish === 'string' && isArray(asRecord(asRecord(body['output'])?.['message'])?.['content']))
    return ok(compact({ finish, usage: decodeUsage(body['usage']) }));
  const read = decodeResponse(body, provider);
  return read.ok ? ok(glanceOf(read.value)) : read;
}

export function encodeResponse(
  response: ChatResponse,
  _context: EncodeContext,
): { readonly body: JsonRecord; readonly losses: readonly Loss[] } {
  const losses = lossList();
  const [choice] = response.choices;
  if (response.choices.length > 1) loseChoices(losses);
  if (choice?.logprobs !== undefined) loseLogprobs(losses);
  const isHome = response.origin === HOME;
  const finish = choice?.finish ?? { reason: 'other' };
  loseFinish(finish, losses);
  if (!isHome) loseExtra({ ...response.extra, ...choice?.extra }, losses);
  return {
    body: {
      output: { message: { role: 'assistant', content: encodeParts(choice?.parts ?? [], isHome, losses) } },
      stopReason: encodeFinish(finish, hasToolCall(choice)),
      usage: encodeUsage(response.usage),
      ...(isHome ? response.extra : {}),
    },
    losses: [...losses.all(), ...lostUsage(response.usage)],
  };
}

/** An end that has no word here looks like a normal one, so it is named. */
export function loseFinish(finish: Finish, losses: LossList): void {
  const word = encodeFinish(finish, false);
  if ((finish.reason === 'other' || finish.reason === 'error' || finish.reason === 'pause') && word !== finish.raw)
    losses.hint(
      'finish',
      'stopReason',
      `The reason ${finish.raw ?? finish.reason} has no word here; it became ${word}.`,
    );
}

export function loseExtra(extra: JsonRecord, losses: LossList): void {
  for (const [name, value] of Object.entries(extra))
    if (value !== undefined && value !== null && !REPLY_FIELDS.has(name))
      losses.hint('unknown-field', name, 'A reply of Converse has no such field.');
}

function hasToolCall(choice: Choice | undefined): boolean {
  return choice?.parts.some((part) => part.kind === 'tool-call') === true;
}

function encodeParts(parts: readonly Part[], isHome: boolean, losses: LossList): readonly JsonRecord[] {
  return parts.flatMap((part) => encodePart(part, isHome ? part.extra : undefined, losses));
}

function encodePart(part: Part, own: JsonRecord | undefined, losses: LossList): readonly JsonRecord[] {
  switch (part.kind) {
    case 'text':
      return [encodeText(part, own, losses)];
    case 'refusal':
      return part.text === '' ? [] : [{ text: part.text }];
    case 'reasoning':
      return encodeReplyReasoning(part, own);
    case 'tool-call':
      if (part.signature !== undefined) loseSignature(losses);
      return [{ toolUse: { toolUseId: callId(part.id), name: part.name, input: argumentsOf(part, losses), ...own } }];
    case 'opaque':
      return replyBlock(part, HOME, losses);
    case 'tool-result':
      return [];
    default:
      return encodeReplyMedia(part, losses);
  }
}

export function loseSignature(losses: LossList): void {
  losses.hint('signature', 'content', 'Only reasoning can be signed here.');
}

function encodeText(part: TextPart, own: JsonRecord | undefined, losses: LossList): JsonRecord {
  if (part.signature !== undefined) loseSignature(losses);
  const { citedTexts, ...extra } = own ?? {};
  const citations = (part.citations ?? []).map(citationOf);
  if (citations.length === 0 && citedTexts === undefined) return { text: part.text, ...extra };
  const texts = isArray(citedTexts) ? citedTexts : [part.text];
  return { citationsContent: { content: texts.map((text) => ({ text })), citations, ...extra } };
}

/** A citation in Bedrock's form. */
export function citationOf(citation: Citation): JsonRecord {
  if (citation.origin === HOME) return citation.raw;
  return compact({
    title: citation.title,
    sourceContent: citation.citedText === undefined ? undefined : [{ text: citation.citedText }],
    location: citation.url === undefined ? undefined : { web: { url: citation.url } },
  });
}

function encodeReplyReasoning(part: ReasoningPart, own: JsonRecord | undefined): readonly JsonRecord[] {
  const hidden =
    part.encrypted === undefined ? [] : [{ reasoningContent: { redactedContent: encodeRedacted(part.encrypted) } }];
  if (part.text === '' && part.signature === undefined && hidden.length > 0) return hidden;
  const signature = part.signature === undefined ? {} : { signature: encodeSignature(part.signature) };
  return [{ reasoningContent: { reasoningText: { text: part.text, ...signature, ...own } } }, ...hidden];
}

/** A reply holds pictures; of sound its words are kept. */
export function encodeReplyMedia(part: MediaPart, losses: LossList): readonly JsonRecord[] {
  const format =
    part.source.by === 'base64' && part.kind === 'image' ? formatOfType('image', part.source.mediaType) : undefined;
  if (format !== undefined && part.source.by === 'base64')
    return [{ image: { format, source: { bytes: part.source.data } } }];
  losses.meaning('media-kind', part.kind, `A reply of Converse cannot hold this ${part.kind}.`);
  return part.transcript === undefined ? [] : [{ text: part.transcript }];
}
