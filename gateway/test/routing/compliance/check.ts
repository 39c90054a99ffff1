/** Random policies and requests through the real way, from the file to the last fallback, before the judge. */
import { makeCatalog } from '../../../src/catalog/catalog.ts';
import { fault } from '../../../src/chat/fault.ts';
import { parseConfig } from '../../../src/config/load.ts';
import { REPLACEABLE } from '../../../src/dialects/dialect.ts';
import { gateDialects } from '../../../src/dialects/index.ts';
import type { Json } from '../../../src/lib/json.ts';
import { readRequire } from '../../../src/pipeline/require-wish.ts';
import { compile } from '../../../src/routing/compile.ts';
import { next, type Failure } from '../../../src/routing/next.ts';
import { UNSEEN, type Sighting } from '../../../src/routing/observation.ts';
import { plan, type Plan, type PlanInput } from '../../../src/routing/plan.ts';
import { itemsOf, type Policy, type Require } from '../../../src/routing/policy.ts';
import { rulingOf, shutThrough } from '../../../src/routing/rules.ts';
import type { Target } from '../../../src/routing/target.ts';
import type { ContentFacts } from '../../../src/understand/content.ts';
import type { Facts } from '../../../src/understand/facts.ts';
import { ruleFacts } from '../../../src/understand/view.ts';
import { diceFor, pickOne, type Dice } from '../chance.ts';
import { askingBy, worldBy, type Asking, type RequireText, type World } from './case.ts';
import { allowed, ways } from './judge.ts';
import { configText } from './text.ts';

export interface Tally {
  readonly policies: number;
  readonly requests: number;
  /** Targets in plans, each of which a fallback or hedge may use. */
  readonly planned: number;
  readonly attempts: number;
  /** Requests for which the judge leaves no target: they must be refused. */
  readonly forbidden: number;
  /** Requests with a target less than the route has, because of a demand. */
  readonly narrowed: number;
  /** Where a target was planned or asked that the judge forbids. */
  readonly violations: readonly string[];
  /** Where the judge allows a target and the plan has none, or not that one. */
  readonly needless: readonly string[];
}

const REQUESTS_A_POLICY = 80;
const CATALOG = makeCatalog({ name: 'none' }, []);
const CODES = [...REPLACEABLE];
const TODAY = '2026-11-27';

export function checkCompliance(requests: number, seed: number): Tally {
  const tally = { policies: 0, requests: 0, planned: 0, attempts: 0, forbidden: 0, narrowed: 0 };
  const violations: string[] = [];
  const needless: string[] = [];
  while (tally.requests < requests) {
    const throwDice = diceFor(seed, tally.policies);
    const world = worldBy(throwDice);
    const policy = policyOf(world);
    tally.policies += 1;
    for (let count = 0; count < REQUESTS_A_POLICY; count += 1) {
      const asking = askingBy(throwDice, world);
      const may = allowed(world, 'main', asking);
      const input = inputOf(policy, asking, throwDice);
      const planned = plan(input);
      const used = [...planned.targets.map(({ id }) => id), ...walked(planned, throwDice)];
      const about = (id: string): string => `policy ${tally.policies - 1}, request ${count}: ${id}`;
      violations.push(...used.filter((id) => !may.has(nameOf(id))).map(about));
      const ids = new Set(planned.targets.map(({ id }) => nameOf(id)));
      // A target that is reached in two ways is bound by one of them.
      const missing = [...may].filter((id) => !ids.has(id) && ways(world, id) === 1);
      if (policy.fallback?.priceFactorMax === undefined) needless.push(...missing.map(about));
      tally.requests += 1;
      tally.planned += planned.targets.length;
      tally.attempts += used.length - planned.targets.length;
      if (may.size === 0) tally.forbidden += 1;
      if (planned.rejected.length > 0) tally.narrowed += 1;
    }
  }
  return { ...tally, violations, needless };
}

/** A target without the number of its key. */
function nameOf(id: string): string {
  return id.replace(/#\d+$/, '');
}

function policyOf(world: World): Policy {
  const parsed = parseConfig(configText(world), { file: 'turnout.yaml', env: {} });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  const { snapshot } = compile({ config: parsed.value.config, catalog: CATALOG, env: {}, dialects: gateDialects });
  const found = snapshot.resolve('main');
  if (found.kind === 'unknown') throw new Error('the route is not known');
  return found.policy;
}

function inputOf(policy: Policy, asking: Asking, throwDice: Dice): PlanInput {
  const { only, ignore, order } = asking;
  const facts = factsOf(asking);
  const preferences = {
    ...(only === undefined ? {} : { only }),
    ...(ignore === undefined ? {} : { ignore }),
    ...(order === undefined ? {} : { order }),
  };
  const view = (): ReturnType<typeof ruleFacts> => ruleFacts(facts, asking);
  const ruling = policy.rules === undefined ? undefined : rulingOf(policy.rules, view());
  const sightings = new Map(itemsOf(policy).map(({ target }) => [target.id, sightingBy(throwDice)]));
  const seen = ({ id }: Target): Sighting => sightings.get(id) ?? UNSEEN;
  return {
    policy,
    facts,
    barred: new Map(),
    shut: shutThrough(policy, ruling, { view, facts, seen, today: TODAY }),
    preferences,
    require: requireOf(asking.require),
    ruling,
    sightings,
    attemptsMax: 3,
    today: TODAY,
    seed: Math.floor(throwDice() * 2 ** 32),
    turn: Math.floor(throwDice() * 1000),
  };
}

/** As it stands in the body of a request. */
function requireOf(text: RequireText | undefined): Require | undefined {
  const body = text === undefined ? undefined : (JSON.parse(JSON.stringify(text)) as Json);
  const read = readRequire(body);
  if (!read.ok) throw new Error(read.error.message);
  return read.value;
}

function factsOf({ callerRegion, task, difficulty, language, sensitive }: Asking): Facts {
  return {
    model: 'main',
    isStreaming: true,
    needs: [],
    inputTokensEstimate: 500,
    inputTokensMax: 2000,
    inputTokensUsualMax: 2000,
    choices: 1,
    content: {
      task: task as ContentFacts['task'],
      difficulty,
      ...(language === '' ? {} : { language }),
      topics: [],
      sensitive: sensitive as ContentFacts['sensitive'],
      origins: {},
    },
    ...(callerRegion === undefined ? {} : { callerRegion }),
  };
}

function sightingBy(throwDice: Dice): Sighting {
  const known = throwDice() < 0.5;
  return {
    ...UNSEEN,
    restMs: throwDice() < 0.15 ? Math.floor(throwDice() * 6000) : 0,
    isDoubted: throwDice() < 0.2,
    inFlight: Math.floor(throwDice() * 5),
    ...(known ? { ttftMs: { p50: 400, p95: 900, count: 50 }, cachedTokens: Math.floor(throwDice() * 5000) } : {}),
    ...(throwDice() < 0.3 ? { inFlightMax: 3, headroom: throwDice() } : {}),
  };
}

/** All that is asked while everything fails, with health that changes on the way. */
function walked(planned: Plan, throwDice: Dice): readonly string[] {
  const failures: Failure[] = [];
  let leftMs = 30_000;
  for (;;) {
    const health = { observe: () => sightingBy(throwDice) };
    const step = next(planned, failures, { leftMs, health, random: throwDice });
    if (step.do === 'stop') return failures.map(({ targetId }) => targetId);
    leftMs -= step.afterMs + 100;
    failures.push({ targetId: step.target.id, fault: fault(pickOne(throwDice, CODES)) });
  }
}
