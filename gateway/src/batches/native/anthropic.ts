/** Anthropic's message batches (platform.claude.com/docs/en/build-with-claude/batch-processing): one body in, lines of results out. */
import { asRecord, asString, parseJson, type JsonRecord } from '../../lib/json.ts';
import { ok } from '../../lib/result.ts';
import type { BatchProtocol, LineOutcome } from './protocol.ts';
import { askProvider, readProviderLines } from './link.ts';
import { idOf } from './openai.ts';

const PATH = '/v1/messages/batches';
/** Statuses of its errors, which its results leave out (platform.claude.com/docs/en/api/errors). */
const STATUS: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  overloaded_error: 529,
};

export const anthropicBatches: BatchProtocol = {
  line: (customId, _, body) =>
    Buffer.concat([Buffer.from(`{"custom_id":"${customId}","params":`), body, Buffer.from('}')]),
  submit: async (link, { lines }) => {
    const comma = Buffer.from(',');
    const requests = lines.flatMap((line, index) => (index === 0 ? [line] : [comma, line]));
    const body = Buffer.concat([Buffer.from('{"requests":['), ...requests, Buffer.from(']}')]);
    const made = await askProvider(link, { method: 'POST', path: PATH, body });
    return made.ok ? idOf(made.value, link) : made;
  },
  // Its batches carry no mark of ours that a list would show.
  find: async () => ok(undefined),
  look: async (link, id) => {
    const answer = await askProvider(link, { method: 'GET', path: `${PATH}/${id}` });
    if (!answer.ok) return answer;
    return ok({ hasEnded: answer.value['processing_status'] === 'ended', answer: answer.value });
  },
  cancel: async (link, id) =>
    askProvider(link, { method: 'POST', path: `${PATH}/${id}/cancel`, body: Buffer.from('{}') }),
  // Not at the `results_url` that it gives: an address out of an answer is not followed with our key.
  results: async (link, { answer }, onLine) => {
    const id = idOf(answer, link);
    if (!id.ok) return id.error;
    return readProviderLines(link, `${PATH}/${id.value}/results`, async (bytes) => {
      const outcome = outcomeOf(bytes);
      if (outcome !== undefined) await onLine(outcome);
    });
  },
};

function outcomeOf(bytes: Buffer): LineOutcome | undefined {
  const line = asRecord(parseJson(bytes.toString('utf8')));
  const customId = asString(line?.['custom_id']);
  if (line === undefined || customId === undefined) return undefined;
  return { customId, result: resultOf(asRecord(line['result']) ?? {}) };
}

function resultOf({ type, message = null, error = null }: JsonRecord): LineOutcome['result'] {
  if (type === 'succeeded') return { kind: 'answered', status: 200, body: JSON.stringify(message) };
  if (type !== 'errored') return { kind: 'undone' };
  const kind = asString(asRecord(asRecord(error)?.['error'])?.['type']) ?? '';
  return { kind: 'answered', status: STATUS[kind] ?? 500, body: JSON.stringify(error) };
}
