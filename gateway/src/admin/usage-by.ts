/** `GET /admin/v1/usage?by=team,model`: what was used, told apart as asked. */
import type { Fault } from '../chat/fault.ts';
import { compact, type JsonRecord } from '../lib/json.ts';
import { sinceOf } from '../lib/since.ts';
import type { Store } from '../store/ports.ts';
import { dimensionsOf, wordsOf, type UsageDimension, type UsageSum } from '../store/report-ports.ts';
import { invalid } from './read.ts';

/** Groups of one answer. */
const GROUPS_MAX = 1000;
const GROUPS = 200;
/** Receipts that are read for one answer, where tags or end users are asked for: a tenth of a second. */
const RECEIPTS_MAX = 50_000;
/** Sums of hours, where hours are told apart: the same; fewer where each hour is told in many groups. */
const HOURS_MAX = 120_000;
const SPLIT_HOURS_MAX = 50_000;

export interface UsageByWish {
  readonly by: string;
  readonly since?: string;
  readonly until?: string;
  readonly orgId?: string;
  readonly keyId?: string;
  readonly groups?: string;
}

/** Answers it. `nowMs`: what `24h` counts back from. */
export async function usageBy(
  wish: UsageByWish,
  store: Pick<Store, 'reports'>,
  nowMs: number,
): Promise<{ readonly body: JsonRecord } | Fault> {
  const by = dimensionsOf(wish.by);
  if (!by.ok) return invalid('by', by.error);
  const times = spanOf(wish, nowMs);
  if ('code' in times) return times;
  const groupsMax = Number(wish.groups ?? GROUPS);
  if (!Number.isInteger(groupsMax) || groupsMax < 1 || groupsMax > GROUPS_MAX)
    return invalid('groups', `it must be 1 to ${GROUPS_MAX}`);
  const { orgId, keyId } = wish;
  const asked = compact({ ...times, by: by.value, orgId, keyId, groupsMax, rowsMax: rowsMaxOf(by.value) });
  const report = await store.reports(async (books) => books.usageBy(asked));
  if (!report.ok) return report.error;
  if (report.value === undefined) return invalid('since', TOO_MANY);
  const { groups, total, ...rest } = report.value;
  const told = groups.map((group): JsonRecord => ({ ...wordsOf(by.value, group), ...sumRecord(group) }));
  return { body: { ...rest, groups: told, total: sumRecord(total) } };
}

function rowsMaxOf(by: readonly UsageDimension[]): number {
  if (by.some((name) => name === 'tag' || name === 'end-user')) return RECEIPTS_MAX;
  return by.length === 1 ? HOURS_MAX : SPLIT_HOURS_MAX;
}

const TOO_MANY =
  'by hour, tag or end user it must be a shorter time: too much would have to be read; "turnout usage" has no such limit';

interface Span {
  readonly sinceMs?: number;
  readonly untilMs?: number;
}

/** The times that `since` and `until` name, as they are or as far back from now. */
export function spanOf(
  { since, until }: { readonly since?: string | undefined; readonly until?: string | undefined },
  nowMs: number,
): Span | Fault {
  const [sinceMs, untilMs] = [since, until].map((text) => (text === undefined ? undefined : sinceOf(text, nowMs)));
  if (since !== undefined && sinceMs === undefined) return invalid('since', NO_TIME);
  if (until !== undefined && untilMs === undefined) return invalid('until', NO_TIME);
  return compact({ sinceMs, untilMs });
}

const NO_TIME = 'it must be a time as in 2026-11-01T00:00:00Z or 24h';

function sumRecord(sum: UsageSum): JsonRecord {
  return {
    receipts: sum.receipts,
    unpriced: sum.unpriced,
    input_tokens: sum.input_tokens,
    cached_input_tokens: sum.cached_input_tokens,
    cache_write_tokens: sum.cache_write_tokens,
    output_tokens: sum.output_tokens,
    reasoning_tokens: sum.reasoning_tokens,
    cost_nano_usd: Number(sum.cost_nano_usd),
    charge_nano_usd: Number(sum.charge_nano_usd),
  };
}
