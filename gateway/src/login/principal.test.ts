import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Role } from '../people/permissions.ts';
import type { UserRow } from '../store/people-ports.ts';
import type { KeyRow } from '../store/ports.ts';
import { principalOfKey, principalOfUser } from './principal.ts';

const KEY: KeyRow = {
  id: 'key_a',
  name: 'a',
  isRoot: false,
  isDisabled: false,
  createdAtMs: 0,
  tags: [],
  orgId: 'org_a',
};

function userOf(role: Role, orgId = 'org_a'): UserRow {
  const row = { id: 'user_a', name: 'A', isDisabled: false, createdAtMs: 0, settings: {}, revision: 1n };
  return { ...row, orgId, role, teamIds: [], hasPassword: false };
}

/** Who a key is, where its user is this one. */
function told(key: Partial<KeyRow>, user?: UserRow): unknown {
  const principal = principalOfKey({ ...KEY, ...key }, { user: (id) => (id === user?.id ? user : undefined) });
  return principal.ok ? principal.value : principal.error.code;
}

describe('who asks by a key', () => {
  it('is everyone’s master by the root key, and nobody by a key that is not for the admin API', () => {
    assert.deepEqual(told({ id: 'root', isRoot: true }), { kind: 'root', id: 'root', role: 'owner' });
    for (const scopes of [undefined, ['inference'], ['read']] as const)
      assert.equal(told(scopes === undefined ? {} : { scopes }), 'admin-only');
  });

  it('is what its user is, in his organisation; without him it is nobody', () => {
    const key = { scopes: ['admin'], userId: 'user_a' } as const;
    for (const role of ['owner', 'viewer'] as const)
      assert.deepEqual(told(key, userOf(role, 'org_b')), {
        kind: 'key',
        id: 'key_a',
        orgId: 'org_b',
        userId: 'user_a',
        role,
      });
    assert.equal(told(key), 'key-owner-disabled');
  });

  it('is an admin of its organisation, and no owner, where it belongs to nobody', () => {
    assert.deepEqual(told({ scopes: ['admin'] }), { kind: 'key', id: 'key_a', orgId: 'org_a', role: 'admin' });
  });

  it('is a user by his session', () => {
    const { id, orgId } = userOf('analyst');
    assert.deepEqual(principalOfUser(userOf('analyst')), { kind: 'user', id, orgId, userId: id, role: 'analyst' });
  });
});
