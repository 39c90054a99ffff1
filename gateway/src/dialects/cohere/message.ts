/** An assistant's message, read and written: the same in a reply and in the history that comes back with the next request. */
import type { Part, ReasoningPart, TextPart, ToolCallPart } from '../../chat/part.ts';
import type { Loss } from '../../chat/request.ts';
import { asArray, asCount, asString, compact, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { argumentsText, restOf } from '../openai-chat/assistant.ts';
import {
  citationLoss,
  HOME,
  isTextCitation,
  readCitation,
  readSignature,
  signatureFields,
  writeCitation,
} from './wire.ts';

/** More calls in one reply than any model makes. */
export const CALLS_MAX = 1024;
/** Citations read from one reply; Cohere gives some dozens. */
export const CITATIONS_MAX = 1000;

const MESSAGE_READ: ReadonlySet<string> = new Set(['role', 'content', 'tool_plan', 'tool_calls', 'citations']);
const CALL_READ: ReadonlySet<string> = new Set(['id', 'type', 'function', 'signature']);
const BLOCK_READ: ReadonlySet<string> = new Set(['type', 'text', 'thinking', 'signature', 'encrypted']);

export interface AssistantMessage {
  readonly parts: readonly Part[];
  /** Fields without a word here, and citations of anything but the text. */
  readonly extra: JsonRecord | undefined;
}

/** Reads an assistant's message. `at` is where it stands in the caller's body; absent in replies. */
export function readAssistant(message: JsonRecord, at?: string): AssistantMessage {
  const citations = (asArray(message['citations']) ?? []).filter(isRecord).slice(0, CITATIONS_MAX);
  const others = citations.filter((raw) => !isTextCitation(raw));
  const content = readContent(message['content'], at);
  const extra = { ...restOf(message, MESSAGE_READ), ...(others.length === 0 ? {} : { citations: others }) };
  return {
    parts: [
      ...readPlan(message, at),
      ...content.flatMap(({ part, block }) => cite(part, block, citations) ?? []),
      ...readCalls(message['tool_calls'], at),
    ],
    extra: Object.keys(extra).length === 0 ? undefined : extra,
  };
}

/**
 * What the model means to do before it calls tools: "chain-of-thought style reflection and plan", so it is reasoning; marked
 * as a summary it is told from a thinking block, and becomes a plan again.
 */
function readPlan(message: JsonRecord, at: string | undefined): readonly ReasoningPart[] {
  const text = asString(message['tool_plan']) ?? '';
  if (text === '') return [];
  return [{ kind: 'reasoning', text, isSummary: true, ...(at === undefined ? {} : { at: `${at}.tool_plan` }) }];
}

interface Placed {
  readonly part: Part | undefined;
  /** Place among the blocks of the content, which citations name. */
  readonly block: number;
}

function readContent(content: Json | undefined, at: string | undefined): readonly Placed[] {
  const where = (index?: number): { readonly at?: string } =>
    at === undefined ? {} : { at: `${at}.content${index === undefined ? '' : `[${index}]`}` };
  if (typeof content === 'string')
    return content === '' ? [] : [{ part: { kind: 'text', text: content, ...where() }, block: 0 }];
  return (asArray(content) ?? []).map((block, index) => ({
    part: isRecord(block) ? readBlock(block, where(index)) : undefined,
    block: index,
  }));
}

/** A block of text or thoughts; empty text is left out, as other protocols refuse it. */
export function readBlock(block: JsonRecord, where: { readonly at?: string }): Part | undefined {
  const type = asString(block['type']) ?? 'text';
  const extra = restOf(block, BLOCK_READ);
  if (type === 'text') {
    const text = asString(block['text']) ?? '';
    const signature = readSignature(block, 'signature');
    if (text === '' && signature === undefined) return undefined;
    return compact({ kind: 'text' as const, text, ...where, signature, extra });
  }
  if (type !== 'thinking') return { kind: 'opaque', origin: HOME, name: type, value: block, ...where };
  const text = asString(block['thinking']) ?? '';
  const signature = readSignature(block, 'signature');
  const encrypted = readSignature(block, 'encrypted');
  if (text === '' && signature === undefined && encrypted === undefined) return undefined;
  return compact({ kind: 'reasoning' as const, text, ...where, signature, encrypted, extra });
}

function cite(part: Part | undefined, block: number, citations: readonly JsonRecord[]): Part | undefined {
  if (part?.kind !== 'text') return part;
  const mine = citations.filter((raw) => isTextCitation(raw) && (asCount(raw['content_index']) ?? 0) === block);
  return mine.length === 0 ? part : { ...part, citations: mine.map((raw) => readCitation(raw, part.text)) };
}

function readCalls(list: Json | undefined, at: string | undefined): readonly ToolCallPart[] {
  return (asArray(list) ?? []).slice(0, CALLS_MAX).flatMap((call, index) => {
    const where = at === undefined ? {} : { at: `${at}.tool_calls[${index}]` };
    return isRecord(call) ? (readCall(call, { index, ...where }) ?? []) : [];
  });
}

/** A tool call; undefined where it names no tool. */
export function readCall(
  call: JsonRecord,
  { index, at }: { readonly index: number; readonly at?: string },
): ToolCallPart | undefined {
  const named = isRecord(call['function']) ? call['function'] : {};
  const name = asString(named['name']) ?? '';
  if (name === '') return undefined;
  const id = asString(call['id']) ?? '';
  return compact({
    kind: 'tool-call' as const,
    id: id === '' ? `call_${index}_${name}` : id,
    name,
    arguments: argumentsText(named['arguments']) ?? '',
    at,
    signature: readSignature(call, 'signature'),
    extra: restOf(call, CALL_READ),
  });
}

export interface MessageWriter {
  /** True where the values come from Cohere, whose own extra fields are written back. */
  readonly isHome: boolean;
  /** True for the history of a request: signatures of others stay out of it. */
  readonly isRequest: boolean;
  /** False where the model has no thoughts of its own: then its thoughts before calls are a plan, and others are none. */
  readonly canReason?: boolean;
  readonly lose: (loss: Loss) => void;
}

/** The fields of an assistant's message, without its role. */
export function writeAssistant(parts: readonly Part[], writer: MessageWriter): JsonRecord {
  const calls = parts.filter((part) => part.kind === 'tool-call');
  const isPlan = (part: Part): boolean => part.kind === 'reasoning' && calls.length > 0 && isPlanned(part, writer);
  const plan = parts.map((part) => (part.kind === 'reasoning' && isPlan(part) ? part.text : '')).join('');
  const blocks = parts.filter((part) => !isPlan(part) && part.kind !== 'tool-call');
  for (const part of parts) if (isPlan(part) || part.kind === 'tool-call') loseOf(part, writer);
  const content: JsonRecord[] = [];
  const citations: JsonRecord[] = [];
  for (const part of blocks) {
    const block = writeBlock(part, writer);
    if (block === undefined) continue;
    if (part.kind === 'text') citations.push(...citationsOf(part, content.length, writer));
    content.push(block);
  }
  return compact({
    tool_plan: plan === '' ? undefined : plan,
    content: content.length === 0 ? undefined : content,
    tool_calls: calls.length === 0 ? undefined : calls.map((call) => writeCall(call, writer)),
    citations: citations.length === 0 ? undefined : citations,
  });
}

/** The citations of a text that say something: OpenAI's file ids mean nothing to anyone else. */
function citationsOf(part: TextPart, block: number, { lose }: MessageWriter): readonly JsonRecord[] {
  return (part.citations ?? []).flatMap((citation) => {
    const loss = citationLoss(citation);
    if (loss !== undefined) lose(loss);
    return loss === undefined ? [writeCitation(citation, part.text, block)] : [];
  });
}

/** A plan holds words only: what is signed or sealed stands in a block, so that it comes back with its proof. */
function isPlanned(part: ReasoningPart, writer: MessageWriter): boolean {
  if (!writer.isRequest && (part.signature ?? part.encrypted) !== undefined) return false;
  return part.isSummary === true || (!writer.isHome && writer.canReason === false);
}

/** A block of the content; undefined where nothing of the part can be said, and the loss is named. */
export function writeBlock(part: Part, writer: MessageWriter): JsonRecord | undefined {
  loseOf(part, writer);
  const own = writer.isHome ? part.extra : undefined;
  switch (part.kind) {
    case 'text': {
      const proof = writer.isRequest ? {} : signatureFields(part.signature, 'signature');
      const isEmpty = part.text === '' && Object.keys(proof).length === 0;
      return isEmpty ? undefined : { type: 'text', text: part.text, ...proof, ...own };
    }
    case 'refusal':
      return part.text === '' ? undefined : { type: 'text', text: part.text };
    case 'reasoning':
      return writeThinking(part, writer);
    case 'opaque':
      return part.origin === HOME && isRecord(part.value) ? part.value : undefined;
    default:
      return undefined;
  }
}

function writeThinking(part: ReasoningPart, writer: MessageWriter): JsonRecord | undefined {
  if (writer.isRequest && !writer.isHome && writer.canReason === false) return undefined;
  const proof = writer.isRequest
    ? {}
    : { ...signatureFields(part.signature, 'signature'), ...signatureFields(part.encrypted, 'encrypted') };
  if (part.text === '' && Object.keys(proof).length === 0) return undefined;
  return { type: 'thinking', thinking: part.text, ...proof, ...(writer.isHome ? part.extra : {}) };
}

export function writeCall(part: ToolCallPart, writer: MessageWriter): JsonRecord {
  return {
    id: part.id,
    type: 'function',
    function: { name: part.name, arguments: part.arguments === '' ? '{}' : part.arguments },
    ...(writer.isRequest ? {} : signatureFields(part.signature, 'signature')),
    ...(writer.isHome ? part.extra : {}),
  };
}

/** Names what of a part has no place on this wire. */
export function loseOf(part: Part, writer: MessageWriter): void {
  const field = part.at ?? part.kind;
  if (part.kind === 'opaque' && part.origin !== HOME && !writer.isRequest) {
    const why = `${part.name} can only be expressed in its own protocol, not in ${HOME}.`;
    writer.lose({ code: 'opaque', field: part.name, weight: 'meaning', why });
  }
  if (part.kind === 'refusal')
    writer.lose({ code: 'refusal', field, weight: 'hint', why: 'Cohere has no refusals; it is sent as plain text.' });
  if (MEDIA.has(part.kind)) {
    const why = `An assistant's ${part.kind} cannot be expressed in this protocol.`;
    writer.lose({ code: 'media-kind', field, weight: 'meaning', why });
  }
  if (writer.isRequest && !writer.isHome) loseOfHistory(part, field, writer);
}

const MEDIA: ReadonlySet<string> = new Set(['image', 'document', 'audio', 'video']);

function loseOfHistory(part: Part, field: string, writer: MessageWriter): void {
  if (part.kind === 'reasoning' && (part.signature ?? part.encrypted) !== undefined) {
    const why =
      'What another provider signed or sealed cannot be read by this one: readable thoughts are sent as they are.';
    writer.lose({ code: 'reasoning-history', field, weight: 'hint', why });
  } else if (part.kind === 'reasoning' && writer.canReason === false && part.isSummary !== true) {
    const why = 'This model has no thoughts of its own: earlier ones were sent as a plan before calls, or left out.';
    writer.lose({ code: 'reasoning-history', field, weight: 'hint', why });
  }
  if ((part.kind === 'text' || part.kind === 'tool-call') && part.signature !== undefined)
    writer.lose({ code: 'signature', field, weight: 'hint', why: 'Cohere knows no signatures; it is left out.' });
}
