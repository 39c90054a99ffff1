/** The headers of our replies: who answered, after how many attempts, what was lost on the way, when to ask again. */
import { specOf, type Fault } from '../chat/fault.ts';
import type { Loss } from '../chat/request.ts';
import type { Target } from '../routing/target.ts';
import type { Headers } from './reply.ts';
import type { Run } from './run.ts';

/** `x-turnout-adapted` names this many fields; the record has them all. */
const ADAPTED_MAX = 20;

/** Of every reply. */
export function baseHeaders(requestId: string): Headers {
  return { 'x-request-id': requestId, 'x-turnout-decision': requestId };
}

interface Head {
  readonly losses: readonly Loss[];
  /** Content type of a streamed answer, where it is not the usual one of the call. */
  readonly type?: string | undefined;
}

/** Of an answer as it begins, when its cost is not known yet. */
export function streamHeaders(run: Run, target: Target, { losses, type }: Head): Headers {
  const { call, attempts } = run;
  return {
    ...baseHeaders(call.requestId),
    ...run.limitHeaders,
    'content-type': type ?? call.delivery.type,
    'cache-control': 'no-store',
    'x-turnout-provider': target.providerId,
    'x-turnout-model': headerSafe(target.model),
    'x-turnout-attempts': String(Math.max(1, attempts.length + (attempts.at(-1)?.target === target ? 0 : 1))),
    ...limited(run),
    ...adapted([...losses.map((loss) => loss.field), ...run.planning.ignored]),
  };
}

/** The output was given a lower limit than was asked for, so that what is left of a budget is enough. */
function limited({ admission: { outputTokensMax } }: Run): Headers {
  return outputTokensMax === undefined ? {} : { 'x-turnout-output-limit': String(outputTokensMax) };
}

function adapted(fields: readonly string[]): Headers {
  if (fields.length === 0) return {};
  return { 'x-turnout-adapted': [...new Set(fields.map(headerSafe))].slice(0, ADAPTED_MAX).join(', ') };
}

/** Header values are printable ASCII (RFC 9110, section 5.5); anything else of a name is percent-encoded. */
export function headerSafe(text: string): string {
  return text.replaceAll(/[^\u0021-\u007e]/g, (character) => encodeURIComponent(character)).slice(0, 256);
}

/** `retry-after` in whole seconds for every client, and in milliseconds for OpenAI's. */
export function retryHeaders(of: Fault): Headers {
  // 429 and 503 always say when (rule R4); what no provider has said is a second.
  const afterMs = of.retryAfterMs ?? ([429, 503].includes(specOf(of).status) ? 1000 : undefined);
  if (afterMs === undefined) return {};
  return {
    'retry-after': String(Math.max(1, Math.ceil(afterMs / 1000))),
    'retry-after-ms': String(Math.ceil(afterMs)),
  };
}
