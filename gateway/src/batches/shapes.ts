/** Files and batches as the two protocols show them, and the lines of their output. Pure. */
import { compact, type JsonRecord } from '../lib/json.ts';
import type { StoredBatch, StoredFile } from '../store/batch-ports.ts';

/** OpenAI's `FileObject`. */
export function fileShape(file: StoredFile): JsonRecord {
  return {
    id: file.id,
    object: 'file',
    bytes: file.bytes,
    created_at: seconds(file.createdAtMs),
    expires_at: seconds(file.expiresAtMs),
    filename: file.filename,
    purpose: file.purpose,
    status: 'processed',
    status_details: null,
  };
}

/** The batch in the protocol in which it was made. */
export function batchShape(batch: StoredBatch): JsonRecord {
  return batch.form === 'openai' ? openaiBatch(batch) : anthropicBatch(batch);
}

/** OpenAI's `Batch`. Lines that had no try count neither as completed nor as failed. */
function openaiBatch(batch: StoredBatch): JsonRecord {
  const { status, errors, endedAtMs } = batch;
  const endedAt = (as: StoredBatch['status']): number | null => (status === as ? seconds(endedAtMs) : null);
  return {
    id: batch.id,
    object: 'batch',
    endpoint: batch.endpoint,
    errors: errors === undefined ? null : { object: 'list', data: errors },
    input_file_id: batch.inputFileId,
    completion_window: '24h',
    status,
    // Named before they are written, so that a crash in between does not leave two.
    output_file_id: endedAtMs === undefined ? null : (batch.outputFileId ?? null),
    error_file_id: endedAtMs === undefined ? null : (batch.errorFileId ?? null),
    created_at: seconds(batch.createdAtMs),
    in_progress_at: seconds(batch.startedAtMs),
    expires_at: seconds(batch.expiresAtMs),
    finalizing_at: seconds(batch.finalizingAtMs),
    completed_at: endedAt('completed'),
    failed_at: endedAt('failed'),
    expired_at: endedAt('expired'),
    cancelling_at: seconds(batch.cancellingAtMs),
    cancelled_at: endedAt('cancelled'),
    request_counts: { total: batch.total, completed: batch.succeeded, failed: batch.errored },
    metadata: batch.metadata ?? null,
  };
}

/** Anthropic's `MessageBatch`. Its counts are true all the time, where Anthropic's own stay zero until the end. */
function anthropicBatch(batch: StoredBatch): JsonRecord {
  const { total, succeeded, errored, canceled, expired, endedAtMs, cancellingAtMs } = batch;
  const hasEnded = endedAtMs !== undefined;
  return {
    id: batch.id,
    type: 'message_batch',
    processing_status: hasEnded ? 'ended' : cancellingAtMs === undefined ? 'in_progress' : 'canceling',
    request_counts: {
      processing: Math.max(0, total - succeeded - errored - canceled - expired),
      succeeded,
      errored,
      canceled,
      expired,
    },
    created_at: iso(batch.createdAtMs),
    expires_at: iso(batch.expiresAtMs),
    ended_at: iso(endedAtMs),
    cancel_initiated_at: iso(cancellingAtMs),
    archived_at: null,
    // Below the base URL of whoever asks, as SDKs read it: how we are called from outside, we do not know.
    results_url: hasEnded ? `/v1/messages/batches/${batch.id}/results` : null,
  };
}

/** A batch for the operator: CLI and admin. */
export function batchRow(batch: StoredBatch): JsonRecord {
  const { native } = batch;
  return compact({
    id: batch.id,
    key: batch.keyId,
    form: batch.form,
    endpoint: batch.endpoint,
    status: batch.status,
    lines: batch.total,
    succeeded: batch.succeeded,
    errored: batch.errored,
    canceled: batch.canceled,
    expired: batch.expired,
    native: native?.['target'],
    created_at: iso(batch.createdAtMs),
    expires_at: iso(batch.expiresAtMs),
    ended_at: iso(batch.endedAtMs) ?? undefined,
    errors: batch.errors?.slice(0, 10),
  });
}

export interface Answered {
  readonly batchId: string;
  readonly line: number;
  readonly customId: string;
  readonly status: number;
  readonly requestId: string;
  /** JSON. */
  readonly body: string;
}

/** A line of OpenAI's output or error file, for a line that was answered, well or not. */
export function openaiAnswer({ batchId, line, customId, status, requestId, body }: Answered): string {
  const head = `{"id":${JSON.stringify(lineId(batchId, line))},"custom_id":${JSON.stringify(customId)}`;
  const response = `{"status_code":${status},"request_id":${JSON.stringify(requestId)},"body":${onOneLine(body)}}`;
  return `${head},"response":${response},"error":null}`;
}

/** A line of OpenAI's error file, for a line that had no try. */
export function openaiUnanswered(
  of: Pick<Answered, 'batchId' | 'line' | 'customId'>,
  why: 'expired' | 'canceled',
): string {
  const error =
    why === 'expired'
      ? { code: 'batch_expired', message: 'This request could not be executed before the completion window expired.' }
      : { code: 'batch_cancelled', message: 'This request was not executed: its batch was cancelled.' };
  return JSON.stringify({ id: lineId(of.batchId, of.line), custom_id: of.customId, response: null, error });
}

/** A line of Anthropic's results. `body`: the message, or the error in Anthropic's form. */
export function anthropicAnswer({ customId, status, body }: Pick<Answered, 'customId' | 'status' | 'body'>): string {
  const isGood = status < 400;
  const result = isGood ? `{"type":"succeeded","message":` : `{"type":"errored","error":`;
  return `{"custom_id":${JSON.stringify(customId)},"result":${result}${onOneLine(body)}}}`;
}

export function anthropicUnanswered(customId: string, why: 'expired' | 'canceled'): string {
  return JSON.stringify({ custom_id: customId, result: { type: why } });
}

function lineId(batchId: string, line: number): string {
  return `batch_req_${batchId.slice(batchId.indexOf('_') + 1)}_${line}`;
}

/** JSON has line ends between its tokens only: within a text they are written as escapes (RFC 8259, section 7). */
function onOneLine(json: string): string {
  return json.replaceAll(/[\r\n]+/g, ' ');
}

function seconds(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.floor(ms / 1000);
}

function iso(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
