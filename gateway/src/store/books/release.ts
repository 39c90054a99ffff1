/**
 * Leases whose process can no longer give them back: its machine is gone, and its journal with it. Nothing takes them back
 * by itself, because what the process had spent of them stands in that journal alone.
 */
import { sql, type Kysely } from 'kysely';
import { noteDeed } from './audit.ts';
import type { Deaths } from './batches.ts';
import type { Books, KeyDeed, Lessee, Released } from './form.ts';
import { returnLeases } from './leases.ts';
import { formatUsd } from '../../money/usd.ts';
import { journalsIn } from '../journal.ts';
import type { Tables } from './schema.ts';

export function releaseBooks(
  db: Kysely<Tables>,
  { dataDir, deaths }: { readonly dataDir: string; readonly deaths: Deaths },
): Pick<Books, 'lessees' | 'release'> {
  const lessees = async (): Promise<readonly Lessee[]> => {
    const rows = await db
      .selectFrom('accounts')
      .select(['process_id', sql<bigint>`sum(balance)`.as('leased')])
      .where('kind', '=', 'lease')
      .where('balance', '>', 0n)
      .groupBy('process_id')
      .orderBy('process_id')
      .execute();
    const dead = new Set(await deaths(rows.map((row) => row.process_id)));
    const here = new Set(journalsIn(dataDir));
    return rows.map(({ process_id: processId, leased: leasedNanoUsd }) => {
      if (!dead.has(processId)) return { processId, leasedNanoUsd, state: 'alive' };
      return { processId, leasedNanoUsd, state: here.has(processId) ? 'journal-here' : 'gone' };
    });
  };
  return {
    lessees,
    release: async (processId, deed): Promise<Released> => {
      const lessee = (await lessees()).find((one) => one.processId === processId);
      if (lessee === undefined) return { refused: 'no-lease' };
      if (lessee.state !== 'gone') return { refused: lessee.state };
      await db.transaction().execute(async (trx) => {
        await returnLeases(trx, processId, deed.atMs);
        await noteDeed(trx, entryOf(lessee, deed));
      });
      return { releasedNanoUsd: lessee.leasedNanoUsd };
    },
  };
}

function entryOf(
  { processId, leasedNanoUsd }: Lessee,
  { atMs, by = 'system' }: KeyDeed,
): Parameters<typeof noteDeed>[1] {
  const changes = { released_usd: formatUsd(leasedNanoUsd) };
  return { atMs, by, action: 'process.released', subject: processId, orgId: undefined, changes };
}
