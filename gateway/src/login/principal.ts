/** Who asks, as the table of permissions knows it: of a key, or of a session. */
import { fault, type Fault } from '../chat/fault.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { DEFAULT_ORG_ID, lowerOf, type Principal } from '../people/permissions.ts';
import type { People, UserRow } from '../store/people-ports.ts';
import { hasScope } from '../store/key-settings.ts';
import type { KeyRow } from '../store/ports.ts';

/**
 * Of a key: the root key everything; a key with the scope `admin` what its user may and might when it was given to him, and where it belongs to nobody, what an admin of its
 * organisation may. All other keys: nothing here.
 */
export function principalOfKey(key: KeyRow, people: Pick<People, 'user'>): Result<Principal, Fault> {
  if (key.isRoot) return ok({ kind: 'root', id: key.id, role: 'owner' });
  if (!hasScope(key, 'admin')) return err(fault('admin-only'));
  const { id, orgId = DEFAULT_ORG_ID, userId } = key;
  if (userId === undefined) return ok({ kind: 'key', id, orgId, role: 'admin' });
  const user = people.user(userId);
  if (user === undefined) return err(fault('key-owner-disabled', { owner: 'user' }));
  return ok({ kind: 'key', id, orgId: user.orgId, userId, role: lowerOf(user.role, key.roleMax ?? user.role) });
}

export function principalOfUser({ id, orgId, role }: UserRow): Principal {
  return { kind: 'user', id, orgId, userId: id, role };
}
