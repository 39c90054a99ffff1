/** Whose things a principal may see and change: those of its organisation, or its own. What it may not see is not there (404). */
import { fault, type Fault } from '../chat/fault.ts';
import { compact } from '../lib/json.ts';
import { DEFAULT_ORG_ID, isOfAll, may, type Permission, type Principal } from '../people/permissions.ts';
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
  if (isOfAll(principal)) return true;
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

/** Of what all keys have done, what is asked for. */
interface Wished {
  readonly key?: string | undefined;
  readonly org?: string | undefined;
}

/** Of what all keys have done, what is told: of one organisation, or of all where `orgId` is absent. */
export interface Told {
  readonly keyId?: string;
  readonly orgId?: string;
}

/** Whoever `seesAll` sees what he asks for; others what is of their own organisation. Another's key is not there. */
export function toldOf(
  { key: keyId, org }: Wished,
  {
    principal,
    permission,
    store,
  }: { readonly principal: Principal; readonly permission: Permission; readonly store: Store },
): Told | Fault {
  if (seesAll(principal, store)) return compact({ keyId, orgId: org });
  const orgId = orgFor(org, principal);
  if (typeof orgId !== 'string') return orgId;
  if (keyId === undefined) return { orgId };
  const row = store.keys.get(keyId);
  return row !== undefined && isMine(row, principal, permission)
    ? { keyId, orgId }
    : fault('record-unknown', { id: keyId.slice(0, 80) });
}

/** Of which organisation something is made, or listed: who acts for all says so, everyone else's is the own one. */
export function orgFor(wished: string | undefined, principal: Principal): string | Fault {
  const own = principal.orgId ?? DEFAULT_ORG_ID;
  if (isOfAll(principal) || wished === undefined || wished === own) return wished ?? own;
  return fault('field-invalid', { reason: 'there is no such organisation' }, { param: 'org' });
}
