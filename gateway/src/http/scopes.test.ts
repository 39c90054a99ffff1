import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KeyRow } from '../store/ports.ts';
import { routeOf } from './routes.ts';
import { scopeFault } from './scopes.ts';

const KEY: KeyRow = { id: 'k', name: 'k', isRoot: false, isDisabled: false, createdAtMs: 0, tags: [] };

function codeFor(key: KeyRow, method: string, path: string): string | undefined {
  const routed = routeOf(method, path);
  assert.ok(routed.ok, `${method} ${path}`);
  return scopeFault(key, routed.value)?.code;
}

describe('scopes', () => {
  const spending = [
    '/v1/chat/completions',
    '/v1/messages',
    '/v1/embeddings',
    '/v1/batches',
    '/v1/files',
    '/v1/explain',
  ];

  it('keep keys that only look, or only administer, from asking models', () => {
    for (const path of spending) {
      assert.equal(codeFor(KEY, 'POST', path), undefined);
      assert.equal(codeFor({ ...KEY, scopes: ['inference'] }, 'POST', path), undefined);
      for (const scopes of [['read'], ['admin'], ['admin', 'read'], []] as const)
        assert.equal(codeFor({ ...KEY, scopes }, 'POST', path), 'scope-missing');
    }
  });

  it('let any of them look, and none of them where there is none', () => {
    for (const path of ['/v1/models', '/v1/decisions/req_1']) {
      for (const scope of ['read', 'admin', 'inference'] as const)
        assert.equal(codeFor({ ...KEY, scopes: [scope] }, 'GET', path), undefined);
      assert.equal(codeFor({ ...KEY, scopes: [] }, 'GET', path), 'scope-missing');
    }
  });

  it('name what is missing, and what the key has', () => {
    const routed = routeOf('POST', '/v1/embeddings');
    const of = routed.ok ? scopeFault({ ...KEY, scopes: ['read'] }, routed.value) : undefined;
    assert.match(of?.message ?? '', /scope inference; this one has read/);
  });

  it('bind no root key', () => {
    assert.equal(codeFor({ ...KEY, isRoot: true, scopes: [] }, 'POST', '/v1/messages'), undefined);
  });
});
