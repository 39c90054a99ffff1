/** A stream of events becomes a whole reply, and a whole reply a stream (faults.md F38: each side gets the form it asked for). */
import { compact, type JsonRecord } from '../lib/json.ts';
import type { Fault } from './fault.ts';
import type { MediaPart, Part, ReasoningPart, RefusalPart, TextPart, ToolCallPart } from './part.ts';
import type { ChatEvent, ChatResponse, Choice, Finish, TokenLogprob } from './reply.ts';
import { mergeUsage, type Usage } from './usage.ts';

/** A reply under construction. Mutable by design: it lives inside one `collect` and is never shared. */
interface Draft {
  readonly index: number;
  parts: Part[];
  /** Position in `parts` of each tool call, by its number. */
  readonly calls: Map<number, number>;
  isBroken: boolean;
  /** Of the part that comes next. */
  item?: JsonRecord | undefined;
  finish?: Finish;
  logprobs?: TokenLogprob[];
  extra?: JsonRecord;
}

export interface Collector {
  push(event: ChatEvent): void;
  /** The fault that ended the stream, if one did. */
  fault(): Fault | undefined;
  response(origin: ChatResponse['origin']): ChatResponse;
}

/** Puts a stream together, event by event. */
export function collector(): Collector {
  const drafts = new Map<number, Draft>();
  let head: { id?: string; model?: string; createdAt?: number; echo?: JsonRecord } = {};
  let usage: Usage | undefined;
  let extra: JsonRecord | undefined;
  let fault: Fault | undefined;

  function draftOf(index: number): Draft {
    const known = drafts.get(index);
    if (known !== undefined) return known;
    const made: Draft = { index, parts: [], calls: new Map(), isBroken: false };
    drafts.set(index, made);
    return made;
  }

  function push(event: ChatEvent): void {
    if (event.type === 'start') {
      const { type: _, ...rest } = event;
      head = { ...head, ...rest };
    } else if (event.type === 'usage') usage = mergeUsage(usage, event.usage);
    else if (event.type === 'error') fault = event.fault;
    else if (event.type === 'extra' && event.choice === undefined) extra = { ...extra, ...event.extra };
    else if (event.type !== 'ping') addTo(draftOf(event.choice ?? 0), event);
  }

  return {
    push,
    fault: () => fault,
    response: (origin) => ({
      origin,
      ...head,
      choices: [...drafts.values()].toSorted((a, b) => a.index - b.index).map(finishDraft),
      ...(usage === undefined ? {} : { usage }),
      ...(extra === undefined ? {} : { extra }),
    }),
  };
}

/** The whole reply that a finished list of events makes. */
export function collect(events: Iterable<ChatEvent>, origin: ChatResponse['origin']): ChatResponse {
  const into = collector();
  for (const event of events) into.push(event);
  return into.response(origin);
}

function finishDraft(draft: Draft): Choice {
  return {
    index: draft.index,
    parts: draft.parts,
    finish: draft.finish ?? { reason: 'other' },
    ...(draft.logprobs === undefined ? {} : { logprobs: draft.logprobs }),
    ...(draft.extra === undefined ? {} : { extra: draft.extra }),
  };
}

type ChoiceEvent = Exclude<ChatEvent, { type: 'start' | 'usage' | 'error' | 'ping' }>;

function addTo(draft: Draft, event: ChoiceEvent): void {
  switch (event.type) {
    case 'text-delta':
      return extend(draft, { kind: 'text', text: event.text });
    case 'reasoning-delta':
      return extend(draft, {
        kind: 'reasoning',
        text: event.text,
        ...(event.isSummary === undefined ? {} : { isSummary: event.isSummary }),
      });
    case 'refusal-delta':
      return extend(draft, { kind: 'refusal', text: event.text });
    case 'part-break':
      draft.isBroken = true;
      draft.item = event.item ?? draft.item;
      return undefined;
    case 'finish':
      draft.finish = event.finish;
      return undefined;
    case 'logprobs':
      draft.logprobs = [...(draft.logprobs ?? []), ...event.tokens];
      return undefined;
    case 'extra':
      if (event.of === 'part') addBeside(draft, event.extra);
      else draft.extra = { ...draft.extra, ...event.extra };
      return undefined;
    default:
      return addPart(draft, event);
  }
}

type PartEvent = Extract<
  ChoiceEvent,
  {
    type:
      | 'reasoning-encrypted'
      | 'signature'
      | 'tool-call-start'
      | 'tool-call-delta'
      | 'citation'
      | 'media'
      | 'audio-delta'
      | 'opaque';
  }
>;

/** Puts a part behind the others; the item that was announced begins with it. */
function add(draft: Draft, part: Part): void {
  draft.parts.push(draft.item === undefined ? part : { ...part, item: draft.item });
  draft.item = undefined;
}

function addPart(draft: Draft, event: PartEvent): void {
  switch (event.type) {
    case 'reasoning-encrypted':
      add(draft, { kind: 'reasoning', text: '', encrypted: event.encrypted });
      return undefined;
    case 'signature':
      return sign(draft, event);
    case 'tool-call-start':
      draft.calls.set(event.call, draft.parts.length);
      add(draft, {
        kind: 'tool-call',
        id: event.id,
        name: event.name,
        arguments: '',
        ...(event.signature === undefined ? {} : { signature: event.signature }),
        ...(event.extra === undefined ? {} : { extra: event.extra }),
      });
      return undefined;
    case 'tool-call-delta':
      return addArguments(draft, event.call, event.arguments);
    case 'citation':
      return cite(draft, event);
    case 'media':
    case 'opaque':
      add(draft, event.part);
      return undefined;
    case 'audio-delta':
      return addAudio(draft, event);
  }
}

/** Fields beside the text that came last; without any they are the choice's. */
function addBeside(draft: Draft, extra: JsonRecord): void {
  const last = draft.parts.at(-1);
  if (last?.kind === 'text') draft.parts[draft.parts.length - 1] = { ...last, extra: { ...last.extra, ...extra } };
  else draft.extra = { ...draft.extra, ...extra };
}

/** Text of one kind grows the part that is open; a change of kind or a break opens a new one. */
function extend(draft: Draft, piece: TextPart | ReasoningPart | RefusalPart): void {
  const last = draft.parts.at(-1);
  const isClosed = last?.kind === 'reasoning' && (last.encrypted !== undefined || last.signature !== undefined);
  if (last?.kind === piece.kind && !draft.isBroken && !isClosed) {
    draft.parts[draft.parts.length - 1] = { ...last, text: last.text + piece.text };
  } else add(draft, piece);
  draft.isBroken = false;
}

function sign(draft: Draft, event: Extract<ChatEvent, { type: 'signature' }>): void {
  const last = draft.parts.at(-1);
  // Reasoning that is signed is complete: a further signature is that of reasoning which is not shown.
  const isSigned = last?.kind === 'reasoning' && last.signature !== undefined;
  if (last !== undefined && last.kind === event.of && !isSigned && !draft.isBroken) {
    draft.parts[draft.parts.length - 1] = { ...last, signature: event.signature };
  } else add(draft, { kind: event.of, text: '', signature: event.signature });
  draft.isBroken = false;
}

function addArguments(draft: Draft, call: number, text: string): void {
  const at = draft.calls.get(call);
  const part = at === undefined ? undefined : draft.parts[at];
  if (at !== undefined && part?.kind === 'tool-call') draft.parts[at] = { ...part, arguments: part.arguments + text };
}

/** A citation belongs to the text part that came last; one that comes first after a break opens a part of its own. */
function cite(draft: Draft, event: Extract<ChatEvent, { type: 'citation' }>): void {
  const at = draft.parts.findLastIndex((part) => part.kind === 'text');
  const part = draft.parts[at];
  if (part?.kind === 'text' && !draft.isBroken) {
    draft.parts[at] = { ...part, citations: [...(part.citations ?? []), event.citation] };
  } else {
    add(draft, { kind: 'text', text: '', citations: [event.citation] });
    draft.isBroken = false;
  }
}

function addAudio(draft: Draft, event: Extract<ChatEvent, { type: 'audio-delta' }>): void {
  const at = draft.parts.findLastIndex((part) => part.kind === 'audio');
  const found = draft.parts[at];
  const before: MediaPart =
    found?.kind === 'audio' ? found : { kind: 'audio', source: { by: 'base64', data: '', mediaType: 'audio/pcm' } };
  const data = before.source.by === 'base64' ? before.source.data : '';
  const mediaType = before.source.mediaType ?? 'audio/pcm';
  const transcript = (before.transcript ?? '') + (event.transcript ?? '');
  const part: MediaPart = {
    ...before,
    source: { by: 'base64', data: data + (event.data ?? ''), mediaType },
    ...(transcript === '' ? {} : { transcript }),
    ...(event.id === undefined ? {} : { name: event.id }),
  };
  if (at === -1) add(draft, part);
  else draft.parts[at] = part;
}

/** The events of a whole reply, one delta a part. `collect(replay(r))` is `r` again. */
export function replay(response: ChatResponse): readonly ChatEvent[] {
  const { id, model, createdAt, echo } = response;
  const events: ChatEvent[] = [compact({ type: 'start' as const, id, model, createdAt, echo })];
  for (const choice of response.choices) events.push(...replayChoice(choice));
  if (response.extra !== undefined) events.push({ type: 'extra', extra: response.extra });
  if (response.usage !== undefined) events.push({ type: 'usage', usage: response.usage });
  return events;
}

function replayChoice(choice: Choice): readonly ChatEvent[] {
  const index = choice.index;
  const events: ChatEvent[] = [];
  let call = 0;
  let previous: Part['kind'] | undefined;
  for (const part of choice.parts) {
    const { item } = part;
    const isSame =
      part.kind === previous && (part.kind === 'text' || part.kind === 'reasoning' || part.kind === 'refusal');
    if (isSame || item !== undefined) events.push(compact({ type: 'part-break' as const, choice: index, item }));
    events.push(...replayPart(part, index, call));
    if (part.kind === 'tool-call') call += 1;
    previous = part.kind;
  }
  if (choice.logprobs !== undefined) events.push({ type: 'logprobs', choice: index, tokens: choice.logprobs });
  if (choice.extra !== undefined) events.push({ type: 'extra', choice: index, extra: choice.extra });
  events.push({ type: 'finish', choice: index, finish: choice.finish });
  return events;
}

function replayPart(part: Part, choice: number, call: number): readonly ChatEvent[] {
  switch (part.kind) {
    case 'text':
      return replayText(part, choice);
    case 'reasoning':
      return replayReasoning(part, choice);
    case 'refusal':
      return [{ type: 'refusal-delta', choice, text: part.text }];
    case 'tool-call':
      return replayCall(part, choice, call);
    case 'opaque':
      return [{ type: 'opaque', choice, part }];
    case 'image':
    case 'document':
    case 'audio':
    case 'video':
      return [{ type: 'media', choice, part }];
    case 'tool-result':
      return [];
  }
}

function replayText(part: TextPart, choice: number): readonly ChatEvent[] {
  const events: ChatEvent[] = [{ type: 'text-delta', choice, text: part.text }];
  for (const citation of part.citations ?? []) events.push({ type: 'citation', choice, citation });
  if (part.extra !== undefined) events.push({ type: 'extra', choice, of: 'part', extra: part.extra });
  if (part.signature !== undefined) events.push({ type: 'signature', choice, of: 'text', signature: part.signature });
  return events;
}

function replayCall(part: ToolCallPart, choice: number, call: number): readonly ChatEvent[] {
  const { id, name, signature, extra } = part;
  const start = compact({ type: 'tool-call-start' as const, choice, call, id, name, signature, extra });
  return part.arguments === ''
    ? [start]
    : [start, { type: 'tool-call-delta', choice, call, arguments: part.arguments }];
}

function replayReasoning(part: ReasoningPart, choice: number): readonly ChatEvent[] {
  const events: ChatEvent[] = [];
  if (part.encrypted !== undefined) events.push({ type: 'reasoning-encrypted', choice, encrypted: part.encrypted });
  if (part.encrypted === undefined || part.text !== '') {
    events.push({
      type: 'reasoning-delta',
      choice,
      text: part.text,
      ...(part.isSummary === undefined ? {} : { isSummary: part.isSummary }),
    });
  }
  if (part.signature !== undefined) {
    events.push({ type: 'signature', choice, of: 'reasoning', signature: part.signature });
  }
  return events;
}
