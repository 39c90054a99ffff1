/** One line, once: asked through the one pipeline as if a caller had sent it. */
import { fault, specOf, type Fault } from '../chat/fault.ts';
import type { JsonRecord } from '../lib/json.ts';
import { ok } from '../lib/result.ts';
import { parseBodyInTurns, type ParsedBody } from '../pipeline/body.ts';
import type { Arrival } from '../pipeline/call.ts';
import { handle } from '../pipeline/handle.ts';
import type { World } from '../pipeline/world.ts';
import type { KeyRow } from '../store/ports.ts';
import type { CallerRegion } from '../understand/facts.ts';
import { KeptReply } from './kept-reply.ts';
import type { Asked } from './lines.ts';

/** Where requests for one path go in, as the rim knows it. */
export interface Doorway {
  encodeFault(of: Fault, requestId: string): JsonRecord;
  arrival(asked: AtDoor): Arrival;
}

export interface AtDoor {
  readonly requestId: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: ParsedBody;
  /** Monotonic. */
  readonly startedMs: number;
}

/** Undefined where nothing can be posted to the path. */
export type Door = (path: string) => Doorway | undefined;

export interface Asking {
  readonly doorway: Doorway;
  readonly world: World;
  readonly key: KeyRow;
  /** A tag of the record. */
  readonly batchId: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Where the caller was when it handed the batch in. */
  readonly seen: CallerRegion | undefined;
}

export interface LineAnswer {
  readonly requestId: string;
  readonly status: number;
  /** JSON. */
  readonly body: string;
  readonly fault: Fault | undefined;
}

export async function askLine(asked: Asked, asking: Asking): Promise<LineAnswer> {
  const { doorway, world, key, seen } = asking;
  const requestId = world.newId('req');
  const refused = (of: Fault): LineAnswer => ({
    requestId,
    fault: of,
    status: specOf(of).status,
    body: JSON.stringify(doorway.encodeFault(of, requestId)),
  });
  const arrival = await arrivalOf(asked, asking, requestId);
  if ('code' in arrival) return refused(arrival);
  let told: Fault | undefined;
  const reply = new KeptReply();
  try {
    const ending = await handle(
      watched(arrival, asking.batchId, (of) => {
        told = of;
      }),
      { key, reply, seen },
      world,
    );
    world.meters.requests.add({ operation: 'batch-line', outcome: ending.outcome });
  } catch (error) {
    world.log('error', 'a line of a batch failed inside the gateway', {
      request_id: requestId,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    return refused(fault('internal'));
  }
  return reply.hasStarted
    ? { requestId, status: reply.status, body: reply.text, fault: told }
    : refused(told ?? fault('internal'));
}

/** The line at the door; or what is wrong with its body. */
export async function arrivalOf(asked: Asked, asking: Asking, requestId: string): Promise<Arrival | Fault> {
  const { doorway, world, headers } = asking;
  const parsed = await parseBodyInTurns(asked.body);
  if (!parsed.ok) return parsed.error;
  if (parsed.value.record['stream'] === true)
    return fault('field-invalid', { reason: 'a batch has no streams' }, { param: 'stream' });
  return doorway.arrival({ requestId, headers, body: parsed.value, startedMs: world.clock.monotonicMs() });
}

/** The same arrival; its batch is a tag of its record, and a fault is told in words and to `tell`. */
function watched(arrival: Arrival, batchId: string, tell: (of: Fault) => void): Arrival {
  const encodeFault = (of: Fault): JsonRecord => {
    tell(of);
    return arrival.encodeFault(of);
  };
  return {
    ...arrival,
    encodeFault,
    accept: (memory) => {
      const accepted = arrival.accept(memory);
      if (!accepted.ok) return accepted;
      const { extension } = accepted.value;
      const tags = [...extension.tags, batchId];
      return ok({ ...accepted.value, encodeFault, extension: { ...extension, tags } });
    },
  };
}
