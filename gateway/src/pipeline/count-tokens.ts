/** Token counting: the provider's own count where it speaks the caller's protocol, else our estimate. */
import { fault, type Fault } from '../chat/fault.ts';
import { isRecord, parseJson, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { errorOf } from '../providers/provider.ts';
import { targetOver, type Target } from '../routing/target.ts';
import type { KeyRow } from '../store/ports.ts';
import { authorized } from './authorize.ts';
import type { ChatCall, ChatInput } from './chat-call.ts';
import { acceptChat } from './chat.ts';
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
  input: ChatInput,
  key: KeyRow,
  { reply, world }: CountOptions,
): Promise<Result<JsonRecord, Fault>> {
  const accepted = acceptChat({ ...input, path: { ...input.path, operation: 'count-tokens' } });
  if (!accepted.ok) return accepted;
  const call = accepted.value;
  const { facts } = call;
  const health = healthNow(world);
  const unixMs = world.clock.unixMs();
  const planning = planCall(call, { snapshot: world.snapshot(), key, facts, health, random: world.random, unixMs });
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

async function ask(
  call: ChatCall,
  target: Target,
  { reply, world }: CountOptions,
): Promise<Result<JsonRecord, Refusal>> {
  const unproven = await outgoing(call, target, {
    operation: 'count-tokens',
    instanceId: world.instanceId,
    followed: OWN_FIELDS,
  });
  if (!unproven.ok) return err({ outcome: 'caller', fault: unproven.error });
  const { identity } = target;
  const built = identity === undefined ? unproven : await authorized(unproven.value, identity, world);
  if (!built.ok) return err({ outcome: 'upstream', fault: built.error });
  const { grant } = built.value;
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
        end: () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve(read(target, { status, headers, body: textWithoutSecrets(text, target, grant) }, world));
        },
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
    provider: target.providerId,
    model: target.upstreamModel,
    nowMs: world.clock.unixMs(),
  });
  return err({ outcome: of.code === 'upstream-refused' ? 'caller' : 'upstream', fault: of });
}
