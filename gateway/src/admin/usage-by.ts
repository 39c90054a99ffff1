/** `GET /admin/v1/usage?by=team,model`: what was used, told apart as asked. */
import { fault, type Fault } from '../chat/fault.ts';
import { compact, type JsonRecord } from '../lib/json.ts';
import { sinceOf } from '../lib/since.ts';
import type { Store } from '../store/ports.ts';
import { dimensionsOf, wordsOf, type UsageByGroup, type UsageDimension, type UsageSum } from '../store/report-ports.ts';

/** Groups of one answer. */
const GROUPS_MAX = 1000;
const GROUPS = 200;
/** Receipts that are read for one answer, where tags or end users are asked for: a fifth of a second. */
const RECEIPTS_MAX = 250_000;

/** Answers it. `nowMs`: what `24h` counts back from. */
export async function usageBy(
  query: URLSearchParams,
  store: Pick<Store, 'reports'>,
  nowMs: number,
): Promise<{ readonly status: number; readonly body: JsonRecord } | Fault> {
  const by = dimensionsOf(query.get('by') ?? '');
  if (!by.ok) return fault('field-invalid', { reason: by.error }, { param: 'by' });
  const times = spanOf(query, nowMs);
  if ('code' in times) return times;
  const groupsMax = Number(query.get('limit') ?? GROUPS);
  if (!Number.isInteger(groupsMax) || groupsMax < 1 || groupsMax > GROUPS_MAX)
    return fault('field-invalid', { reason: `it must be 1 to ${GROUPS_MAX}` }, { param: 'limit' });
  const orgId = query.get('org') ?? undefined;
  const asked = compact({ ...times, by: by.value, orgId, groupsMax, receiptsMax: RECEIPTS_MAX });
  const report = await store.reports(async (books) => books.usageBy(asked));
  if (!report.ok) return report.error;
  if (report.value === undefined) return fault('field-invalid', { reason: TOO_MANY }, { param: 'since' });
  const { groups, total, ...rest } = report.value;
  const told = groups.map((group) => groupRecord(by.value, group));
  return { status: 200, body: { ...rest, groups: told, total: sumRecord(total) } };
}

const TOO_MANY = `by tag or end user it must be a time since which there are at most ${RECEIPTS_MAX} requests; "turnout usage" has no such limit`;

/** The times that `since` and `until` name, as they are or as far back from now. */
export function spanOf(
  query: URLSearchParams,
  nowMs: number,
): { readonly sinceMs?: number; readonly untilMs?: number } | Fault {
  const sinceMs = timeOf(query, 'since', nowMs);
  const untilMs = timeOf(query, 'until', nowMs);
  if (sinceMs === 'no-time') return notATime('since');
  if (untilMs === 'no-time') return notATime('until');
  return compact({ sinceMs, untilMs });
}

function timeOf(query: URLSearchParams, name: string, nowMs: number): number | undefined | 'no-time' {
  const text = query.get(name);
  return text === null ? undefined : (sinceOf(text, nowMs) ?? 'no-time');
}

function notATime(param: string): Fault {
  return fault('field-invalid', { reason: 'it must be a time as in 2026-11-01T00:00:00Z or 24h' }, { param });
}

function groupRecord(by: readonly UsageDimension[], group: UsageByGroup): JsonRecord {
  return { ...wordsOf(by, group), ...sumRecord(group) };
}

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
