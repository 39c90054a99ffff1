/** A prediction that was waited for: read as the reply that it holds, or as the fault that it has become. */
import { fault, type Fault } from '../../chat/fault.ts';
import type { ChatResponse, Finish } from '../../chat/reply.ts';
import type { Loss } from '../../chat/request.ts';
import type { Usage } from '../../chat/usage.ts';
import { asCount, asRecord, asString, compact, isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { EncodeContext } from '../dialect.ts';
import { lossList } from '../loss-list.ts';
import { decodeInnerError } from '../openai-chat/errors.ts';
import { wordsOf } from '../text-models/reply.ts';
import { HOME } from './fields.ts';

/**
 * How long Replicate holds the answer back for a prediction to end: it takes up to 60 seconds, and our usual limit for the first
 * byte is 60, so that Replicate's own word comes first. What then still runs is cancelled by Replicate, as no one waits for it.
 */
export const WAIT_S = 55;
export const CANCEL_AFTER_S = 60;

export function decodeResponse(body: JsonRecord, provider: string): Result<ChatResponse, Fault> {
  const why = whyNone(body, provider);
  if (why !== undefined) return err(why);
  const text = textIn(body['output']);
  if (text === undefined) return err(fault('upstream-invalid', { provider, reason: 'the prediction holds no text' }));
  const usage = usageIn(body);
  return ok(
    compact({
      origin: HOME,
      id: asString(body['id']),
      model: asString(body['model']),
      choices: [
        { index: 0, parts: text === '' ? [] : [{ kind: 'text' as const, text }], finish: finishOf(body, usage) },
      ],
      usage,
    }),
  );
}

/** Why a prediction is no reply: it has not ended, or not well. */
function whyNone(body: JsonRecord, provider: string): Fault | undefined {
  const { status, error } = body;
  switch (status) {
    case 'succeeded':
      return undefined;
    case 'starting':
    case 'processing':
      return fault('upstream-timeout', { provider, phase: 'finish its prediction', ms: WAIT_S * 1000 });
    case 'canceled':
    case 'aborted':
      return fault('upstream-error', { provider, reason: `the prediction was ${status}` });
    case 'failed':
      return decodeInnerError({ message: asString(error) ?? 'the prediction failed' }, provider);
    default:
      // An error's own form: `{title, detail, status}`.
      if (typeof status === 'number' || body['detail'] !== undefined) return decodeInnerError(body, provider);
      return fault('upstream-invalid', { provider, reason: 'it is no prediction' });
  }
}

/** One text, or its pieces. */
function textIn(output: Json | undefined): string | undefined {
  if (typeof output === 'string') return output;
  if (!isArray(output)) return output === null ? '' : undefined;
  return output.every((piece) => typeof piece === 'string') ? output.join('') : undefined;
}

function usageIn(body: JsonRecord): Usage | undefined {
  const metrics = asRecord(body['metrics']);
  const usage: Usage = compact({
    inputTokens: asCount(metrics?.['input_token_count']),
    outputTokens: asCount(metrics?.['output_token_count']),
  });
  return Object.keys(usage).length === 0 ? undefined : { ...usage, ...(metrics === undefined ? {} : { raw: metrics }) };
}

/** Nothing says why a text ended; but one of as many tokens as were asked for at most ended there. */
function finishOf(body: JsonRecord, usage: Usage | undefined): Finish {
  const most = asCount(asRecord(body['input'])?.['max_tokens']);
  const isFull = most !== undefined && usage?.outputTokens !== undefined && usage.outputTokens >= most;
  return { reason: isFull ? 'length' : 'stop', raw: 'succeeded' };
}

export function encodeResponse(
  response: ChatResponse,
  context: EncodeContext,
): { readonly body: JsonRecord; readonly losses: readonly Loss[] } {
  const losses = lossList();
  const { usage } = response;
  const isFull = response.choices[0]?.finish.reason === 'length' && usage?.outputTokens !== undefined;
  const body = {
    id: response.id ?? context.requestId,
    model: response.model ?? context.model,
    input: isFull ? { max_tokens: usage.outputTokens } : {},
    output: [wordsOf(response, 'output', losses)],
    error: null,
    status: 'succeeded',
    created_at: new Date(context.nowS * 1000).toISOString(),
    metrics: isRecord(usage?.raw)
      ? usage.raw
      : compact({ input_token_count: usage?.inputTokens, output_token_count: usage?.outputTokens }),
  };
  return { body, losses: losses.all() };
}
