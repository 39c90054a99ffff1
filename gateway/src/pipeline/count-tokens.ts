/** Token counting: the provider's own count where it has one, in whatever protocol it is asked; else our estimate. */
import { fault, type Fault } from '../chat/fault.ts';
import { isRecord, parseJson, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { Counting } from '../dialects/counting.ts';
import { errorOf } from '../providers/provider.ts';
import { targetOver, type Target } from '../routing/target.ts';
import type { KeyRow } from '../store/ports.ts';
import { authorized } from './authorize.ts';
import type { Outgoing } from './call.ts';
import type { ChatCall, ChatInput } from './chat-call.ts';
import { acceptChat } from './chat.ts';
import { OWN_FIELDS } from './extension.ts';
import { outgoing } from './outgoing.ts';
import { planCall } from './planning.ts';
import type { Reply } from './reply.ts';
import { textWithoutSecrets } from './secrets.ts';
import type { World } from './world.ts';

/** An answer of this operation is a few numbers. */
const ANSWER_MAX_BYTES = 1024 * 1024;

export interface CountOptions {
  readonly reply: Reply;
  readonly world: World;
  /** Of the connection. Absent: nobody knows. */
  readonly address?: string | undefined;
}

/** Counts the input tokens of a body. Free at every provider that offers it, so that nothing is held or booked. */
export async function countTokens(
  input: ChatInput,
  key: KeyRow,
  { reply, world, address }: CountOptions,
): Promise<Result<JsonRecord, Fault>> {
  const accepted = acceptChat({ ...input, path: { ...input.path, operation: 'count-tokens' } });
  if (!accepted.ok) return accepted;
  const call = accepted.value;
  const { facts } = call;
  const planning = planCall(call, { snapshot: world.snapshot(), key, world, address, isDry: true });
  if (!planning.ok) return planning;
  const [planned] = planning.value.plan.targets;
  const target = planned === undefined ? undefined : targetOver(planned, call.dialect.id);
  const counting = target?.provider.counting ?? target?.provider.dialect.counting;
  if (target !== undefined && counting !== undefined) {
    const counted = await ask(questionOf(call, target, counting), { reply, world });
    if (counted.ok) return counted;
    if (counted.error.outcome !== 'upstream') return err(counted.error.fault);
  }
  return ok(call.dialect.countTokensResponse(facts.inputTokensEstimate));
}

/** A question for a provider's count. */
interface Question {
  readonly call: ChatCall;
  readonly target: Target;
  /** Absent: the caller's own question goes on as it is, and so does the answer. */
  readonly counting?: Counting;
}

function questionOf(call: ChatCall, target: Target, counting: Counting): Question {
  const isOwn = target.provider.dialect.id === call.dialect.id && counting.isOther !== true;
  return { call, target, ...(isOwn ? {} : { counting }) };
}

type Refusal = { readonly outcome: 'caller' | 'upstream'; readonly fault: Fault };

async function ask(question: Question, { reply, world }: CountOptions): Promise<Result<JsonRecord, Refusal>> {
  const { target } = question;
  const unproven = await sendingOf(question, world);
  if (!unproven.ok)
    return err({ outcome: question.counting === undefined ? 'caller' : 'upstream', fault: unproven.error });
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
          resolve(read(question, { status, headers, body: textWithoutSecrets(text, target, grant) }, world));
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

/** The question as it goes out: a chat in the provider's wire, put as it wants counts to be asked for. */
async function sendingOf({ call, target, counting }: Question, world: World): Promise<Result<Outgoing, Fault>> {
  const { instanceId } = world;
  const chat = await outgoing(call, target, { operation: 'count-tokens', instanceId, followed: OWN_FIELDS });
  if (!chat.ok || counting === undefined) return chat;
  const body = parseJson(chat.value.call.body?.toString('utf8') ?? '');
  const asked = counting.bodyOf(isRecord(body) ? body : {}, target.upstreamModel);
  return ok({ ...chat.value, call: { ...chat.value.call, body: Buffer.from(JSON.stringify(asked)) } });
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/**
 * A provider that refuses the caller's own question refuses it for the caller; one that fails, or does not take ours, is
 * replaced by our estimate.
 */
function read({ call, target, counting }: Question, answer: Answer, world: World): Result<JsonRecord, Refusal> {
  const body = parseJson(answer.body);
  if (answer.status === 200 && isRecord(body)) {
    if (counting === undefined) return ok(body);
    const count = counting.countIn(body);
    if (count !== undefined) return ok(call.dialect.countTokensResponse(count));
  }
  const of = errorOf(target.provider, {
    ...answer,
    provider: target.providerId,
    model: target.upstreamModel,
    nowMs: world.clock.unixMs(),
  });
  const isTheCallers = counting === undefined && of.code === 'upstream-refused';
  return err({ outcome: isTheCallers ? 'caller' : 'upstream', fault: of });
}
