/** What we have of some providers by day and model: to be compared with what they say. */
import { sql, type Kysely } from 'kysely';
import type { OwnDay } from '../../money/reconcile.ts';
import { HOUR_MS } from './usage.ts';
import type { Tables } from './schema.ts';

const DAY_MS = 24 * HOUR_MS;

interface Day {
  readonly day: bigint;
  readonly model: string;
}

interface Sums extends Day {
  readonly receipts: bigint;
  readonly unpriced: bigint;
  readonly input: bigint;
  readonly output: bigint;
  readonly cost: bigint;
}

interface Doubts extends Day {
  readonly estimated: bigint;
  readonly interrupted: bigint;
}

/** Sums from the hours, which stay when receipts go; what is doubtful in them from the receipts. */
export async function ownDays(
  db: Kysely<Tables>,
  providers: readonly string[],
  { sinceMs, untilMs }: { readonly sinceMs: number; readonly untilMs: number },
): Promise<readonly OwnDay[]> {
  const [from, until] = [BigInt(Math.floor(sinceMs / DAY_MS)), BigInt(Math.ceil(untilMs / DAY_MS))];
  const ofThem = sql`provider in (${sql.join(providers)})`;
  const { rows: sums } = await sql<Sums>`
    select hour / 24 as day, model, cast(sum(receipts) as bigint) as receipts, cast(sum(unpriced) as bigint) as unpriced,
      cast(sum(input_tokens) as bigint) as input, cast(sum(output_tokens) as bigint) as output,
      cast(sum(cost_nano_usd) as bigint) as cost
    from usage_hours where hour >= ${from * 24n} and hour < ${until * 24n} and ${ofThem}
    group by hour / 24, model`.execute(db);
  const ms = BigInt(DAY_MS);
  const { rows: doubts } = await sql<Doubts>`
    select at / ${sql.lit(DAY_MS)} as day, model, cast(sum(is_estimated) as bigint) as estimated,
      cast(sum(case when outcome = 'interrupted' then 1 else 0 end) as bigint) as interrupted
    from receipts where at >= ${from * ms} and at < ${until * ms} and ${ofThem}
    group by at / ${sql.lit(DAY_MS)}, model`.execute(db);
  const doubtful = new Map(doubts.map((row) => [`${row.day} ${row.model}`, row]));
  return sums.map(({ day, model, receipts, unpriced, input, output, cost }) => {
    const { estimated = 0n, interrupted = 0n } = doubtful.get(`${day} ${model}`) ?? {};
    return {
      day: new Date(Number(day * ms)).toISOString().slice(0, 10),
      model,
      receipts: Number(receipts),
      unpriced: Number(unpriced),
      estimated: Number(estimated),
      interrupted: Number(interrupted),
      inputTokens: Number(input),
      outputTokens: Number(output),
      costNanoUsd: cost,
    };
  });
}
