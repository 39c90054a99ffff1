/** accept: a body of bytes becomes a call that is checked, read once, and never looked at as text again. */
import type { Fault } from '../chat/fault.ts';
import type { ChatRequest } from '../chat/request.ts';
import type { Dialect, Inspection, PathFacts } from '../dialects/dialect.ts';
import { asArray } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { ParsedBody } from './body.ts';
import { readExtension, type Extension } from './extension.ts';

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
  /** The request in the one language, decoded on first use: only a target of another dialect needs it. */
  readonly decoded: () => Result<ChatRequest, Fault>;
}

export function accept(arrival: Arrival): Result<Call, Fault> {
  const { dialect, path } = arrival;
  const body = withModel(arrival);
  const inspection = dialect.inspect(body.record, path);
  if (!inspection.ok) return err(inspection.error);
  const extension = readExtension(body.record, arrival.headers);
  if (!extension.ok) return err(extension.error);
  let decoded: Result<ChatRequest, Fault> | undefined;
  return ok({
    ...arrival,
    body,
    inspection: inspection.value,
    extension: extension.value,
    decoded: () => (decoded ??= dialect.decodeRequest(body.record, path)),
  });
}

/** OpenRouter's clients may name models in `models` alone: then the first of them is the one that is asked for. */
function withModel({ dialect, body }: Arrival): ParsedBody {
  const { record } = body;
  const [first] = asArray(record['models']) ?? [];
  if (dialect.modelField === undefined || record[dialect.modelField] !== undefined || typeof first !== 'string')
    return body;
  return { ...body, record: { ...record, [dialect.modelField]: first } };
}
