/** The output of a batch: files made of its results, when all are there. */
import type { StoredBatch, StoredFile } from '../store/batch-ports.ts';
import { keepFile, type FileDesk } from './files.ts';
import type { Draft } from './spool.ts';

/** Output must find its place whatever the key has: the room was counted when its input came. */
const ANY_ROOM = { bytesMax: Number.MAX_SAFE_INTEGER, filesMax: Number.MAX_SAFE_INTEGER };

/** The files that its results will need. A batch that has them already keeps them: it was ended before, over a crash. */
export function outputIds(
  { form, outputFileId, errorFileId, succeeded, errored, canceled, expired }: StoredBatch,
  newId: (prefix: string) => string,
): Pick<StoredBatch, 'outputFileId' | 'errorFileId'> {
  const failed = errored + canceled + expired;
  const hasOutput = form === 'anthropic' || succeeded > 0;
  return {
    ...(hasOutput ? { outputFileId: outputFileId ?? newId('file') } : {}),
    ...(form === 'openai' && failed > 0 ? { errorFileId: errorFileId ?? newId('file') } : {}),
  };
}

/** Writes them. Throws where the disk or the store does not take them; then nothing has changed. */
export async function writeOutput(batch: StoredBatch, desk: FileDesk): Promise<void> {
  const { outputFileId, errorFileId } = batch;
  const drafts = new Map<string, Draft>();
  for (const id of [outputFileId, errorFileId]) if (id !== undefined) drafts.set(id, await desk.spool.draft(id));
  try {
    await fill(batch, desk, drafts);
  } catch (error) {
    for (const draft of drafts.values()) await draft.drop();
    throw error;
  }
  for (const [id, draft] of drafts) {
    await draft.keep();
    const refused = await keepFile(
      rowOf(batch, id, { bytes: draft.bytes, atMs: desk.world.clock.unixMs() }),
      desk,
      ANY_ROOM,
    );
    if (refused !== undefined) throw new Error(refused.message);
  }
}

async function fill(batch: StoredBatch, { world }: FileDesk, drafts: ReadonlyMap<string, Draft>): Promise<void> {
  const { outputFileId = '', errorFileId = '', form } = batch;
  for (let after = 0; ;) {
    const read = await world.store.batches(async (books) => books.readResults(batch.id, after));
    if (!read.ok) throw new Error(read.error.message);
    const last = read.value.at(-1);
    if (last === undefined) return;
    after = last.line;
    for (const { state, text } of read.value) {
      const draft = drafts.get(form === 'anthropic' || state === 'succeeded' ? outputFileId : errorFileId);
      if (draft === undefined) throw new Error('a result of a batch has no file to go to');
      await draft.write(Buffer.from(`${text}\n`));
    }
  }
}

function rowOf(
  { id: batchId, keyId, form, errorFileId, keepMs }: StoredBatch,
  id: string,
  { bytes, atMs }: { readonly bytes: number; readonly atMs: number },
): StoredFile {
  const kind = id === errorFileId ? 'error' : 'output';
  const purpose = form === 'openai' ? 'batch_output' : 'messages_output';
  const filename = `${batchId}_${kind}.jsonl`;
  return { id, keyId, purpose, filename, bytes, createdAtMs: atMs, expiresAtMs: atMs + keepMs };
}
