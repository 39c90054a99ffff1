/** Errors of this wire: OpenAI's own form, and a reply that failed. */
import { specOf, type Fault } from '../../chat/fault.ts';
import { compact, type JsonRecord } from '../../lib/json.ts';
import { formatSse } from '../../lib/sse.ts';
import type { FaultContext } from '../dialect.ts';
import { decodeInnerError, encodeFault } from '../openai-chat/errors.ts';
import { nonEmpty } from '../openai-chat/response.ts';
import { responseId } from './response.ts';

/** The fault that a failed reply stands for. */
export function faultOfResponse(response: JsonRecord, provider: string): Fault {
  return decodeInnerError(
    response['error'] ?? { message: 'the response failed' },
    provider,
    nonEmpty(response['model']),
  );
}

/** What is known of the stream that breaks off; without it the event stands for itself. */
export interface BrokenStream {
  readonly sequenceNumber: number;
  readonly response: JsonRecord;
}

/** The event that ends a broken stream (rule R2): clients raise on `response.failed`, and go on after anything else. */
export function encodeStreamFault(of: Fault, context: FaultContext, broken?: BrokenStream): string {
  const { error } = encodeFault(of);
  const code =
    specOf(of).type === 'rate_limit_error' ? 'rate_limit_exceeded' : (nonEmpty(error['code']) ?? 'server_error');
  const response = {
    ...(broken?.response ?? { id: responseId(context.requestId), object: 'response', output: [], usage: null }),
    status: 'failed',
    error: { code, message: of.message },
    incomplete_details: null,
  };
  const event = compact({
    type: 'response.failed',
    sequence_number: broken?.sequenceNumber ?? 0,
    response,
  });
  return formatSse(JSON.stringify(event), event.type);
}
