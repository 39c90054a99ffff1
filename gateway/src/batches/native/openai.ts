/** OpenAI's batches (platform.openai.com/docs/guides/batch): a file of lines, a batch over it, files of results. */
import { fault, type Fault } from '../../chat/fault.ts';
import { asArray, asNumber, asRecord, asString, isRecord, parseJson, type JsonRecord } from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { BatchProtocol, LineOutcome, Look, Parcel } from './protocol.ts';
import { askProvider, readProviderLines, type Link } from './link.ts';

const BOUNDARY = 'turnout-batch-file-5d1c8f2a90b7';
/** Our name of a part, in the batch's metadata. */
const MARK = 'turnout_part';
/** The newest so many are looked through for one that we may have sent. */
const FIND_MAX = 100;
const ENDS: ReadonlySet<string> = new Set(['completed', 'failed', 'expired', 'cancelled']);

export const openaiBatches: BatchProtocol = {
  line: (customId, path, body) =>
    Buffer.concat([
      Buffer.from(`{"custom_id":"${customId}","method":"POST","url":"/v1${path}","body":`),
      body,
      Buffer.from('}'),
    ]),
  submit,
  find,
  look: async (link, id) => {
    const answer = await askProvider(link, { method: 'GET', path: `/batches/${id}` });
    return answer.ok ? ok(lookOf(answer.value)) : answer;
  },
  cancel: async (link, id) =>
    askProvider(link, { method: 'POST', path: `/batches/${id}/cancel`, body: Buffer.from('{}') }),
  results,
};

async function submit(link: Link, { lines, path, mark }: Parcel): Promise<Result<string, Fault>> {
  const file = await askProvider(link, {
    method: 'POST',
    path: '/files',
    type: `multipart/form-data; boundary=${BOUNDARY}`,
    body: formOf(lines, mark),
  });
  if (!file.ok) return file;
  const body = {
    input_file_id: file.value['id'],
    endpoint: `/v1${path}`,
    completion_window: '24h',
    metadata: { [MARK]: mark },
  };
  const made = await askProvider(link, { method: 'POST', path: '/batches', body: Buffer.from(JSON.stringify(body)) });
  if (!made.ok) return made;
  return idOf(made.value, link);
}

export function idOf(made: JsonRecord, { target }: Link): Result<string, Fault> {
  const id = asString(made['id']);
  // It becomes a part of paths.
  if (id !== undefined && /^[\w-]{1,200}$/.test(id)) return ok(id);
  return err(fault('upstream-invalid', { provider: target.providerId, reason: 'it gave no id of a batch' }));
}

function formOf(lines: readonly Buffer[], mark: string): Buffer {
  const part = (head: string): string => `--${BOUNDARY}\r\ncontent-disposition: form-data; ${head}\r\n`;
  const end = Buffer.from('\n');
  return Buffer.concat([
    Buffer.from(`${part('name="purpose"')}\r\nbatch\r\n`),
    Buffer.from(`${part(`name="file"; filename="${mark}.jsonl"`)}content-type: application/jsonl\r\n\r\n`),
    ...lines.flatMap((line) => [line, end]),
    Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
  ]);
}

async function find(link: Link, mark: string): Promise<Result<string | undefined, Fault>> {
  const list = await askProvider(link, { method: 'GET', path: `/batches?limit=${FIND_MAX}` });
  if (!list.ok) return list;
  const found = (asArray(list.value['data']) ?? [])
    .filter(isRecord)
    .find((batch) => asRecord(batch['metadata'])?.[MARK] === mark);
  return found === undefined ? ok(undefined) : idOf(found, link);
}

function lookOf(answer: JsonRecord): Look {
  const status = asString(answer['status']) ?? '';
  if (status !== 'failed') return { hasEnded: ENDS.has(status), answer };
  const [first] = asArray(asRecord(answer['errors'])?.['data']) ?? [];
  return { hasEnded: true, failed: asString(asRecord(first)?.['message']) ?? 'it did not say why', answer };
}

async function results(
  link: Link,
  { answer }: Look,
  onLine: (outcome: LineOutcome) => Promise<void>,
): Promise<Fault | undefined> {
  for (const field of ['output_file_id', 'error_file_id']) {
    const id = asString(answer[field]);
    if (id === undefined || !/^[\w-]{1,200}$/.test(id)) continue;
    const failed = await readProviderLines(link, `/files/${id}/content`, async (bytes) => {
      const outcome = outcomeOf(bytes);
      if (outcome !== undefined) await onLine(outcome);
    });
    if (failed !== undefined) return failed;
  }
  return undefined;
}

function outcomeOf(bytes: Buffer): LineOutcome | undefined {
  const line = asRecord(parseJson(bytes.toString('utf8')));
  const customId = asString(line?.['custom_id']);
  if (line === undefined || customId === undefined) return undefined;
  const response = asRecord(line['response']);
  const status = asNumber(response?.['status_code']);
  if (response === undefined || status === undefined) return { customId, result: { kind: 'undone' } };
  return { customId, result: { kind: 'answered', status, body: JSON.stringify(response['body'] ?? null) } };
}
