/** Whole replies of InvokeModel's text models: read in every recorded form, written in Llama's, which is the plainest. */
import { fault, type Fault } from '../../chat/fault.ts';
import type { ChatEvent, ChatResponse, Finish } from '../../chat/reply.ts';
import type { Loss } from '../../chat/request.ts';
import { mergeUsage, type Usage } from '../../chat/usage.ts';
import type { JsonRecord } from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { encodeStreamFault, faultOfEvent } from '../bedrock-converse/errors.ts';
import { encodeFrame } from '../bedrock-converse/frames.ts';
import type { EncodeContext, StreamEncoder } from '../dialect.ts';
import { lossList } from '../loss-list.ts';
import { loseMore, wordsOf } from '../text-models/reply.ts';
import { HOME, readSpoken } from './families.ts';

export function decodeSpoken(body: JsonRecord, provider: string): Result<ChatResponse, Fault> {
  const spoken = readSpoken(body);
  if (spoken === undefined) {
    if (typeof body['message'] === 'string') return err(faultOfEvent('error', body, provider));
    return err(fault('upstream-invalid', { provider, reason: 'the reply is in no known form' }));
  }
  const { text, finish = { reason: 'other' as const }, usage } = spoken;
  return ok({
    origin: HOME,
    choices: [{ index: 0, parts: [{ kind: 'text', text }], finish }],
    ...(usage === undefined ? {} : { usage }),
  });
}

export function encodeSpoken(
  response: ChatResponse,
  _context: EncodeContext,
): { readonly body: JsonRecord; readonly losses: readonly Loss[] } {
  const losses = lossList();
  const [choice] = response.choices;
  const text = wordsOf(response, 'generation', losses);
  return { body: { ...generation(text, choice?.finish), ...counts(response.usage) }, losses: losses.all() };
}

function generation(text: string, finish: Finish | undefined): JsonRecord {
  const word = finish === undefined ? null : finish.reason === 'length' ? 'length' : 'stop';
  const guarded = finish?.reason === 'content-filter' ? { 'amazon-bedrock-guardrailAction': 'INTERVENED' } : {};
  return { generation: text, stop_reason: word, ...guarded };
}

function counts(usage: Usage | undefined): JsonRecord {
  return { prompt_token_count: usage?.inputTokens ?? null, generation_token_count: usage?.outputTokens ?? null };
}

/** Pieces in Llama's form, in frames. */
export function encoder(_context: EncodeContext): StreamEncoder<Buffer> {
  const losses = lossList();
  let usage: Usage | undefined;
  let finish: Finish | undefined;
  let isOver = false;

  function take(event: ChatEvent): Buffer {
    if (event.type === 'text-delta' || event.type === 'refusal-delta')
      return event.choice > 0 ? EMPTY : chunk({ ...generation(event.text, undefined), ...counts(undefined) });
    if (event.type === 'usage') usage = mergeUsage(usage, event.usage);
    else if (event.type === 'finish') finish ??= event.finish;
    else if (event.type === 'error') {
      isOver = true;
      return encodeStreamFault(event.fault);
    } else if (event.type === 'tool-call-start' || event.type === 'reasoning-delta') loseMore('generation', losses);
    return EMPTY;
  }

  return {
    push: (event) => (isOver ? EMPTY : take(event)),
    end: () => (isOver ? EMPTY : chunk({ ...generation('', finish ?? { reason: 'other' }), ...counts(usage) })),
    losses: () => losses.all(),
  };
}

const EMPTY = Buffer.alloc(0);

function chunk(body: JsonRecord): Buffer {
  return encodeFrame('event', 'chunk', { bytes: Buffer.from(JSON.stringify(body)).toString('base64') });
}
