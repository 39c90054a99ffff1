/** A comparison of policies, for people and for programs. */
import type { JsonRecord } from '../lib/json.ts';
import { formatUsd } from '../money/usd.ts';
import type { Comparison, Counted, Estimated, OutcomeName } from '../routing/evaluate/comparison.ts';
import type { Estimate } from '../routing/evaluate/estimate.ts';
import { inert, table } from './output.ts';

export interface Told {
  /** Of the log. */
  readonly rows: number;
  /** Refused then and now, or before anything was understood. */
  readonly skipped: number;
  /** Refused then, and served by the other policy. */
  readonly gained: number;
  /** Facts that its rules read and the log does not have, with the requests that lack them. */
  readonly missing: ReadonlyMap<string, number>;
  readonly comparison: Comparison;
}

/** Moves that are shown to people. */
const MOVES_SHOWN = 20;
const REASONS_SHOWN = 5;

export function comparisonJson({ rows, skipped, gained, missing, comparison }: Told): JsonRecord {
  const { requests, moved, moves, refused, doubts, cost, estimates } = comparison;
  return {
    rows,
    skipped,
    gained,
    requests,
    moved,
    moves: moves.map((move) => ({ ...move })),
    refused: refused.map((one) => ({ ...one })),
    doubts: doubts.map((one) => ({ ...one })),
    cost: {
      requests: cost.requests,
      logged_usd: formatUsd(cost.nanoUsd),
      predicted_usd: formatUsd(cost.otherNanoUsd),
      unknown: cost.unknown,
    },
    estimates: {
      success: estimatedJson(estimates.success),
      quality: estimatedJson(estimates.quality),
      ttft_ms: estimatedJson(estimates.ttft),
      duration_ms: estimatedJson(estimates.duration),
    },
    missing_facts: Object.fromEntries(missing),
  };
}

function estimatedJson({ seen, rows, selfNormalised, doublyRobust }: Estimated): JsonRecord {
  return {
    logged: seen,
    rows,
    self_normalised: estimateJson(selfNormalised),
    doubly_robust: estimateJson(doublyRobust),
  };
}

function estimateJson(estimate: Estimate): JsonRecord {
  const { effective, coverage, clipped } = estimate;
  const support = { effective, coverage, clipped };
  if (estimate.kind === 'refused') return { refused: estimate.reason, ...support };
  return { value: estimate.value, low: estimate.low, high: estimate.high, ...support };
}

export function comparisonText(of: Told): string {
  const { rows, skipped, gained, missing, comparison } = of;
  const { requests, moved, moves, cost } = comparison;
  if (requests === 0) return `Of ${rows} logged requests none had a plan: there is nothing to compare.\n`;
  const shown = moves.slice(0, MOVES_SHOWN).map(({ from, to, requests: count }) => [from, to, String(count)]);
  return [
    `${requests} requests compared (${skipped} of the log were refused before a plan, ${gained} of those refused then would be served).\n`,
    `${moved} would go elsewhere first (${percent(moved, requests)}).\n`,
    shown.length === 0 ? '' : `\n${table([['FROM', 'TO', 'REQUESTS'], ...shown])}`,
    moves.length > MOVES_SHOWN ? `and ${moves.length - MOVES_SHOWN} more ways\n` : '',
    reasonsText('would be refused', comparison.refused),
    reasonsText('would be asked against the catalog’s word', comparison.doubts),
    `\nCost of ${cost.requests} answers at the usage that was: ${formatUsd(cost.nanoUsd)} USD then, ${formatUsd(cost.otherNanoUsd)} USD predicted (${change(cost)})${cost.unknown === 0 ? '' : `; ${cost.unknown} have no known price`}\n`,
    '\nOutcomes, estimated for the first choice with a 95% interval:\n',
    ...OUTCOMES.map(([name, label, shownAs]) => outcomeText(label, comparison.estimates[name], shownAs)),
    ...[...missing].map(
      ([fact, count]) =>
        `\nRules on facts.${inert(fact)} were passed over for ${count} requests: the log does not have it.\n`,
    ),
  ].join('');
}

const OUTCOMES: readonly (readonly [name: OutcomeName, label: string, shownAs: (value: number) => string])[] = [
  ['success', 'answered', (share) => `${(share * 100).toFixed(2)}%`],
  ['quality', 'quality by feedback', (score) => score.toFixed(3)],
  ['ttft', 'first content', (ms) => `${Math.round(ms)} ms`],
  ['duration', 'whole answer', (ms) => `${Math.round(ms)} ms`],
];

function outcomeText(
  label: string,
  { seen, rows, selfNormalised, doublyRobust }: Estimated,
  shownAs: (value: number) => string,
): string {
  if (seen === undefined) return `  ${label}: never seen\n`;
  const then = `${shownAs(seen)} then (${rows} requests)`;
  return `  ${label}: ${then}; ${estimateText(selfNormalised, shownAs)} by weights, ${estimateText(doublyRobust, shownAs)} doubly robust\n`;
}

function estimateText(estimate: Estimate, shownAs: (value: number) => string): string {
  if (estimate.kind === 'refused') return `not estimated (${estimate.reason})`;
  const { value, low, high, effective, coverage, clipped } = estimate;
  const support = `${Math.round(effective)} effective, coverage ${percent(coverage, 1)}${clipped === 0 ? '' : `, ${clipped} clipped`}`;
  return `${shownAs(value)} [${shownAs(low)}, ${shownAs(high)}] (${support})`;
}

function reasonsText(what: string, counted: readonly Counted[]): string {
  if (counted.length === 0) return '';
  const total = counted.reduce((sum, { requests }) => sum + requests, 0);
  const lines = counted.slice(0, REASONS_SHOWN).map(({ reason, requests }) => `  ${requests}  ${inert(reason)}\n`);
  return `\n${total} ${what}:\n${lines.join('')}`;
}

function percent(part: number, whole: number): string {
  return `${((part / whole) * 100).toFixed(1)}%`;
}

function change({ nanoUsd, otherNanoUsd }: Comparison['cost']): string {
  if (nanoUsd === 0n) return 'nothing was paid then';
  const share = (Number(otherNanoUsd - nanoUsd) / Number(nanoUsd)) * 100;
  return `${share > 0 ? '+' : ''}${share.toFixed(1)}%`;
}
