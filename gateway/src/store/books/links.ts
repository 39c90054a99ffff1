/** Links that people come by, ended before they were used. */
import type { Transaction } from 'kysely';
import { ROLES, type Role } from '../../people/permissions.ts';
import { noteDeed } from './audit.ts';
import type { Tables } from './schema.ts';

/** Whose links; nobody's where nobody is named. */
export interface LinkChoice {
  /** That one of these made: a user, a key. */
  readonly madeBy?: readonly string[];
  /** And that make one of these; absent: whichever. */
  readonly roles?: readonly Role[];
  /** By which this user would set a new password. */
  readonly passwordOf?: string;
}

/** Ends open ones, and notes each: who has gone, or may less, has left no way back in. */
export async function endLinks(
  trx: Transaction<Tables>,
  { madeBy = [], roles = ROLES, passwordOf }: LinkChoice,
  { atMs, by }: { readonly atMs: number; readonly by: string },
): Promise<void> {
  const isOfMaker = madeBy.length > 0 && roles.length > 0;
  if (!isOfMaker && passwordOf === undefined) return;
  const ended = await trx
    .deleteFrom('invites')
    .where('used_at', 'is', null)
    .where((eb) =>
      eb.or([
        ...(!isOfMaker ? [] : [eb('by', 'in', [...madeBy]).and('role', 'in', [...roles])]),
        ...(passwordOf === undefined ? [] : [eb('kind', '=', 'password').and('user_id', '=', passwordOf)]),
      ]),
    )
    .returning(['id', 'org_id'])
    .execute();
  for (const { id: subject, org_id: orgId } of ended)
    await noteDeed(trx, { atMs: Math.floor(atMs), by, action: 'invite.deleted', subject, orgId, changes: {} });
}
