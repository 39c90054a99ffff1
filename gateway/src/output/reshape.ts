/** The way back: a provider's reply becomes the one that the caller's words promise. Cuts, takes the JSON out, checks it. */
import { collect, replay } from '../chat/collect.ts';
import type { Invalid } from '../chat/outcome.ts';
import type { ChatEvent, ChatResponse, Finish } from '../chat/reply.ts';
import type { OutputFormat } from '../chat/request.ts';
import { parseJson } from '../lib/json.ts';
import { jsonText, type JsonText } from './json-text.ts';
import { misfitOf } from './schema.ts';
import { cutter, type Cutter } from './stop.ts';

/** How a wish for JSON reaches a target: by its own field, as a tool whose arguments are the answer, or in words. */
export type Way = 'native' | 'tool' | 'instruction';

/** What is done to a reply. */
export interface Reshaping {
  readonly format?: {
    readonly way: Way;
    readonly wanted: JsonFormat;
    /** Whether what comes is held against the schema. */
    readonly isChecked: boolean;
  };
  /** Stop sequences that are cut at here. Absent: none. */
  readonly stops?: readonly string[];
  /** Choices that are cut before the provider need not go on. */
  readonly choices: number;
  /** A stream is kept back until it is known to be valid. */
  readonly isHeld?: boolean;
}

export type JsonFormat = Exclude<OutputFormat, { kind: 'text' }>;

export interface Reshaper {
  push(event: ChatEvent): readonly ChatEvent[];
  /** All choices are cut: nothing that still comes is wanted. */
  isDone(): boolean;
  /** Of the choices that have ended, the first that is not valid. */
  invalid(): Invalid | undefined;
}

/** A whole reply, reshaped. */
export function reshaped(
  response: ChatResponse,
  of: Reshaping,
): { readonly response: ChatResponse; readonly invalid: Invalid | undefined } {
  const machine = reshaper(of);
  const events = replay(response).flatMap((event) => machine.push(event));
  return { response: collect(events, response.origin), invalid: machine.invalid() };
}

/** What is known of one choice. Mutable by design: it lives inside one `reshaper`. */
interface Draft {
  readonly cut: Cutter | undefined;
  readonly json: JsonText | undefined;
  /** Text of the model's own beside a tool that is the answer; used only where the tool is not called. */
  beside: string;
  /** The call whose arguments are the answer. */
  call?: number;
  /** It called a tool of the caller's, or refused: then it owes no JSON. */
  isExcused: boolean;
  given: string;
}

/** A push machine for one stream. */
export function reshaper(of: Reshaping): Reshaper {
  const drafts = new Map<number, Draft>();
  let found: Invalid | undefined;

  function draftOf(choice: number): Draft {
    const known = drafts.get(choice);
    if (known !== undefined) return known;
    const made: Draft = {
      cut: of.stops === undefined ? undefined : cutter(of.stops),
      json: of.format === undefined || of.format.way === 'native' ? undefined : jsonText(isBracketed(of.format.wanted)),
      beside: '',
      isExcused: false,
      given: '',
    };
    drafts.set(choice, made);
    return made;
  }

  function onChoice(event: ChoiceEvent): readonly ChatEvent[] {
    const draft = draftOf(event.choice);
    // The end was ours: whatever still comes is not wanted.
    if (draft.cut?.cutAt() !== undefined) return [];
    const out = step(draft, event, of);
    if (of.format !== undefined) for (const given of out) if (given.type === 'text-delta') draft.given += given.text;
    const last = out.at(-1);
    if (last?.type === 'finish') found ??= invalidOf(draft, last.finish, of);
    return out;
  }

  return {
    push: (event) => (isOfChoice(event) ? onChoice(event) : [event]),
    isDone: () => drafts.size >= of.choices && [...drafts.values()].every((draft) => draft.cut?.cutAt() !== undefined),
    invalid: () => found,
  };
}

type ChoiceEvent = Extract<ChatEvent, { choice: number }>;

function isOfChoice(event: ChatEvent): event is ChoiceEvent {
  return 'choice' in event && event.type !== 'extra';
}

/** What goes on of one event. */
function step(draft: Draft, event: ChoiceEvent, of: Reshaping): readonly ChatEvent[] {
  const isTool = of.format?.way === 'tool';
  switch (event.type) {
    case 'text-delta':
      return onText(draft, event, isTool);
    case 'tool-call-start':
    case 'tool-call-delta':
      return isTool ? onAnswer(draft, event) : excused(draft, event);
    case 'refusal-delta':
      draft.isExcused = true;
      return [event];
    case 'finish':
      return ended(draft, isTool ? plainFinish(event.finish) : event.finish, event.choice);
    default:
      return [event];
  }
}

type EventOf<T extends ChoiceEvent['type']> = Extract<ChoiceEvent, { type: T }>;

function onText(draft: Draft, event: EventOf<'text-delta'>, isTool: boolean): readonly ChatEvent[] {
  const { choice } = event;
  const text = draft.cut === undefined ? event.text : draft.cut.push(event.text);
  const stopSequence = draft.cut?.cutAt();
  const given = wordsOf(draft, text, isTool);
  const out = given === '' ? [] : [{ ...event, text: given }];
  return stopSequence === undefined ? out : [...out, ...ended(draft, { reason: 'stop', stopSequence }, choice)];
}

/** A call of our own tool: its arguments are the answer's text. Another call beside it is one too many. */
function onAnswer(draft: Draft, event: EventOf<'tool-call-start' | 'tool-call-delta'>): readonly ChatEvent[] {
  draft.call ??= event.call;
  const text = event.type === 'tool-call-delta' && event.call === draft.call ? event.arguments : '';
  return text === '' ? [] : [{ type: 'text-delta', choice: event.choice, text }];
}

/** The text that may be handed on now. */
function wordsOf(draft: Draft, text: string, isTool: boolean): string {
  if (!isTool) return draft.json === undefined || draft.isExcused ? text : draft.json.push(text);
  draft.beside += text;
  return '';
}

/** A call of the caller's own tool: what was said before it is no JSON, and goes on as it is. */
function excused(draft: Draft, event: ChoiceEvent): readonly ChatEvent[] {
  const kept = draft.cut?.end() ?? '';
  const before = draft.isExcused || draft.json === undefined ? kept : draft.json.push(kept) + draft.json.end();
  draft.isExcused = true;
  return before === '' ? [event] : [{ type: 'text-delta', choice: event.choice, text: before }, event];
}

/** The end of a choice: what was kept back, and why it ended. */
function ended(draft: Draft, finish: Finish, choice: number): readonly ChatEvent[] {
  const kept = draft.cut?.end() ?? '';
  const rest = restOf(draft, kept);
  const last: ChatEvent = { type: 'finish', choice, finish };
  return rest === '' ? [last] : [{ type: 'text-delta', choice, text: rest }, last];
}

function restOf(draft: Draft, kept: string): string {
  const { json, call, given, beside } = draft;
  if (json === undefined || draft.isExcused) return kept;
  // A call without arguments is an empty object.
  if (call !== undefined) return given === '' ? '{}' : '';
  const text = json.push(beside + kept);
  return text + json.end();
}

/** The call was our way to ask: the caller sees an answer that simply ended. */
function plainFinish(finish: Finish): Finish {
  return finish.reason === 'tool-calls' || finish.reason === 'stop' ? { reason: 'stop' } : finish;
}

function invalidOf(draft: Draft, { reason: end }: Finish, { format }: Reshaping): Invalid | undefined {
  if (format?.isChecked !== true || draft.isExcused) return undefined;
  // Cut short by the limit, or filtered: it says so itself.
  if (end !== 'stop' && end !== 'tool-calls') return undefined;
  const reason = whyInvalid(draft.given, format.wanted);
  return reason === undefined ? undefined : { answer: draft.given, reason };
}

/** Why a text is not JSON of that form; undefined where it is. */
export function whyInvalid(text: string, wanted: JsonFormat): string | undefined {
  const value = parseJson(text);
  if (value === undefined) return 'it is not JSON';
  const misfit = misfitOf(value, wanted.kind === 'json' ? { type: 'object' } : wanted.schema);
  return misfit === undefined ? undefined : `\`${misfit.path}\` must ${misfit.must}`;
}

/** Whether the answer can only be an object or a list. */
function isBracketed(wanted: JsonFormat): boolean {
  if (wanted.kind === 'json') return true;
  const { type, properties } = wanted.schema;
  return type === 'object' || type === 'array' || (type === undefined && properties !== undefined);
}
