/** accept: a body of bytes becomes a call that is checked, read once, and never looked at as text again. */
import { fault, type Fault } from '../chat/fault.ts';
import type { ChatRequest } from '../chat/request.ts';
import type { Dialect, Inspection, PathFacts } from '../dialects/dialect.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { ParsedBody } from './body.ts';
import { readExtension, type Extension } from './extension.ts';
import type { Recalled } from './recall.ts';

/** A request as it stands at the door, its body read but not understood. */
export interface Arrival {
  readonly requestId: string;
  readonly dialect: Dialect;
  readonly path: PathFacts;
  /** Gemini streams without `alt=sse`: a JSON array. */
  readonly isJsonArray: boolean;
  /** Lower-case names; of repeated headers the joined value. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly query: string;
  readonly body: ParsedBody;
  /** Monotonic. */
  readonly startedMs: number;
}

export interface Call extends Arrival {
  readonly inspection: Inspection;
  readonly extension: Extension;
  /** The earlier conversation that it goes on with, if it names one. */
  readonly recalled?: Recalled;
  /** The request in the one language, decoded on first use: only a target of another dialect needs it. */
  readonly decoded: () => Result<ChatRequest, Fault>;
}

export function accept(arrival: Arrival, recalled?: Recalled): Result<Call, Fault> {
  const { dialect, body, path } = arrival;
  // What came before is paid for with every turn, by whoever keeps it.
  const record = recalled?.record ?? body.record;
  const inspection = dialect.inspect(record, path);
  if (!inspection.ok) return err(inspection.error);
  const extension = readExtension(body.record, arrival.headers);
  if (!extension.ok) return err(extension.error);
  if (extension.value.models.includes(inspection.value.model) && extension.value.models.length === 1) {
    return err(
      fault('field-invalid', { reason: 'it names only the model that was asked for anyway' }, { param: 'models' }),
    );
  }
  let decoded: Result<ChatRequest, Fault> | undefined;
  return ok({
    ...arrival,
    inspection: inspection.value,
    extension: extension.value,
    ...(recalled === undefined ? {} : { recalled }),
    decoded: () => (decoded ??= dialect.decodeRequest(record, path)),
  });
}
