/** What callers see of trouble, and what providers see of our tries. */
import {
  asFactor,
  asMs,
  asCount,
  asPercent,
  FAILED,
  failedShare,
  percentile,
  section,
  share,
  ttftColumn,
  upstreamFactor,
  type Column,
  type Section,
} from '../measures.ts';
import { priced } from '../prices.ts';
import type { TargetModel } from '../provider-model.ts';
import { ordered, roundRobin } from '../rivals.ts';
import { simulate, type Run, type RouterOf } from '../run.ts';
import { minutes, MINUTE_MS, type Scale } from '../scale.ts';
import { traffic } from '../traffic.ts';
import type { WeatherOptions } from '../../../src/simulator/weather.ts';

function target(id: string, weather: WeatherOptions): TargetModel {
  return {
    id,
    ttftMs: 400,
    ttftSigma: 0.3,
    prefillMs: 30,
    tokensPerS: 80,
    wordiness: 1,
    quality: {},
    distanceMs: 20,
    price: priced({ input: 1, output: 4 }),
    weather,
  };
}

interface Scenario {
  readonly title: string;
  readonly about: string;
  readonly models: readonly TargetModel[];
  /** The trouble, where it begins and ends. */
  readonly troubleMs?: readonly [number, number];
}

/** A tenth of the requests. */
const TIGHT = { requestsPerMinute: 60, tokensPerMinute: 1_000_000 };

/** A background of failures that all providers have. */
const CALM: WeatherOptions = { errorRate: 0.002 };

function scenarios(forMs: number): readonly Scenario[] {
  const trouble = [forMs / 3, (forMs * 2) / 3] as const;
  const outages = [{ fromMs: trouble[0], toMs: trouble[1] }];
  const calm = target('second/model', CALM);
  const length = asCount((trouble[1] - trouble[0]) / MINUTE_MS);
  return [
    {
      title: 'Fallback: the first target fails one in two',
      about: 'All the time, at random, with 500, 502, 503 and 529. Two more targets are well.',
      models: [target('first/model', { errorRate: 0.5 }), calm, target('third/model', CALM)],
    },
    {
      title: 'Fallback: the first target is out',
      about: `It answers 503 to everything for ${length} minutes. Two more targets are well.`,
      models: [target('first/model', { ...CALM, outages }), calm, target('third/model', CALM)],
      troubleMs: trouble,
    },
    {
      title: 'Fallback: the first target is silent',
      about: `It takes requests and answers nothing for ${length} minutes; who waits, waits ten seconds. Two more targets are well.`,
      models: [
        target('first/model', { ...CALM, outages: outages.map((one) => ({ ...one, kind: 'silence' as const })) }),
        calm,
        target('third/model', CALM),
      ],
      troubleMs: trouble,
    },
    {
      title: 'Fallback: a storm of refusals',
      about: `Two of three targets allow a tenth of the requests, refuse the others with 429, and fail 1 in 10 of those they take; the third fails 1 in 20.`,
      models: [
        { ...target('first/model', { errorRate: 0.1 }), limits: TIGHT },
        { ...target('second/model', { errorRate: 0.1 }), limits: TIGHT },
        target('third/model', { errorRate: 0.05 }),
      ],
    },
    {
      title: 'Fallback: everything is out',
      about: `All three targets answer 503 to everything for ${length} minutes: nobody can be served then, and the providers should not be pressed. Requests without answer are counted outside of the outage and ten seconds after it.`,
      models: ['first/model', 'second/model', 'third/model'].map((id) => target(id, { ...CALM, outages })),
      troubleMs: trouble,
    },
  ];
}

const TURNOUT = 'Turnout, `ordered`';

interface Changed {
  readonly id: string;
  readonly nowMs: number;
}

/** Most changes of one target's breaker within any minute: flapping. */
function changesAMinute(changes: readonly Changed[]): number {
  return Math.max(
    0,
    ...changes.map(
      ({ id, nowMs }) =>
        changes.filter((one) => one.id === id && one.nowMs >= nowMs && one.nowMs < nowMs + MINUTE_MS).length,
    ),
  );
}

const GRACE_MS = 10_000;

function columns(scenario: Scenario): readonly Column[] {
  const { models, troubleMs } = scenario;
  const [first] = models;
  const isAllOut = models.every(({ weather }) => weather?.outages !== undefined);
  const counted = (run: Run): Run['rows'] =>
    isAllOut && troubleMs !== undefined
      ? run.rows.filter(({ request: { atMs } }) => atMs < troubleMs[0] || atMs > troubleMs[1] + GRACE_MS)
      : run.rows;
  return [
    { ...FAILED, of: (run) => failedShare(counted(run)) },
    { key: 'upstream', title: 'attempts a request', of: upstreamFactor, as: asFactor },
    {
      key: 'upstreamInTrouble',
      title: 'the same in the outage',
      of: ({ rows, ...run }) =>
        troubleMs === undefined
          ? Number.NaN
          : upstreamFactor({
              ...run,
              rows: rows.filter(({ request: { atMs } }) => atMs >= troubleMs[0] + GRACE_MS && atMs < troubleMs[1]),
            }),
      as: (value) => (Number.isNaN(value) ? '' : asFactor(value)),
    },
    {
      key: 'first',
      title: 'answered by the first',
      of: ({ rows }) => share(rows, ({ targetId }) => targetId === first?.id),
      as: asPercent,
    },
    {
      key: 'backS',
      title: 'back after, s',
      of: ({ rows }) =>
        troubleMs === undefined ? Number.NaN : backAfterMs(rows, first?.id ?? '', troubleMs[1]) / 1000,
      as: (value) => (Number.isFinite(value) ? value.toFixed(1) : ''),
    },
    ttftColumn('p95', 0.95),
    {
      key: 'failMs',
      title: 'until an error is told p99, ms',
      of: ({ rows }) =>
        percentile(
          rows.filter(({ targetId }) => targetId === undefined).map(({ endedMs, request }) => endedMs - request.atMs),
          0.99,
        ),
      as: (value) => (Number.isNaN(value) ? '' : asMs(value)),
    },
  ];
}

/** After the end of an outage, until half of the requests of some seconds are answered by the first target again. */
function backAfterMs(rows: Run['rows'], first: string, endMs: number): number {
  const windowMs = 5000;
  const later = rows.filter(({ request }) => request.atMs >= endMs);
  for (const { request } of later) {
    const near = later.filter(({ request: { atMs } }) => atMs >= request.atMs && atMs < request.atMs + windowMs);
    if (share(near, ({ targetId }) => targetId === first) >= 0.5) return request.atMs - endMs;
  }
  return Number.POSITIVE_INFINITY;
}

export function fallbackSections(
  scale: Scale,
  turnout: (models: readonly TargetModel[], changed: (change: Changed) => void) => RouterOf,
): readonly Section[] {
  const forMs = minutes(scale, { fast: 6, full: 30 });
  const requests = traffic({ seed: 41, forMs, perSecond: 10, tasks: ['chat'] });
  return scenarios(forMs).map((scenario) => {
    const { models, title, about } = scenario;
    const ids = models.map(({ id }) => id);
    const changes: Changed[] = [];
    const routers: Readonly<Record<string, RouterOf>> = {
      [TURNOUT]: turnout(models, (change) => void changes.push(change)),
      'next after each failure': ordered(ids),
      'the same target again, twice': ordered([ids[0] ?? '', ids[0] ?? '', ids[0] ?? '']),
      'round-robin, next after each failure': roundRobin(ids),
      'no fallback': ordered(ids, { attemptsMax: 1 }),
    };
    const runs = new Map(
      Object.entries(routers).map(([name, router]) => [name, simulate({ seed: 10, models, requests, router })]),
    );
    const flapping: Column = {
      key: 'changes',
      title: 'breaker’s changes a minute',
      of: (run) => (run === runs.get(TURNOUT) ? changesAMinute(changes) : Number.NaN),
      as: (value) => (Number.isNaN(value) ? '' : asCount(value)),
    };
    return section(
      { title, about: `${about} ${requests.length} requests in ${asCount(forMs / MINUTE_MS)} minutes.` },
      runs,
      [...columns(scenario), flapping],
    );
  });
}
