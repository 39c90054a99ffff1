/** What a key must be for, by what is asked. Pure. */
import { fault, type Fault } from '../chat/fault.ts';
import { hasScope, type Scope } from '../store/key-settings.ts';
import type { KeyRow } from '../store/ports.ts';
import type { Operation } from './routes.ts';

/** One of these is enough. Empty: who may, its own room says. */
export function scopesFor({ kind }: Operation): readonly Scope[] {
  switch (kind) {
    case 'models':
    case 'model':
    case 'decision':
      return ['inference', 'read', 'admin'];
    // By the permission of each route.
    case 'admin':
    // These take no key.
    case 'healthz':
    case 'readyz':
    case 'metrics':
    case 'home':
      return [];
    default:
      return ['inference'];
  }
}

/** Why the key may not do this at all; undefined where it may. */
export function scopeFault(key: KeyRow, operation: Operation): Fault | undefined {
  const needed = scopesFor(operation);
  if (needed.length === 0 || hasScope(key, ...needed)) return undefined;
  const has = (key.scopes ?? []).join(', ');
  return fault('scope-missing', { scope: needed.join(' or '), has: has === '' ? 'none' : has });
}
