/**
 * classify: a small model is asked for what the text itself has left open. It has a deadline of its own and no second try, is
 * paid for by the same key, and sees no text that the request's own targets may not see. Where it says nothing, the request
 * goes on as if there were none.
 */
import { hash } from 'node:crypto';
import { asArray, asRecord, asString, parseJson } from '../lib/json.ts';
import { openaiChat } from '../dialects/openai-chat.ts';
import { UNLIMITED } from '../limits/limiter.ts';
import { UNSEEN } from '../routing/observation.ts';
import type { Rule } from '../routing/policy.ts';
import { DATA_REQUIREMENTS } from '../routing/requirements/index.ts';
import type { Asked } from '../routing/requirements/requirement.ts';
import type { Classifier } from '../routing/snapshot.ts';
import type { Target } from '../routing/target.ts';
import { isHold, type Payer } from '../store/ports.ts';
import { verdictBody, verdictIn } from '../understand/verdict.ts';
import { chargeAt, worstAt } from './admit.ts';
import { parseBody } from './body.ts';
import type { Call } from './call.ts';
import type { Classified } from './classified.ts';
import { acceptChat } from './chat.ts';
import { createOutlet } from './outlet.ts';
import { withoutNames } from './key-reach.ts';
import { dayOf, planCall, type Planning, type PlanningOptions } from './planning.ts';
import type { AttemptRecord } from './record.ts';
import type { Reply } from './reply.ts';
import type { Run } from './run.ts';
import { noteBegun } from './standing.ts';
import { tryOne, type Try } from './try-one.ts';
import { understoodFor, type Understood } from './understood.ts';
import type { World } from './world.ts';

export interface Classifying extends PlanningOptions {
  readonly world: World;
  readonly reply: Reply;
}

/** Undefined where there is no classifier, or nothing is left open that the policy reads. Never throws for anything that a model does. */
export function classified(call: Call, at: Classifying): Promise<Classified> | undefined {
  const { classifier } = at.snapshot;
  if (classifier === undefined || call.ruleText === undefined) return undefined;
  const understood = understoodFor(call, at, classifier.intents);
  return understood === undefined || understood.open.length === 0
    ? undefined
    : ask(call, at, { classifier, understood });
}

interface Asking {
  readonly classifier: Classifier;
  readonly understood: Understood;
}

async function ask(call: Call, at: Classifying, { classifier, understood }: Asking): Promise<Classified> {
  const { world, key } = at;
  const { open } = understood;
  const question = questionOf(call, at, classifier);
  const chosen = targetFor(at, question.planning, understood);
  if (typeof chosen === 'string') return { open, verdict: {}, result: 'withheld', why: chosen, attempts: [] };
  const known = { target: chosen.id, open };
  const mark = hash('sha256', `${chosen.id} ${question.text}`);
  const remembered = world.verdicts.get(key.id, mark);
  if (remembered !== undefined) return { ...known, verdict: remembered, result: 'remembered', attempts: [] };
  const { answer, attempts, why } = await answerOf(question, chosen, { at, classifier });
  const verdict = answer === undefined ? {} : verdictIn(answer, classifier.intents);
  if (Object.keys(verdict).length === 0)
    return { ...known, verdict, attempts, result: 'silent', why: why ?? 'it said nothing that has a meaning here' };
  world.verdicts.put(key.id, mark, verdict);
  return { ...known, verdict, attempts, result: 'told' };
}

interface Question {
  readonly text: string;
  readonly call: Call;
  readonly planning: Planning | undefined;
}

/** The question as a request of its own. Which models the key may name is no matter: it has not named this one. */
function questionOf({ requestId, ruleText }: Call, at: Classifying, { model, intents }: Classifier): Question {
  const text = JSON.stringify({ model, ...verdictBody(ruleText?.() ?? '', intents) });
  const body = parseBody(Buffer.from(text));
  if (!body.ok) throw new Error(`a question of ours cannot be read: ${body.error.message}`);
  const startedMs = at.world.clock.monotonicMs();
  const input = { requestId, startedMs, dialect: openaiChat, path: {}, isJsonArray: false, headers: {}, query: '' };
  const accepted = acceptChat({ ...input, body: body.value });
  if (!accepted.ok) throw new Error(`a question of ours is not valid: ${accepted.error.message}`);
  const planned = planCall(accepted.value, { ...at, key: withoutNames(at.key), isDry: true });
  return { text, call: accepted.value, planning: planned.ok ? planned.value : undefined };
}

/** The first target that may see the text, or why none may: what is required of those that get a request's data binds it too. */
function targetFor({ world }: Classifying, planning: Planning | undefined, of: Understood): Target | string {
  const { refusedBy } = of;
  if (refusedBy !== undefined) return `the rule \`${refusedBy.name}\` refuses such requests`;
  const asked: Asked = {
    facts: of.facts,
    requires: of.requires,
    preferences: of.preferences,
    today: dayOf(world.clock.unixMs()),
    barred: new Map(),
    seen: () => UNSEEN,
  };
  let why = 'there is no such target now';
  for (const target of planning?.plan.targets ?? []) {
    const reasons = DATA_REQUIREMENTS.map((one) => one.whyNot(target, asked));
    const reason = [whyKept(target, of.keptBy), ...reasons].find((one) => one !== undefined);
    if (reason === undefined) return target;
    why = reason;
  }
  return why;
}

function whyKept({ id }: Target, keptBy: readonly Rule[]): string | undefined {
  const rule = keptBy.find(({ use }) => use?.tiers?.flat().every(({ target }) => target.id !== id) === true);
  return rule === undefined ? undefined : `the rule \`${rule.name}\` sends such requests elsewhere`;
}

interface Answered {
  readonly answer?: string;
  readonly attempts: readonly AttemptRecord[];
  readonly why?: string;
}

/** One try, with a hold of its own. */
async function answerOf(
  { call, planning }: Question,
  chosen: Target,
  { at, classifier }: { readonly at: Classifying; readonly classifier: Classifier },
): Promise<Answered> {
  const { key, snapshot, world, reply } = at;
  if (planning === undefined) return { attempts: [] };
  const { facts } = call;
  const payer = withoutFixed(planning.payer);
  const worst = chargeAt(payer, chosen, worstAt(chosen, facts)) ?? 0n;
  const hold = await world.store.ledger.hold(payer, worst, call.requestId);
  if (!isHold(hold)) return { attempts: [], why: hold.message };
  const heard = listening(reply.signal);
  const made = { call, key, facts, planning, admission: { hold, facts }, snapshot, reply: heard, world };
  const run: Run = { ...made, passed: UNLIMITED, limitHeaders: {}, attempts: [], seams: [], keptTurns: [] };
  try {
    const tried = await tryOne(run, tryAt(run, chosen, classifier));
    if (typeof tried !== 'string') return { attempts: run.attempts, why: tried.fault.message };
    return { attempts: run.attempts, answer: heard.answer() };
  } finally {
    world.store.ledger.release(hold);
  }
}

/** What is fixed a request is charged with the request itself, whose hold is another. */
function withoutFixed(payer: Payer): Payer {
  const { chargeOf } = payer;
  return chargeOf === undefined
    ? payer
    : { ...payer, chargeOf: (cost, place) => chargeOf(cost, { ...place, isFirst: false }) };
}

function tryAt({ call, world, reply }: Run, chosen: Target, { deadlineMs }: Classifier): Try {
  const target = call.over(chosen);
  return {
    targetId: chosen.id,
    target,
    outlet: createOutlet(reply, SILENT(world)),
    deadlineMs: world.clock.monotonicMs() + deadlineMs,
    repair: undefined,
    begun: noteBegun(world, target),
  };
}

const SILENT = ({ timers }: World): Parameters<typeof createOutlet>[1] => ({
  timers,
  heartbeatMs: Number.POSITIVE_INFINITY,
  writeIdleMs: Number.POSITIVE_INFINITY,
  canPing: false,
  earlyHeaders: () => ({}),
});

/** A caller of our own, who takes a whole answer. Where the real one leaves, nothing is wanted any more. */
function listening(signal: AbortSignal): Reply & { readonly answer: () => string } {
  let text = '';
  return {
    answer() {
      const [choice] = asArray(asRecord(parseJson(text))?.['choices']) ?? [];
      return asString(asRecord(asRecord(choice)?.['message'])?.['content']) ?? '';
    },
    whole: (_status, _headers, body) => {
      text = body.toString();
    },
    start: () => undefined,
    write: () => true,
    end: () => undefined,
    onDrain: () => undefined,
    signal,
    hasStarted: false,
    destroy: () => undefined,
  };
}
