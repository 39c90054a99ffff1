/** A chat as the steps that send it on and receive its answer see it. */
import type { Fault } from '../chat/fault.ts';
import type { ChatRequest } from '../chat/request.ts';
import type { Dialect, Inspection, PathFacts, Unfit } from '../dialects/dialect.ts';
import type { Result } from '../lib/result.ts';
import type { ParsedBody } from './body.ts';
import type { Call } from './call.ts';
import type { Recalled } from './recall.ts';

export interface ChatInput {
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

export interface ChatCall extends ChatInput, Call {
  readonly inspection: Inspection;
  /** The earlier conversation that it goes on with, if it names one. */
  readonly recalled?: Recalled;
  /** What is asked in the one language, decoded on first use: only targets of other dialects need it. Several where a body asks several things. */
  readonly decoded: () => Result<readonly ChatRequest[], Fault | Unfit>;
}
