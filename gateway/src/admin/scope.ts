/** Whose things a principal may see and change: those of its organisation, or its own. What it may not see is not there (404). */
import { fault, type Fault } from '../chat/fault.ts';
import { DEFAULT_ORG_ID, may, type Permission, type Principal } from '../people/permissions.ts';
import type { KeyRow, Store } from '../store/ports.ts';

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

/** Who may see what all keys have done: those who run the gateway, and everyone of an organisation that is the only one. */
export function seesAll(principal: Principal, { people }: Pick<Store, 'people'>): boolean {
  return may(principal, 'gateway.read') || (principal.orgId === DEFAULT_ORG_ID && people.orgs().length === 1);
}

/** Root keys are nobody's but the root's. */
export function isMine(row: KeyRow, principal: Principal, all: Permission): boolean {
  return (principal.kind === 'root' || !row.isRoot) && isSeen(row, principal, all);
}

/**
 * Of everything that all keys have done, whoever `seesAll` sees all; others what one of their own keys has done (`keyId`).
 * Whose key it is not, it is not there.
 */
export function whyNotAll(
  keyId: string | undefined,
  {
    principal,
    permission,
    store,
  }: { readonly principal: Principal; readonly permission: Permission; readonly store: Store },
): Fault | undefined {
  if (seesAll(principal, store)) return undefined;
  if (keyId === undefined) return fault('field-missing', { reason: 'say which key it is about' }, { param: 'key' });
  const row = store.keys.get(keyId);
  return row !== undefined && isMine(row, principal, permission)
    ? undefined
    : fault('record-unknown', { id: keyId.slice(0, 80) });
}

/** Of which organisation something is made, or listed: root says so, everyone else's is the own one. */
export function orgFor(wished: string | undefined, principal: Principal): string | Fault {
  const own = principal.orgId ?? DEFAULT_ORG_ID;
  if (principal.kind === 'root' || wished === undefined || wished === own) return wished ?? own;
  return fault('field-invalid', { reason: 'there is no such organisation' }, { param: 'org' });
}
