import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEFAULT_ORG_ID, isOfGateway, MAY, may, mayGive, ROLES, type Permission } from './permissions.ts';

const PERMISSIONS = Object.keys(MAY).filter((name): name is Permission => name in MAY);
const at = { kind: 'user', orgId: DEFAULT_ORG_ID } as const;

describe('permissions', () => {
  it('are all the owner’s', () => {
    for (const permission of PERMISSIONS) assert.ok(may({ ...at, role: 'owner' }, permission), permission);
  });

  it('let a viewer write nothing', () => {
    for (const permission of PERMISSIONS.filter((name) => /\.(?:write|own)$|^gateway/.test(name)))
      assert.equal(may({ ...at, role: 'viewer' }, permission), false, permission);
  });

  it('are all the root key’s, whatever role it is given', () => {
    for (const role of ROLES) assert.ok(may({ kind: 'root', role }, 'gateway.secrets'));
  });

  it('give nobody of another organisation the gateway', () => {
    for (const permission of PERMISSIONS) {
      assert.equal(may({ kind: 'user', orgId: 'org_other', role: 'owner' }, permission), !isOfGateway(permission));
      if (isOfGateway(permission)) assert.equal(may({ kind: 'key', role: 'owner' }, permission), false, permission);
    }
  });

  it('let nobody give a role above his own', () => {
    assert.ok(mayGive({ kind: 'user', role: 'admin' }, 'admin'));
    assert.ok(!mayGive({ kind: 'user', role: 'admin' }, 'owner'));
    assert.ok(mayGive({ kind: 'root', role: 'viewer' }, 'owner'));
  });
});
