/** Links that people come by, ended before they were used. */
import type { Transaction } from 'kysely';
import { noteDeed } from './audit.ts';
import type { Tables } from './schema.ts';

/** Whose links; nobody's where nobody is named. */
export interface LinkChoice {
  /** That one of these made: a user, a key. */
  readonly madeBy?: readonly string[];
  /** By which this user would set a new password. */
  readonly passwordOf?: string;
}

/** Ends open ones, and notes each: who has gone, or may less, has left no way back in. */
export async function endLinks(
  trx: Transaction<Tables>,
  { madeBy = [], passwordOf }: LinkChoice,
  { atMs, by }: { readonly atMs: number; readonly by: string },
): Promise<void> {
  if (madeBy.length === 0 && passwordOf === undefined) return;
  const ended = await trx
    .deleteFrom('invites')
    .where('used_at', 'is', null)
    .where((eb) =>
      eb.or([
        ...(madeBy.length === 0 ? [] : [eb('by', 'in', [...madeBy])]),
        ...(passwordOf === undefined ? [] : [eb('kind', '=', 'password').and('user_id', '=', passwordOf)]),
      ]),
    )
    .returning(['id', 'org_id'])
    .execute();
  for (const { id: subject, org_id: orgId } of ended)
    await noteDeed(trx, { atMs: Math.floor(atMs), by, action: 'invite.deleted', subject, orgId, changes: {} });
}
