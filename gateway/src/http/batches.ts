/** `/v1/batches` as OpenAI has it, and `/v1/messages/batches` as Anthropic has it. By key: no key sees another's. */
import type { Fault } from '../chat/fault.ts';
import type { Batches } from '../batches/batches.ts';
import { batchShape } from '../batches/shapes.ts';
import type { JsonRecord } from '../lib/json.ts';
import { ok, type Result } from '../lib/result.ts';
import type { ParsedBody } from '../pipeline/body.ts';
import { callerRegion } from '../pipeline/caller-region.ts';
import { readRegion } from '../pipeline/extension.ts';
import type { Ending } from '../pipeline/reply.ts';
import type { Caller } from '../pipeline/run.ts';
import type { StoredBatch } from '../store/batch-ports.ts';
import { answerFiles, piecesOf, sendFile, type FileVisit } from './files.ts';
import { ANTHROPIC_PAGE, listShape, OPENAI_PAGE, pageQuery } from './pages.ts';
import type { Operation } from './routes.ts';

export interface BatchVisit extends Omit<FileVisit, 'operation'> {
  readonly operation: Extract<Operation, { kind: 'batches' }>;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Who asks, and from where. */
  readonly caller: Caller;
  /** The body as JSON. */
  readonly json: () => Promise<Result<ParsedBody, Fault>>;
}

/** What is asked of a file or a batch. */
export type StoredVisit = Omit<BatchVisit, 'operation'> & {
  readonly operation: BatchVisit['operation'] | FileVisit['operation'];
};

/** What to answer; an ending where the answer has been given already. */
export async function answerStored(
  visitor: StoredVisit,
  batches: Batches,
): Promise<Result<JsonRecord, Fault> | Ending> {
  const { operation } = visitor;
  return operation.kind === 'files'
    ? answerFiles({ ...visitor, operation }, batches.desk)
    : answerBatches({ ...visitor, operation }, batches);
}

async function answerBatches(visitor: BatchVisit, batches: Batches): Promise<Result<JsonRecord, Fault> | Ending> {
  const { operation, keyId } = visitor;
  const { form, id } = operation;
  const whose = { keyId, form };
  switch (operation.action) {
    case 'create':
      return shown(await create(visitor, batches));
    case 'list':
      return list(visitor, batches);
    case 'show':
      return shown(await batches.find(id, whose));
    case 'cancel':
      return shown(await batches.cancel(id, whose));
    case 'remove': {
      const removed = await batches.remove(id, whose);
      return removed.ok ? ok({ id, type: 'message_batch_deleted' }) : removed;
    }
    case 'results': {
      const found = await batches.results(id, whose);
      if (!found.ok) return found;
      return sendFile({ ...found.value, type: 'application/x-jsonl' }, visitor, batches.desk.world);
    }
  }
}

async function create(visitor: BatchVisit, batches: Batches): Promise<Result<StoredBatch, Fault>> {
  const { operation, keyId, headers, caller } = visitor;
  const claim = readRegion(headers);
  if (!claim.ok) return claim;
  const { key, address } = caller;
  const seen = callerRegion({ key, claim: claim.value, address }, batches.desk.world.snapshot());
  if (operation.form === 'anthropic') {
    const body = piecesOf(visitor, 'application/json');
    return body.ok ? batches.createMessages({ keyId, seen, headers, ...body.value }) : body;
  }
  const body = await visitor.json();
  return body.ok ? batches.create(body.value.record, { keyId, seen }) : body;
}

async function list({ operation, keyId, query }: BatchVisit, batches: Batches): Promise<Result<JsonRecord, Fault>> {
  const { form } = operation;
  const page = pageQuery(query, form === 'openai' ? OPENAI_PAGE : ANTHROPIC_PAGE);
  if (!page.ok) return page;
  const found = await batches.list({ ...page.value, keyId, form });
  return found.ok ? ok(listShape(found.value, batchShape)) : found;
}

function shown(result: Result<StoredBatch, Fault>): Result<JsonRecord, Fault> {
  return result.ok ? ok(batchShape(result.value)) : result;
}
