/** The cases that routes are held to (`expect`): a request is given, its plan is made, and compared with what was expected. */
import type { Fault } from '../chat/fault.ts';
import type { Config, RouteConfig } from '../config/schema.ts';
import type { PathStep } from '../config/path.ts';
import { gateDialects } from '../dialects/index.ts';
import { asRecord, compact, type JsonRecord } from '../lib/json.ts';
import type { Result } from '../lib/result.ts';
import { parseBody } from '../pipeline/body.ts';
import { chatArrival } from '../pipeline/chat.ts';
import { planCall, type Planning } from '../pipeline/planning.ts';
import { dice } from '../lib/dice.ts';
import { whyOf } from '../routing/explain.ts';
import { itemsOf } from '../routing/policy.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import type { Target } from '../routing/target.ts';
import { dryWorld, OPERATOR } from './dry-world.ts';

type Case = NonNullable<RouteConfig['expect']>[number];

export interface CaseResult {
  readonly route: string;
  readonly name: string;
  readonly ok: boolean;
  /** Where the request goes first: a target, or `refused`. */
  readonly got: string;
  /** The rule that decided. */
  readonly rule?: string;
  /** Why it goes there, in a sentence. */
  readonly why: string;
  /** What is not as expected, and why. Empty where all is. */
  readonly problems: readonly string[];
  readonly path: readonly PathStep[];
}

/** Strategies that draw lots or take turns are asked so often: what is expected must hold each time. */
const RUNS = 16;
/** Reasons that are shown for one problem. */
const REASONS_MAX = 3;

/** Runs all cases of a configuration, in its order. */
export function runCases(config: Config, snapshot: Snapshot): readonly CaseResult[] {
  return Object.entries(config.routes).flatMap(([route, { expect = [] }]) =>
    expect.map((one, index) => runCase(one, { route, index, snapshot })),
  );
}

interface Place {
  readonly route: string;
  readonly index: number;
  readonly snapshot: Snapshot;
}

function runCase(one: Case, { route, index, snapshot }: Place): CaseResult {
  const runs = plansOf(one, route, snapshot).map((planned) => outcomeOf(planned, one.given.down ?? []));
  const expectation: Expectation = { one, snapshot, runs };
  const problems = [...targetProblems(expectation), ...ruleProblems(expectation), ...refusalProblems(expectation)];
  const [first] = runs;
  return compact({
    route,
    name: one.name ?? `case ${index + 1}`,
    ok: problems.length === 0,
    got: first?.targets[0]?.id ?? 'refused',
    rule: first?.rule,
    why: first?.why ?? '',
    problems,
    path: ['routes', route, 'expect', index],
  });
}

function plansOf(one: Case, route: string, snapshot: Snapshot): readonly Result<Planning, Fault>[] {
  const body = parseBody(Buffer.from(JSON.stringify(bodyOf(one.given, route))));
  if (!body.ok) return [body];
  const arrival = chatArrival({
    requestId: 'req_check',
    headers: {},
    query: '',
    body: body.value,
    startedMs: 0,
    dialect: gateDialects['openai-chat'],
    path: compact({ model: route, isStreaming: body.value.record['stream'] === true }),
    isJsonArray: false,
  });
  const world = dryWorld(snapshot, dice(0));
  const call = arrival.accept({ keyId: OPERATOR.id, turns: world.turns });
  if (!call.ok) return [call];
  return Array.from({ length: RUNS }, () => planCall(call.value, { snapshot, key: OPERATOR, world }));
}

/** The body of `/v1/chat/completions` that a case gives. */
function bodyOf({ prompt, system, body, region, tags }: Case['given'], route: string): JsonRecord {
  const messages = [
    ...(system === undefined ? [] : [{ role: 'system', content: system }]),
    { role: 'user', content: prompt ?? '' },
  ];
  const turnout = compact({ ...asRecord(body?.['turnout']), region, tags });
  return { messages, ...body, model: route, turnout };
}

interface Outcome {
  /** In the order in which they would be tried, without those that are down. */
  readonly targets: readonly Target[];
  readonly rule?: string;
  /** Why a target is not among them, by its id. */
  readonly reasons: ReadonlyMap<string, string>;
  readonly why: string;
  /** Why there is no plan. */
  readonly refusal?: string;
}

function outcomeOf(planned: Result<Planning, Fault>, down: readonly string[]): Outcome {
  if (!planned.ok) {
    const { message } = planned.error;
    return { targets: [], reasons: new Map(), why: message, refusal: message };
  }
  const { plan, input } = planned.value;
  const isDown = (target: Target): boolean => down.some((name) => isNamed(target, name));
  const reasons = [
    ...plan.rejected.map(({ target, reason }) => [target, reason] as const),
    ...plan.targets.filter(isDown).map(({ id }) => [id, 'it is down'] as const),
  ];
  return compact({
    targets: plan.targets.filter((target) => !isDown(target)),
    rule: plan.rule,
    reasons: new Map(reasons),
    why: whyOf(plan, input),
  });
}

function isNamed({ id, providerId, model }: Target, name: string): boolean {
  return name === id || name === model || name === `${providerId}/${model}`;
}

interface Expectation {
  readonly one: Case;
  readonly snapshot: Snapshot;
  readonly runs: readonly Outcome[];
}

/** Whether the target is what a name means: a model, an alias, a route. */
function isMeant(target: Target, name: string, snapshot: Snapshot): boolean {
  if (isNamed(target, name)) return true;
  const resolved = snapshot.resolve(name);
  return resolved.kind === 'found' && itemsOf(resolved.policy).some((item) => item.target.id === target.id);
}

function targetProblems({ one: { expect }, snapshot, runs }: Expectation): readonly string[] {
  const problems: string[] = [];
  const { target, provider, not = [] } = expect;
  if (target !== undefined) {
    const isRight = (each: Outcome): boolean =>
      each.targets[0] !== undefined && isMeant(each.targets[0], target, snapshot);
    problems.push(...wrongFirst(`\`${target}\``, runs, isRight));
    if (problems.length > 0) problems.push(...whyNot(target, runs, snapshot));
  }
  if (provider !== undefined)
    problems.push(...wrongFirst(`provider \`${provider}\``, runs, (each) => each.targets[0]?.providerId === provider));
  for (const name of not) {
    const found = runs.flatMap(({ targets }) => targets).find((each) => isMeant(each, name, snapshot));
    if (found !== undefined) problems.push(`\`${found.id}\` stands in the plan, and must not`);
  }
  return problems;
}

/** `expected X, got Y`, with how often where that differs from run to run. */
function wrongFirst(wanted: string, runs: readonly Outcome[], isRight: (run: Outcome) => boolean): readonly string[] {
  const wrong = runs.filter((run) => !isRight(run));
  const [first] = wrong;
  if (first === undefined) return [];
  const got = first.targets[0] === undefined ? 'a refusal' : `\`${first.targets[0].id}\``;
  const often = wrong.length === runs.length ? '' : ` in ${wrong.length} of ${runs.length} plans`;
  return [`expected ${wanted}, got ${got}${often}`];
}

function whyNot(name: string, runs: readonly Outcome[], snapshot: Snapshot): readonly string[] {
  const resolved = snapshot.resolve(name);
  const targets = resolved.kind === 'found' ? itemsOf(resolved.policy).map(({ target }) => target) : [];
  const reasons = targets.flatMap(({ id }) => {
    const reason = runs[0]?.reasons.get(id);
    // The sentence about the plan says it too, unless it has more to say than one reads.
    const isSaid = runs[0]?.why.includes(`${id} left out: ${reason}`) === true;
    return reason === undefined || isSaid ? [] : [`\`${id}\` is left out: ${reason}`];
  });
  return reasons.slice(0, REASONS_MAX);
}

function ruleProblems({ one: { expect }, runs }: Expectation): readonly string[] {
  const [first] = runs;
  if (expect.rule === undefined || first === undefined || first.rule === expect.rule) return [];
  // A refusal carries the name of its rule in its text alone.
  if (first.refusal?.includes(`(${expect.rule})`) === true) return [];
  const got = first.rule === undefined ? 'none holds' : `\`${first.rule}\` holds`;
  return [`expected the rule \`${expect.rule}\`, ${got}`];
}

function refusalProblems({ one: { expect }, runs }: Expectation): readonly string[] {
  if (expect.refused === undefined) return [];
  const wrong = runs.find(({ targets }) => (targets.length === 0) !== expect.refused);
  if (wrong === undefined) return [];
  return expect.refused
    ? [`expected a refusal, got \`${wrong.targets[0]?.id ?? ''}\``]
    : ['expected a plan, got a refusal'];
}
