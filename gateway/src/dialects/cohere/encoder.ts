/** Events of a reply become events of `/v2/chat`, each block opened and closed as Cohere does. */
import type { ChatEvent, Finish } from '../../chat/reply.ts';
import { mergeUsage, type Usage } from '../../chat/usage.ts';
import type { JsonRecord } from '../../lib/json.ts';
import { formatSse } from '../../lib/sse.ts';
import type { EncodeContext, StreamEncoder } from '../dialect.ts';
import { lossList, type LossList } from '../loss-list.ts';
import { encodeStreamFault } from './errors.ts';
import { loseOf, writeCall } from './message.ts';
import { otherChoices, writeLogprobs } from './response.ts';
import { lostUsage, writeUsage } from './usage.ts';
import { citationLoss, extraLoss, HOME, signatureFields, writeCitation, writeFinish } from './wire.ts';

export const DONE = formatSse('[DONE]');

/** What was said so far. Mutable by design: it lives inside one encoder. */
interface Writing {
  readonly context: EncodeContext;
  readonly losses: LossList;
  id: string;
  hasBegun: boolean;
  /** Block that is open. */
  open: 'text' | 'thinking' | 'call' | undefined;
  /** Blocks of content, calls and citations so far. */
  blocks: number;
  calls: number;
  citations: number;
  readonly callIndex: Map<number, number>;
  text: string;
  finish: Finish | undefined;
  usage: Usage | undefined;
  isBroken: boolean;
}

type ChoiceEvent = Exclude<ChatEvent, { type: 'start' | 'usage' | 'error' | 'ping' | 'extra' }>;

/** One encoder a stream. */
export function encoder(context: EncodeContext): StreamEncoder {
  const writing: Writing = {
    context,
    losses: lossList(),
    id: context.requestId,
    hasBegun: false,
    open: undefined,
    blocks: 0,
    calls: 0,
    citations: 0,
    callIndex: new Map(),
    text: '',
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
    case 'start':
      writing.id = event.id ?? writing.id;
      return '';
    case 'usage':
      writing.usage = mergeUsage(writing.usage, event.usage);
      return '';
    case 'extra':
      for (const name of Object.keys(event.extra)) writing.losses.add(extraLoss(name));
      return '';
    case 'ping':
      return ': ping\n\n';
    case 'error':
      writing.isBroken = true;
      return encodeStreamFault(event.fault);
    default:
      if (event.choice === 0) return begin(writing) + pushToChoice(event, writing);
      writing.losses.add(otherChoices());
      return '';
  }
}

function say(type: string, body: JsonRecord): string {
  return formatSse(JSON.stringify({ type, ...body }), type);
}

function begin(writing: Writing): string {
  if (writing.hasBegun) return '';
  writing.hasBegun = true;
  const message = { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] };
  return say('message-start', { id: writing.id, delta: { message } });
}

function pushToChoice(event: ChoiceEvent, writing: Writing): string {
  switch (event.type) {
    case 'text-delta':
    case 'refusal-delta':
      if (event.type === 'refusal-delta') lose({ kind: 'refusal', text: event.text }, writing);
      writing.text = writing.open === 'text' ? writing.text + event.text : event.text;
      return open('text', writing) + content({ text: event.text }, writing);
    case 'reasoning-delta':
      if (event.isSummary === true) return plan(event.text, writing);
      return open('thinking', writing) + content({ thinking: event.text }, writing);
    case 'reasoning-encrypted':
      return (
        close(writing) + open('thinking', writing) + content(signatureFields(event.encrypted, 'encrypted'), writing)
      );
    case 'signature':
      return sign(event, writing);
    case 'part-break':
    case 'finish':
      if (event.type === 'finish') writing.finish = event.finish;
      return close(writing);
    default:
      return pushOther(event, writing);
  }
}

type OtherEvent = Exclude<
  ChoiceEvent,
  {
    type:
      | 'text-delta'
      | 'refusal-delta'
      | 'reasoning-delta'
      | 'reasoning-encrypted'
      | 'signature'
      | 'part-break'
      | 'finish';
  }
>;

function pushOther(event: OtherEvent, writing: Writing): string {
  switch (event.type) {
    case 'tool-call-start':
      return startCall(event, writing);
    case 'tool-call-delta': {
      const index = writing.callIndex.get(event.call) ?? event.call;
      const call = { function: { arguments: event.arguments } };
      return say('tool-call-delta', { index, delta: { message: { tool_calls: call } } });
    }
    case 'citation':
      return cite(event, writing);
    case 'logprobs':
      // Beside a piece of text that says nothing: those of the text have gone out.
      return (
        open('text', writing) +
        writeLogprobs(event.tokens)
          .map((logprobs) => content({ text: '' }, writing, { logprobs }))
          .join('')
      );
    case 'media':
    case 'opaque':
      lose(event.part, writing);
      return '';
    case 'audio-delta':
      lose({ kind: 'audio', source: { by: 'base64', data: '', mediaType: 'audio/pcm' } }, writing);
      return '';
  }
}

function lose(part: Parameters<typeof loseOf>[0], writing: Writing): void {
  loseOf(part, { isHome: false, isRequest: false, lose: writing.losses.add });
}

/** What a model means to do before its calls stands outside of the content. */
function plan(text: string, writing: Writing): string {
  return close(writing) + say('tool-plan-delta', { delta: { message: { tool_plan: text } } });
}

/** Opens a block of content, unless it is open. */
function open(kind: 'text' | 'thinking', writing: Writing): string {
  if (writing.open === kind) return '';
  const before = close(writing);
  writing.open = kind;
  writing.blocks += 1;
  const empty = kind === 'text' ? { type: 'text', text: '' } : { type: 'thinking', thinking: '' };
  return before + say('content-start', { index: writing.blocks - 1, delta: { message: { content: empty } } });
}

function content(piece: JsonRecord, writing: Writing, beside: JsonRecord = {}): string {
  return say('content-delta', { index: writing.blocks - 1, delta: { message: { content: piece } }, ...beside });
}

function close(writing: Writing): string {
  const { open: was } = writing;
  writing.open = undefined;
  if (was === undefined) return '';
  return was === 'call'
    ? say('tool-call-end', { index: writing.calls - 1 })
    : say('content-end', { index: writing.blocks - 1 });
}

function sign(event: Extract<ChatEvent, { type: 'signature' }>, writing: Writing): string {
  const kind = event.of === 'reasoning' ? 'thinking' : 'text';
  return open(kind, writing) + content(signatureFields(event.signature, 'signature'), writing);
}

function startCall(event: Extract<ChatEvent, { type: 'tool-call-start' }>, writing: Writing): string {
  const before = close(writing);
  writing.open = 'call';
  const index = writing.calls;
  writing.calls += 1;
  writing.callIndex.set(event.call, index);
  for (const name of Object.keys(event.extra ?? {})) writing.losses.add(extraLoss(name));
  const { id, name, signature } = event;
  const part = {
    kind: 'tool-call' as const,
    id,
    name,
    arguments: '',
    ...(signature === undefined ? {} : { signature }),
  };
  const call = writeCall(part, { isHome: false, isRequest: false, lose: writing.losses.add });
  const empty = { ...call, function: { name, arguments: '' } };
  return before + say('tool-call-start', { index, delta: { message: { tool_calls: empty } } });
}

/** Citations come while their text is open, and are numbered over the whole reply. */
function cite({ citation }: Extract<ChatEvent, { type: 'citation' }>, writing: Writing): string {
  const loss = citationLoss(citation);
  if (loss !== undefined) {
    writing.losses.add(loss);
    return '';
  }
  const index = writing.citations;
  writing.citations += 1;
  const block = Math.max(0, writing.blocks - 1);
  const citations = writeCitation(citation, writing.text, citation.origin === HOME ? 0 : block);
  return say('citation-start', { index, delta: { message: { citations } } }) + say('citation-end', { index });
}

function end(writing: Writing): string {
  const before = begin(writing) + close(writing);
  const finish_reason = writeFinish(writing.finish ?? { reason: 'other' }, false, writing.losses.add);
  const usage = writing.usage === undefined ? {} : { usage: writeUsage(writing.usage) };
  return before + say('message-end', { delta: { finish_reason, ...usage } }) + DONE;
}
