/** A row of the log as `turnout replay` compares it: how it went, and what the same would have cost elsewhere. Pure. */
import { asArray, asCount, asNumber, asRecord, asString, compact, type JsonRecord } from '../lib/json.ts';
import { costOf } from '../money/cost.ts';
import type { Compared, Past } from '../routing/evaluate/comparison.ts';
import type { Target } from '../routing/target.ts';
import type { LogRow } from '../store/ports.ts';
import { withUsual } from './record.ts';
import type { Rerun } from './rerun.ts';

/** Ends that say something of the target. Who left, or could not pay, says nothing. */
const FAILED: ReadonlySet<string> = new Set(['upstream_error', 'upstream_timeout', 'overloaded', 'rate_limited']);
/** Fewer answers say nothing of a target's usual length. */
const LENGTH_COUNT_MIN = 20;

/** How a request went. `undefined`: it had no plan. */
export function pastOf({ body, feedback }: LogRow): Past | undefined {
  const target = asString(asArray(body['plan'])?.[0]);
  const id = asString(body['id']);
  if (target === undefined || id === undefined) return undefined;
  const content = asRecord(asRecord(body['facts'])?.['content']);
  const stratum = `${asString(body['route']) ?? ''} ${asString(content?.['task']) ?? ''}`;
  const answered = answeredIn(body);
  const outcomes = compact({ success: successOf(body), quality: feedback?.score, ttft: ttftOf(body, answered) });
  return { id, target, stratum, outcomes };
}

function successOf(body: JsonRecord): number | undefined {
  const outcome = asString(body['outcome']) ?? '';
  if (outcome === 'ok') return 1;
  return FAILED.has(outcome) && (asArray(body['attempts'])?.length ?? 0) > 0 ? 0 : undefined;
}

function answeredIn(body: JsonRecord): JsonRecord | undefined {
  const attempts = (asArray(body['attempts']) ?? []).map(asRecord);
  return attempts.findLast((attempt) => attempt?.['outcome'] === 'answered');
}

/** From the request's arrival, with what was lost at others before. */
function ttftOf(body: JsonRecord, answered: JsonRecord | undefined): number | undefined {
  const own = asNumber(answered?.['ttft_ms']);
  const waited = Date.parse(asString(answered?.['started_at']) ?? '') - Date.parse(asString(body['at']) ?? '');
  return own === undefined || Number.isNaN(waited) ? undefined : Math.max(0, waited) + own;
}

/** Output tokens of answers by route and target: what is asked elsewhere is answered at other length. */
export interface LengthBook {
  learn(body: JsonRecord): void;
  /** How many times as long a target answers as another, on that route; 1 where that is not known. */
  ratio(route: string, from: string, to: string): number;
}

export function lengthBook(): LengthBook {
  const means = new Map<string, { sum: number; count: number }>();
  const nameOf = (route: string, target: string): string => `${route}\n${target}`;
  const meanOf = (route: string, target: string): number | undefined => {
    const mean = means.get(nameOf(route, target));
    return mean === undefined || mean.count < LENGTH_COUNT_MIN ? undefined : mean.sum / mean.count;
  };
  return {
    learn(body) {
      const answered = answeredIn(body);
      const tokens = asCount(asRecord(answered?.['usage'])?.['output_tokens']);
      if (tokens === undefined) return;
      const name = nameOf(asString(body['route']) ?? '', asString(answered?.['target']) ?? '');
      const mean = means.get(name) ?? { sum: 0, count: 0 };
      means.set(name, { sum: mean.sum + tokens, count: mean.count + 1 });
    },
    ratio(route, from, to) {
      const [one, other] = [meanOf(route, from), meanOf(route, to)];
      return one === undefined || other === undefined || one === 0 ? 1 : other / one;
    },
  };
}

/** The row beside what the other policy would have done with it. */
export function comparedOf(
  past: Past,
  body: JsonRecord,
  { rerun, lengths }: { readonly rerun: Rerun; readonly lengths: LengthBook },
): Compared {
  const propensity = asNumber(withUsual(body)['propensity']) ?? 1;
  const other = rerun.made?.plan.targets[0];
  if (other === undefined) return { ...past, propensity, refused: shape(rerun.refused ?? '') };
  const answered = answeredIn(body);
  const cost = asCount(answered?.['cost_nano_usd']);
  const isSame = answered?.['target'] === other.id;
  const otherCost = isSame ? bigintOf(cost) : costAt(other, { body, answered, lengths });
  return compact({
    ...past,
    propensity,
    other: other.id,
    doubt: rerun.doubt === undefined ? undefined : shape(rerun.doubt),
    costNanoUsd: bigintOf(cost),
    otherCostNanoUsd: otherCost,
  });
}

interface Asked {
  readonly body: JsonRecord;
  readonly answered: JsonRecord | undefined;
  readonly lengths: LengthBook;
}

/** The same input, nothing of it cached, and an answer as long as that target's usually are against this one's. */
function costAt(target: Target, { body, answered, lengths }: Asked): bigint | undefined {
  const usage = asRecord(answered?.['usage']);
  const [inputTokens, output] = [asCount(usage?.['input_tokens']), asCount(usage?.['output_tokens'])];
  if (target.price === undefined || inputTokens === undefined || output === undefined) return undefined;
  const ratio = lengths.ratio(asString(body['route']) ?? '', asString(answered?.['target']) ?? '', target.id);
  return costOf(target.price, { inputTokens, outputTokens: Math.round(output * ratio) })?.totalNanoUsd;
}

function bigintOf(count: number | undefined): bigint | undefined {
  return count === undefined ? undefined : BigInt(count);
}

/** A reason without its numbers, save those in names: what was left out for want of 17 tokens and of 18 is counted together. */
function shape(reason: string): string {
  return reason.replaceAll(/(?<![\w./-])\d+(?:\.\d+)?(?![\w/-])/g, 'N');
}
