import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEFAULT_ORG_ID, MAY, may, ROLES, type Permission } from './permissions.ts';

const at = { kind: 'user', orgId: DEFAULT_ORG_ID } as const;

describe('permissions', () => {
  it('are all the owner’s', () => {
    for (const permission of Object.keys(MAY).filter((name): name is Permission => name in MAY))
      assert.ok(may({ ...at, role: 'owner' }, permission), permission);
  });

  it('let a viewer write nothing', () => {
    const writes = Object.keys(MAY).filter((name): name is Permission => /\.(?:write|own)$|^gateway/.test(name));
    for (const permission of writes) assert.equal(may({ ...at, role: 'viewer' }, permission), false, permission);
  });

  it('are all the root key’s, whatever role it is given', () => {
    for (const role of ROLES) assert.ok(may({ kind: 'root', role }, 'gateway.secrets'));
  });
});
