/** A whole reply (`type: message`), both ways. */
import { isCarried } from '../../chat/carried.ts';
import { fault, type Fault } from '../../chat/fault.ts';
import type { Citation, MediaPart, Part, ReasoningPart, TextPart } from '../../chat/part.ts';
import type { ChatResponse, Choice, Finish } from '../../chat/reply.ts';
import { replyExtraLosses } from '../../chat/losses.ts';
import type { Loss } from '../../chat/request.ts';
import { asString, asRecord, isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { argumentsOf, loseChoices, loseLogprobs, replyBlock } from '../blocks.ts';
import { glanceOf, type EncodeContext, type Glance } from '../dialect.ts';
import { decodeContent } from './decode-blocks.ts';
import { errorWords } from '../error-text.ts';
import { faultOfBody } from './errors.ts';
import { decodeUsage, encodeUsage, lostUsage } from './usage.ts';
import { callId, decodeFinish, encodeFinish, encodeSignature, HOME, lossList, others, type LossList } from './words.ts';

const KNOWN = new Set(['id', 'type', 'role', 'model', 'content', 'stop_reason', 'stop_sequence', 'usage']);

/** Reads a reply. A 200 that holds an error, or no content, is a fault (faults.md F13). */
export function decodeResponse(body: JsonRecord, provider: string): Result<ChatResponse, Fault> {
  if (body['type'] === 'error' || (isRecord(body['error']) && !isArray(body['content'])))
    return err(faultOfBody(body, provider));
  if (!isArray(body['content'])) {
    // Frameworks and proxies say in their own forms what went wrong.
    const isError = body['type'] !== 'message' && errorWords(body).message !== undefined;
    const missing = fault('upstream-invalid', { provider, reason: 'the reply has no content' });
    return err(isError ? faultOfBody(body, provider) : missing);
  }
  const id = asString(body['id']);
  const model = asString(body['model']);
  const usage = asRecord(body['usage']);
  const extra = others(body, KNOWN);
  return ok({
    origin: HOME,
    ...(id === undefined ? {} : { id }),
    ...(model === undefined ? {} : { model }),
    choices: [
      {
        index: 0,
        parts: decodeContent(body['content']),
        finish: decodeFinish(body['stop_reason'], body['stop_sequence']),
      },
    ],
    ...(usage === undefined ? {} : { usage: decodeUsage(usage) }),
    ...(extra === undefined ? {} : { extra }),
  });
}

/** Usage and finish of a reply; one that does not say how it ended is read whole. */
export function glance(body: JsonRecord, provider: string): Result<Glance, Fault> {
  const finish = body['stop_reason'];
  if (body['type'] === 'message' && typeof finish === 'string' && isArray(body['content'])) {
    const usage = usageOf(body);
    return ok(usage === undefined ? { finish } : { finish, usage });
  }
  const read = decodeResponse(body, provider);
  return read.ok ? ok(glanceOf(read.value)) : read;
}

/** Fields beside the message that any Anthropic client knows; those of another provider would be noise to it. */
export const REPLY_FIELDS: ReadonlySet<string> = new Set([
  'stop_details',
  'container',
  'context_management',
  'diagnostics',
  'input_transformations',
]);

export function encodeResponse(
  response: ChatResponse,
  context: EncodeContext,
): { readonly body: JsonRecord; readonly losses: readonly Loss[] } {
  const losses = lossList();
  const [choice] = response.choices;
  if (response.choices.length > 1) loseChoices(losses);
  if (choice?.logprobs !== undefined) loseLogprobs(losses);
  const isHome = response.origin === HOME;
  const extra = isHome ? response.extra : undefined;
  const finish = choice?.finish ?? { reason: 'other' };
  loseFinish(finish, losses);
  const lostBeside = isHome ? [] : loseBeside(response, losses);
  return {
    body: {
      ...messageHead(response, context),
      content: encodeParts(choice?.parts ?? [], isHome, losses),
      ...encodeFinish(finish, factsOf(choice)),
      stop_details: null,
      ...extra,
      usage: encodeUsage(response.usage),
    },
    losses: [...losses.all(), ...lostBeside, ...lostUsage(response.usage)],
  };
}

/** What another protocol says beside the message and beside its parts. */
function loseBeside({ extra, choices }: ChatResponse, losses: LossList): readonly Loss[] {
  const [choice] = choices;
  loseExtra({ ...extra, ...choice?.extra }, losses);
  return replyExtraLosses(choice?.parts ?? [], HOME);
}

/** An end that has no word here looks like a normal one, so it is named. */
export function loseFinish(finish: Finish, losses: LossList): void {
  if (finish.reason !== 'other' && finish.reason !== 'error') return;
  const { stop_reason: word } = encodeFinish(finish, { hasToolCall: false, hasRefusal: false });
  if (word !== finish.raw)
    losses.hint(
      'finish',
      'stop_reason',
      `The reason ${finish.raw ?? finish.reason} has no word here; it became ${word}.`,
    );
}

export function loseExtra(extra: JsonRecord, losses: LossList): void {
  for (const [name, value] of Object.entries(extra)) {
    if (value !== undefined && value !== null && !REPLY_FIELDS.has(name))
      losses.hint('unknown-field', name, 'A message has no such field.');
  }
}

/** What a message begins with. Ids keep the provider's own form; where there is none, ours is made from the request's. */
export function messageHead(of: { readonly id?: string; readonly model?: string }, context: EncodeContext): JsonRecord {
  return {
    id: of.id === undefined || of.id === '' ? `msg_${context.requestId}` : of.id,
    type: 'message',
    role: 'assistant',
    model: of.model ?? context.model,
  };
}

function factsOf(choice: Choice | undefined): { readonly hasToolCall: boolean; readonly hasRefusal: boolean } {
  return {
    hasToolCall: choice?.parts.some((part) => part.kind === 'tool-call') === true,
    hasRefusal: choice?.parts.some((part) => part.kind === 'refusal') === true,
  };
}

function encodeParts(parts: readonly Part[], isHome: boolean, losses: LossList): readonly JsonRecord[] {
  const blocks: JsonRecord[] = [];
  for (const part of parts) {
    if (part.kind === 'tool-call' && part.signature !== undefined) carry(blocks, encodeSignature(part.signature));
    blocks.push(...encodePart(part, isHome, losses));
  }
  return blocks;
}

/** Puts the signature of a call into the unsigned thinking before it, or into an empty one. */
function carry(blocks: JsonRecord[], signature: string): void {
  const last = blocks.at(-1);
  if (last?.['type'] === 'thinking' && last['signature'] === '') blocks[blocks.length - 1] = { ...last, signature };
  else blocks.push({ type: 'thinking', thinking: '', signature });
}

function encodePart(part: Part, isHome: boolean, losses: LossList): readonly JsonRecord[] {
  const own = isHome ? part.extra : undefined;
  if (part.kind === 'text') return encodeReplyText(part, own, losses);
  if (part.kind === 'refusal') return part.text === '' ? [] : [textBlock(part.text)];
  if (part.kind === 'reasoning') return encodeReplyReasoning(part, own);
  if (part.kind === 'tool-call' && !isHome) loseExtra(part.extra ?? {}, losses);
  if (part.kind === 'tool-call')
    return [{ type: 'tool_use', id: callId(part.id), name: part.name, input: argumentsOf(part, losses), ...own }];
  if (part.kind === 'opaque') return replyBlock(part, HOME, losses);
  return part.kind === 'tool-result' ? [] : encodeReplyMedia(part, losses);
}

function textBlock(text: string): { readonly type: 'text'; readonly text: string } {
  return { type: 'text', text };
}

function encodeReplyReasoning(part: ReasoningPart, own: JsonRecord | undefined): readonly JsonRecord[] {
  if (part.encrypted === undefined)
    return [{ type: 'thinking', thinking: part.text, signature: encodeSignature(part.signature), ...own }];
  const hidden = { type: 'redacted_thinking', data: encodeSignature(part.encrypted), ...own };
  return part.text === ''
    ? [hidden]
    : [{ type: 'thinking', thinking: part.text, signature: encodeSignature(part.signature) }, hidden];
}

function encodeReplyText(part: TextPart, own: JsonRecord | undefined, losses: LossList): readonly JsonRecord[] {
  const citations = (part.citations ?? []).flatMap((citation) => {
    const raw = citationOf(citation, losses);
    return raw === undefined ? [] : [raw];
  });
  const block = { ...textBlock(part.text), ...(citations.length === 0 ? {} : { citations }), ...own };
  if (part.signature === undefined || !isCarried(part.signature)) return [block];
  return [block, { type: 'thinking', thinking: '', signature: encodeSignature(part.signature) }];
}

/**
 * A citation in Anthropic's form. One of another provider becomes a search result's location, which clients show as a link;
 * its `encrypted_index` is empty, since it was not made here.
 */
export function citationOf(citation: Citation, losses: LossList): JsonRecord | undefined {
  if (citation.origin === HOME) return citation.raw;
  if (citation.url === undefined) {
    losses.hint('citations', 'citations', 'Only citations with an address can be shown here.');
    return undefined;
  }
  return {
    type: 'web_search_result_location',
    url: citation.url,
    title: citation.title ?? null,
    cited_text: citation.citedText ?? '',
    encrypted_index: '',
  };
}

/** Media as the text that stands for it, if any does. */
export function encodeReplyMedia(
  part: MediaPart,
  losses: LossList,
): readonly { readonly type: 'text'; readonly text: string }[] {
  const { transcript } = part;
  losses.meaning(
    'media-kind',
    part.kind,
    `A message cannot hold ${part.kind}${transcript === undefined ? '' : '; its transcript was kept'}.`,
  );
  return transcript === undefined || transcript === '' ? [] : [textBlock(transcript)];
}

/** Usage of a whole reply, without decoding the rest. */
export function usageOf(body: JsonRecord): ReturnType<typeof decodeUsage> | undefined {
  const usage: Json | undefined = body['usage'];
  return isRecord(usage) ? decodeUsage(usage) : undefined;
}
