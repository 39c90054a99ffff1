/** The requests of an Anthropic batch: cut out of its body while it arrives, checked one by one, kept as lines of a file. */
import { fault, type Fault } from '../chat/fault.ts';
import { elementCutter, type ElementCutter } from '../lib/json-elements.ts';
import { asArray, isRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { parseBodyInTurns } from '../pipeline/body.ts';
import type { CallerRegion } from '../understand/facts.ts';
import { ANTHROPIC_LINES_MAX } from './check.ts';
import { drafted, invalid, isDiskError, keepFile, roomOf, whyNoRoom, type FileDesk } from './files.ts';
import { readLine } from './lines.ts';
import type { Draft } from './spool.ts';

/** Where its messages would go one by one. */
export const MESSAGES = '/v1/messages';
/** All that is not a request; `{},` is left of each. */
const SKELETON_MAX_BYTES = 1024 * 1024;
const LINE_END = Buffer.from('\n');

export interface MessageBatch {
  readonly keyId: string;
  /** Where the caller is, if anybody knows. */
  readonly seen: CallerRegion | undefined;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** As it was announced; 0 where it was not. */
  readonly length: number;
  readonly body: AsyncIterable<Buffer>;
}

/** Takes them in; gives the id of the file that holds them. */
export async function takeMessages(batch: MessageBatch, desk: FileDesk): Promise<Result<string, Fault>> {
  const { world } = desk;
  const { keyId, length } = batch;
  const refused = await whyNoRoom(keyId, length, desk);
  if (refused !== undefined) return err(refused);
  const id = world.newId('file');
  const taken = await drafted(id, desk, async (draft) => {
    const wrong = await pour(batch, draft, desk);
    return wrong === undefined ? ok(draft.bytes) : err(wrong);
  });
  if (!taken.ok) return taken;
  const nowMs = world.clock.unixMs();
  const file = { id, keyId, purpose: 'messages', filename: 'requests.jsonl', bytes: taken.value };
  const times = { createdAtMs: nowMs, expiresAtMs: nowMs + world.snapshot().batches.keepMs };
  const unkept = await keepFile({ ...file, ...times }, desk, roomOf(desk));
  return unkept === undefined ? ok(id) : err(unkept);
}

interface Pouring {
  readonly cutter: ElementCutter;
  readonly draft: Draft;
  /** Places by `custom_id`. */
  readonly ids: Map<string, number>;
  count: number;
}

async function pour({ body }: MessageBatch, draft: Draft, { world }: FileDesk): Promise<Fault | undefined> {
  const { batches, bodyMaxBytes } = world.snapshot();
  const cutter = elementCutter('requests', { elementMaxBytes: bodyMaxBytes, skeletonMaxBytes: SKELETON_MAX_BYTES });
  const pouring: Pouring = { cutter, draft, ids: new Map(), count: 0 };
  try {
    for await (const chunk of body) {
      const wrong = await pourChunk(chunk, pouring);
      if (wrong !== undefined) return wrong;
      if (draft.bytes > batches.fileMaxBytes) return fault('file-too-big', { max: batches.fileMaxBytes });
      const excess = cutter.excess();
      const max = excess === 'element' ? bodyMaxBytes : SKELETON_MAX_BYTES;
      if (excess !== undefined) return fault('body-too-big', { max });
    }
  } catch (error) {
    if (isDiskError(error)) throw error;
    return fault('body-cut');
  }
  return wrongSkeleton(cutter.skeleton(), pouring.count);
}

async function pourChunk(chunk: Buffer, pouring: Pouring): Promise<Fault | undefined> {
  for (const element of pouring.cutter.push(chunk)) {
    const wrong = await wrongMessage(element, pouring);
    if (wrong !== undefined) return wrong;
    pouring.count += 1;
    await pouring.draft.write(element);
    await pouring.draft.write(LINE_END);
  }
  return undefined;
}

async function wrongMessage(element: Buffer, { ids, count }: Pouring): Promise<Fault | undefined> {
  if (count >= ANTHROPIC_LINES_MAX) return invalid('requests', `it may have ${ANTHROPIC_LINES_MAX} entries`);
  const read = await readLine(element, { form: 'anthropic', endpoint: MESSAGES });
  if (!read.ok) {
    const { param, message } = read.error;
    return invalid(param === null ? `requests.${count}` : `requests.${count}.${param}`, message.replace(/\.$/, ''));
  }
  const { customId } = read.value;
  const before = ids.get(customId);
  ids.set(customId, count);
  if (before === undefined) return undefined;
  return invalid(`requests.${count}.custom_id`, `${JSON.stringify(customId)} is that of requests.${before}, too`);
}

/** What was cut out stands as `{}` in it: all else must be what it should be. */
async function wrongSkeleton(skeleton: Buffer, count: number): Promise<Fault | undefined> {
  const parsed = await parseBodyInTurns(skeleton);
  if (!parsed.ok) return parsed.error;
  const { requests } = parsed.value.record;
  if (requests === undefined) return fault('field-missing', { reason: 'it holds the messages' }, { param: 'requests' });
  const list = asArray(requests);
  if (list === undefined || list.length === 0) return invalid('requests', 'it must be a list with one entry or more');
  const stranger = list.findIndex((entry) => !isRecord(entry));
  if (stranger !== -1) return invalid(`requests.${stranger}`, 'it must be an object with `custom_id` and `params`');
  return list.length === count ? undefined : invalid('requests', 'its name must be written without escapes');
}
