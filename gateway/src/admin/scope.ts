/** Whose things a principal may see and change: those of its organisation, or its own. What it may not see is not there (404). */
import { DEFAULT_ORG_ID, may, type Permission, type Principal } from '../people/permissions.ts';

/** Who has a thing. */
interface Owned {
  readonly id: string;
  /** Absent: the organisation that everyone is in where there is no other. */
  readonly orgId?: string;
  readonly userId?: string;
}

/** `all`: the permission for things of everyone in the organisation; without it they must be one's own. */
export function isSeen({ orgId = DEFAULT_ORG_ID, userId }: Owned, principal: Principal, all: Permission): boolean {
  if (principal.kind === 'root') return true;
  if (orgId !== principal.orgId) return false;
  return may(principal, all) || (userId !== undefined && userId === principal.userId);
}
