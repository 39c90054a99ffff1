/** Errors of Cohere's: `{id, message}`, sometimes with an `error_type`; and how ours are written. */
import { fault, type Fault } from '../../chat/fault.ts';
import { asRecord, asString, parseJson, type JsonRecord } from '../../lib/json.ts';
import { formatSse } from '../../lib/sse.ts';
import type { ErrorAnswer, FaultContext } from '../dialect.ts';
import { decodeError as decodeCommon, decodeInnerError } from '../openai-chat/errors.ts';

/** Cohere's own: the prompt or the answer holds a token that is blocked. Others mean other things by it. */
const BLOCKED = 498;

/** Classifies an error answer by its status and words, which are much like those of OpenAI's wire. */
export function decodeError(answer: ErrorAnswer): Fault {
  const status = answer.status === BLOCKED ? 400 : answer.status;
  const read = decodeCommon({ ...answer, status });
  const type = asString(asRecord(parseJson(answer.body.slice(0, 4096)))?.['error_type']);
  return {
    ...read,
    upstreamStatus: answer.status,
    ...(type === undefined ? {} : { upstreamCode: type.slice(0, 100) }),
  };
}

/** The fault of a body that came with 200 and holds only words about an error. */
export function faultIn(body: JsonRecord, provider: string): Fault | undefined {
  const message = asString(body['message']);
  return message === undefined || body['text'] !== undefined ? undefined : decodeInnerError(body, provider);
}

/** The fault of a stream whose last event tells an error. */
export function faultOfEnd(delta: JsonRecord, provider: string): Fault | undefined {
  const { error } = delta;
  if (typeof error === 'string' && error !== '') return decodeInnerError(error, provider);
  return delta['finish_reason'] === 'TIMEOUT'
    ? fault('upstream-error', { provider, reason: 'it ran out of time' })
    : undefined;
}

/** The body of an error. Its `error_type` is our code. */
export function encodeFault(of: Fault, context: FaultContext): JsonRecord {
  return { id: context.requestId, message: of.message, error_type: of.code };
}

/** The event that ends a broken stream: the protocol's own last one, which tells the error (rule R2). */
export function encodeStreamFault(of: Fault): string {
  const delta = { error: of.message, finish_reason: 'ERROR' };
  return formatSse(JSON.stringify({ type: 'message-end', delta }), 'message-end');
}
