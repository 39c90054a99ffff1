/** Events become lines as Ollama writes them: a piece of text a line, calls whole, counts in the last one. */
import type { Part } from '../../chat/part.ts';
import type { ChatEvent, Finish, TokenLogprob } from '../../chat/reply.ts';
import { mergeUsage, type Usage } from '../../chat/usage.ts';
import { compact, type JsonRecord } from '../../lib/json.ts';
import type { EncodeContext, StreamEncoder } from '../dialect.ts';
import { partOf } from '../event-part.ts';
import { lossList, type LossList } from '../loss-list.ts';
import { writeLogprobs } from '../openai-chat/response.ts';
import { extraLoss, headOf, lastOf, numbered, otherChoices, pieceOf, type Piece } from './response.ts';
import { lostUsage, writeUsage } from './usage.ts';

/** What must be remembered of a stream. Mutable by design: it lives inside one encoder. */
interface Writing {
  readonly context: EncodeContext;
  readonly losses: LossList;
  head: { readonly model?: string; readonly createdAt?: number };
  /** A call whose arguments are still coming. */
  call: Extract<Part, { kind: 'tool-call' }> | undefined;
  calls: number;
  finish: Finish | undefined;
  usage: Usage | undefined;
  isBroken: boolean;
}

type ChoiceEvent = Exclude<ChatEvent, { type: 'start' | 'usage' | 'error' | 'ping' | 'extra' }>;

/** A line of the stream. */
export function lineOf(body: JsonRecord): string {
  return `${JSON.stringify(body)}\n`;
}

/** One encoder a stream. */
export function encoder(context: EncodeContext): StreamEncoder {
  const writing: Writing = {
    context,
    losses: lossList(),
    head: {},
    call: undefined,
    calls: 0,
    finish: undefined,
    usage: undefined,
    isBroken: false,
  };
  return {
    push: (event) => (writing.isBroken ? '' : push(event, writing)),
    end: () => (writing.isBroken ? '' : end(writing)),
    losses: () => [...writing.losses.all(), ...lostUsage(writing.usage)],
  };
}

function push(event: ChatEvent, writing: Writing): string {
  switch (event.type) {
    case 'start': {
      const { type: _, id: __, ...head } = event;
      writing.head = head;
      return '';
    }
    case 'usage':
      writing.usage = mergeUsage(writing.usage, event.usage);
      return '';
    case 'extra':
      for (const name of Object.keys(event.extra)) writing.losses.add(extraLoss(name));
      return '';
    case 'error':
      writing.isBroken = true;
      return lineOf({ error: event.fault.message });
    case 'ping':
      return '';
    default:
      return pushToChoice(event, writing);
  }
}

function pushToChoice(event: ChoiceEvent, writing: Writing): string {
  if (event.choice > 0) {
    writing.losses.add(otherChoices());
    return '';
  }
  if (event.type === 'tool-call-delta') {
    const { call } = writing;
    if (call !== undefined) writing.call = { ...call, arguments: call.arguments + event.arguments };
    return '';
  }
  const before = closeCall(writing);
  if (event.type === 'finish') writing.finish = event.finish;
  else if (event.type === 'tool-call-start') {
    const { id, name, signature, extra = {} } = event;
    for (const field of Object.keys(extra)) writing.losses.add(extraLoss(field));
    writing.call = compact({ kind: 'tool-call' as const, id, name, arguments: '', signature });
  } else if (event.type === 'logprobs') return before + delta({}, writing, event.tokens);
  else {
    const part = partOf(event);
    if (part !== undefined) return before + say(part, writing);
  }
  return before;
}

/** The line of a part; none where nothing of it can be said. */
function say(part: Part, writing: Writing): string {
  const piece = pieceOf(part, { isHome: false, lose: writing.losses.add });
  const isEmpty = (piece.content ?? '') === '' && (piece.thinking ?? '') === '';
  return isEmpty && piece.images === undefined && piece.tool_calls === undefined ? '' : delta(piece, writing);
}

function closeCall(writing: Writing): string {
  const { call } = writing;
  writing.call = undefined;
  return call === undefined ? '' : say(call, writing);
}

function delta(piece: Piece, writing: Writing, tokens?: readonly TokenLogprob[]): string {
  const calls = piece.tool_calls?.map((call) => numbered(call, writing.calls));
  writing.calls += calls?.length ?? 0;
  const message = compact({ role: 'assistant', content: '', ...piece, tool_calls: calls });
  const logprobs = tokens === undefined ? {} : { logprobs: writeLogprobs(tokens) };
  return lineOf({ ...headOf(writing.head, writing.context), message, done: false, ...logprobs });
}

/** The last line, which holds the counts. */
function end(writing: Writing): string {
  const before = closeCall(writing);
  const last = lastOf(writing.finish ?? { reason: 'other' }, false, writing.losses.add);
  const message = { role: 'assistant', content: '' };
  return before + lineOf({ ...headOf(writing.head, writing.context), message, ...last, ...writeUsage(writing.usage) });
}
