/** Token counting: the provider's own count where it speaks the caller's protocol, else our estimate. */
import { fault, type Fault } from '../chat/fault.ts';
import { isRecord, parseJson, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { understand } from '../routing/facts.ts';
import { errorOf } from '../providers/provider.ts';
import { targetOver, type Target } from '../routing/target.ts';
import type { KeyRow } from '../store/ports.ts';
import { accept, type Arrival, type Call } from './call.ts';
import { OWN_FIELDS } from './extension.ts';
import { outgoing } from './outgoing.ts';
import { planCall } from './planning.ts';
import type { Reply } from './reply.ts';
import { textWithoutSecrets } from './secrets.ts';
import { healthNow } from './standing.ts';
import type { World } from './world.ts';

/** An answer of this operation is a few numbers. */
const ANSWER_MAX_BYTES = 1024 * 1024;

export interface CountOptions {
  readonly reply: Reply;
  readonly world: World;
}

/** Counts the input tokens of a body. Free at every provider that offers it, so that nothing is held or booked. */
export async function countTokens(
  arrival: Arrival,
  key: KeyRow,
  { reply, world }: CountOptions,
): Promise<Result<JsonRecord, Fault>> {
  const accepted = accept({ ...arrival, path: { ...arrival.path, operation: 'count-tokens' } });
  if (!accepted.ok) return accepted;
  const call = accepted.value;
  const facts = understand(call.inspection);
  const health = healthNow(world);
  const planning = planCall(call, { snapshot: world.snapshot(), key, facts, health, random: world.random });
  if (!planning.ok) return planning;
  const [planned] = planning.value.plan.targets;
  const target = planned === undefined ? undefined : targetOver(planned, call.dialect.id);
  if (target?.provider.dialect.id === call.dialect.id && target.provider.countsTokens !== false) {
    const counted = await ask(call, target, { reply, world });
    if (counted.ok) return counted;
    if (counted.error.outcome !== 'upstream') return err(counted.error.fault);
  }
  return ok(call.dialect.countTokensResponse(facts.inputTokensEstimate));
}

type Refusal = { readonly outcome: 'caller' | 'upstream'; readonly fault: Fault };

async function ask(call: Call, target: Target, { reply, world }: CountOptions): Promise<Result<JsonRecord, Refusal>> {
  const built = await outgoing(call, target, {
    operation: 'count-tokens',
    instanceId: world.instanceId,
    followed: OWN_FIELDS,
  });
  if (!built.ok) return err({ outcome: 'caller', fault: built.error });
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let status = 0;
    let headers: Readonly<Record<string, string | string[] | undefined>> = {};
    const exchange = world.upstream.send(
      { ...built.value.call, limits: { ...target.timeouts, bodyMaxBytes: ANSWER_MAX_BYTES } },
      {
        head(code, received) {
          status = code;
          headers = received;
        },
        data: (chunk) => void chunks.push(chunk),
        end: () => resolve(read(target, { status, headers, body: Buffer.concat(chunks).toString('utf8') }, world)),
        fail: (of) => resolve(err({ outcome: 'upstream', fault: of })),
      },
    );
    reply.signal.addEventListener(
      'abort',
      () => {
        exchange.abort();
        resolve(err({ outcome: 'caller', fault: fault('client-closed') }));
      },
      { once: true },
    );
  });
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A provider that refuses the request refuses it for the caller; one that fails is replaced by our estimate. */
function read(target: Target, answer: Answer, world: World): Result<JsonRecord, Refusal> {
  const body = parseJson(answer.body);
  if (answer.status === 200 && isRecord(body)) return ok(body);
  const of = errorOf(target.provider, {
    ...answer,
    body: textWithoutSecrets(answer.body, target),
    provider: target.providerId,
    model: target.upstreamModel,
    nowMs: world.clock.unixMs(),
  });
  return err({ outcome: of.code === 'upstream-refused' ? 'caller' : 'upstream', fault: of });
}
