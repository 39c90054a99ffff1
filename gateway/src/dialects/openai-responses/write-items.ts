/** The parts of an assistant's turn, written as items: see `items.ts` for where signatures stand. */
import { isCarried } from '../../chat/carried.ts';
import type {
  Citation,
  MediaPart,
  OpaquePart,
  Part,
  ReasoningPart,
  RefusalPart,
  Signature,
  TextPart,
  ToolCallPart,
} from '../../chat/part.ts';
import type { TokenLogprob } from '../../chat/reply.ts';
import type { Loss } from '../../chat/request.ts';
import { packSignature } from '../../chat/signature.ts';
import { compact, isRecord, type JsonRecord } from '../../lib/json.ts';
import { writeLogprobs } from '../openai-chat/response.ts';
import { customCall } from '../openai-custom.ts';
import { HOME } from './items.ts';
import type { Names } from './namespaces.ts';

export type ItemKind = 'message' | 'reasoning' | 'function_call' | 'image_generation_call' | 'custom_tool_call';

/** How OpenAI's ids begin. */
const PREFIX: Readonly<Record<ItemKind, string>> = {
  message: 'msg',
  reasoning: 'rs',
  function_call: 'fc',
  image_generation_call: 'ig',
  custom_tool_call: 'ctc',
};

export interface WriteContext {
  /** True where the parts came in this very protocol. */
  readonly isHome: boolean;
  /** Ends the ids of a reply's items; absent for the history of a request, of which only what a provider takes back is written. */
  readonly idBase?: string;
  readonly logprobs?: readonly TokenLogprob[];
  /** What the caller calls its functions, where their names were joined with those of their groups. */
  readonly names?: Names;
  readonly lose: (loss: Loss) => void;
}

interface Message {
  readonly kind: 'message';
  readonly head: JsonRecord;
  readonly content: JsonRecord[];
}
interface Reasoning {
  readonly kind: 'reasoning';
  readonly head: JsonRecord;
  readonly summary: JsonRecord[];
  readonly content: JsonRecord[];
  sealed: string | undefined;
}
/** An item under construction. Mutable by design: it lives inside one `writeAssistant`. */
type Draft = Message | Reasoning | { readonly kind: 'whole'; readonly item: JsonRecord };

/** The items of an assistant's turn, in order. */
export function writeAssistant(parts: readonly Part[], context: WriteContext): readonly JsonRecord[] {
  const drafts: Draft[] = [];
  for (const part of parts) addPart(part, drafts, context);
  return drafts.map((draft) => finished(draft, context));
}

function addPart(part: Part, drafts: Draft[], context: WriteContext): void {
  switch (part.kind) {
    case 'text':
    case 'refusal':
      return addContent(part, drafts, context);
    case 'reasoning':
      return addReasoning(part, drafts, context);
    case 'tool-call':
      return addCall(part, drafts, context);
    case 'opaque':
      return addOpaque(part, drafts, context);
    case 'tool-result':
      return undefined;
    case 'image':
    case 'document':
    case 'audio':
    case 'video':
      return addMedia(part, drafts, context);
  }
}

function addCall(part: ToolCallPart, drafts: Draft[], context: WriteContext): void {
  if (part.signature !== undefined) carry(part.signature, drafts, { part, context });
  const { id, arguments: text, extra } = part;
  const head = headOf('function_call', part, { drafts, context });
  drafts.push(
    whole({
      ...head,
      call_id: id,
      ...namesOf(part, context),
      arguments: text,
      ...(context.isHome ? extra : undefined),
    }),
  );
}

/** By one name, or by the two that the caller has for it. */
function namesOf({ name, namespace }: ToolCallPart, { isHome, names }: WriteContext): JsonRecord {
  if (isHome) return namespace === undefined ? { name } : { name: namespace.tool, namespace: namespace.name };
  return { name, ...names?.get(name) };
}

/** In a request, another protocol's was listed by `foreignLosses`. */
function addOpaque(part: OpaquePart, drafts: Draft[], context: WriteContext): void {
  const { origin, value } = customCall(part, HOME);
  if (origin === HOME && isRecord(value)) {
    const isMade = part.origin !== HOME && context.idBase !== undefined;
    drafts.push(
      whole(
        isMade
          ? { ...itemHead('custom_tool_call', itemId('custom_tool_call', context.idBase, drafts.length), {}), ...value }
          : value,
      ),
    );
  } else if (context.idBase !== undefined) loseOpaque(part.name, context.lose);
}

export function loseOpaque(name: string, lose: WriteContext['lose']): void {
  const why = `${name} can only be expressed in its own protocol.`;
  lose({ code: 'opaque', field: name, weight: 'meaning', why });
}

function whole(item: JsonRecord): Draft {
  return { kind: 'whole', item };
}

/** What an item begins with: its type, and in a reply always an id and a status, made here where its provider gave none. */
function headOf(
  kind: ItemKind,
  part: Part,
  { drafts, context }: { readonly drafts: readonly Draft[]; readonly context: WriteContext },
): JsonRecord {
  const { item = {} } = part;
  if (context.idBase === undefined) return { type: kind, ...(context.isHome ? item : {}) };
  return { type: kind, ...itemHead(kind, itemId(kind, context.idBase, drafts.length), item) };
}

/** Id and status of a reply's item. Reasoning has a status only where its provider gives it one. */
export function itemHead(kind: ItemKind, id: string, item: JsonRecord): JsonRecord {
  return { id, ...(kind === 'reasoning' ? {} : { status: 'completed' }), ...item };
}

/** The id of a reply's item by its place, where its provider gave none. */
export function itemId(kind: ItemKind, idBase: string, index: number): string {
  return `${PREFIX[kind]}_${idBase}_${index}`;
}

function addContent(part: TextPart | RefusalPart, drafts: Draft[], context: WriteContext): void {
  const last = drafts.at(-1);
  const isOpen = last?.kind === 'message' && part.item === undefined;
  const message: Message = isOpen
    ? last
    : { kind: 'message', head: headOf('message', part, { drafts, context }), content: [] };
  if (!isOpen) drafts.push(message);
  const own = context.isHome ? part.extra : undefined;
  if (part.kind === 'refusal') message.content.push({ type: 'refusal', refusal: part.text, ...own });
  else message.content.push({ ...writeText(part, message.content.length === 0, context), ...own });
  if (part.kind === 'text' && part.signature !== undefined) carry(part.signature, drafts, { part, context });
}

function writeText(part: TextPart, isFirst: boolean, context: WriteContext): JsonRecord {
  const annotations = (part.citations ?? []).flatMap((citation) => {
    // No provider takes another's citations back.
    const isKept = context.idBase !== undefined || citation.origin === HOME;
    const written = isKept ? writeCitation(citation, part.text.length) : undefined;
    if (written === undefined) loseCitation(part.at, context.lose);
    return written === undefined ? [] : [written];
  });
  const head = { type: 'output_text', text: part.text };
  if (context.idBase === undefined) return annotations.length === 0 ? head : { ...head, annotations };
  return { ...head, annotations, logprobs: isFirst ? writeLogprobs(context.logprobs ?? []) : [] };
}

/** An annotation; undefined for a source that has no address. `length` is that of the text it ends, for one without a place. */
export function writeCitation(citation: Citation, length: number): JsonRecord | undefined {
  if (citation.origin === HOME) return citation.raw;
  const { url, title = '', start = 0, end = length } = citation;
  return url === undefined ? undefined : { type: 'url_citation', start_index: start, end_index: end, title, url };
}

export function loseCitation(at: string | undefined, lose: WriteContext['lose']): void {
  const why = 'A source of another provider, or one without an address, has no place here.';
  lose({ code: 'citations', field: at ?? 'citations', weight: 'hint', why });
}

/** A signature that belongs to a call or text stands in an empty reasoning item beside it, for the way back. */
function carry(
  signature: Signature,
  drafts: Draft[],
  { part, context }: { readonly part: Part; readonly context: WriteContext },
): void {
  if (context.idBase !== undefined && isCarried(signature)) {
    const { item: _, ...bare } = part;
    const head = headOf('reasoning', bare, { drafts, context });
    drafts.push({ kind: 'reasoning', head, summary: [], content: [], sealed: packSignature(signature, HOME) });
  } else {
    const why = 'The signature of another provider means nothing to this one.';
    context.lose({ code: 'signature', field: part.at ?? part.kind, weight: 'hint', why });
  }
}

/** In a request, only reasoning of this very wire goes back: no provider of it takes another's. */
function addReasoning(part: ReasoningPart, drafts: Draft[], context: WriteContext): void {
  const seal = part.signature ?? part.encrypted;
  const isReadable = context.idBase !== undefined || seal?.origin === HOME;
  if (!isReadable && !context.isHome) {
    const why = 'Reasoning that this provider did not seal cannot be sent back to it.';
    context.lose({ code: 'reasoning-history', field: part.at ?? 'input', weight: 'hint', why });
    return;
  }
  const reasoning = openReasoning(part, drafts, context);
  addWords(part, reasoning, context);
  if (seal !== undefined && isReadable) reasoning.sealed = packSignature(seal, HOME);
}

/** Only this wire tells raw reasoning from a summary; clients show summaries. */
function addWords({ text, isSummary }: ReasoningPart, into: Reasoning, { isHome }: WriteContext): void {
  if (text === '') return;
  if (isHome && isSummary !== true) into.content.push({ type: 'reasoning_text', text });
  else into.summary.push({ type: 'summary_text', text });
}

/** The reasoning item that a part belongs to: the last one, until it is sealed or another begins. */
function openReasoning(part: ReasoningPart, drafts: Draft[], context: WriteContext): Reasoning {
  const last = drafts.at(-1);
  if (last?.kind === 'reasoning' && last.sealed === undefined && part.item === undefined) return last;
  const head = reasoningHead(part, drafts, context);
  const made: Reasoning = { kind: 'reasoning', head, summary: [], content: [], sealed: undefined };
  drafts.push(made);
  return made;
}

function reasoningHead(part: ReasoningPart, drafts: readonly Draft[], context: WriteContext): JsonRecord {
  return { ...headOf('reasoning', part, { drafts, context }), ...(context.isHome ? part.extra : undefined) };
}

/** A picture that the model drew is what the image tool gives; of a spoken answer its words are kept. */
function addMedia(part: MediaPart, drafts: Draft[], context: WriteContext): void {
  const { kind, source, transcript, at } = part;
  if (kind === 'image' && source.by === 'base64' && context.idBase !== undefined) {
    drafts.push(whole({ ...headOf('image_generation_call', part, { drafts, context }), result: source.data }));
    return;
  }
  const isSaid = transcript !== undefined && transcript.trim() !== '';
  loseMedia(kind, { field: at ?? kind, isSaid }, context.lose);
  if (isSaid) addContent({ kind: 'text', text: transcript }, drafts, context);
}

export function loseMedia(
  kind: MediaPart['kind'],
  { field, isSaid }: { readonly field: string; readonly isSaid: boolean },
  lose: WriteContext['lose'],
): void {
  const why = `An assistant's ${kind} cannot be expressed in this protocol${isSaid ? '; its words were kept' : ''}.`;
  lose({ code: 'media-kind', field, weight: isSaid ? 'hint' : 'meaning', why });
}

function finished(draft: Draft, { idBase }: WriteContext): JsonRecord {
  if (draft.kind === 'whole') return draft.item;
  if (draft.kind === 'message') return { ...draft.head, role: 'assistant', content: draft.content };
  const { head, summary, content, sealed } = draft;
  return compact({
    ...head,
    summary,
    content: content.length === 0 ? undefined : content,
    encrypted_content: sealed ?? (idBase === undefined ? undefined : null),
  });
}
