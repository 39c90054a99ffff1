/** A new key of what is set of it: where nothing was before, there is nothing to take away. */
import { fault, type Fault } from '../chat/fault.ts';
import { compact } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { withPatch } from './key-settings.ts';
import type { UserRow } from './people-ports.ts';
import type { KeyOwner, KeyPatch, Keys, NewKey } from './ports.ts';

/** More than programs of one person need; each is in the memory of every process. */
const KEYS_OF_ONE_MAX = 100;

/** Whose a key is that a user makes for himself: of his first team too, so that what holds for the team holds for it. Faults: `keys-full`. */
export function ownKeyOf({ id, orgId, teamIds }: UserRow, keys: Pick<Keys, 'list'>): Result<KeyOwner, Fault> {
  if (keys.list().filter((row) => row.userId === id).length >= KEYS_OF_ONE_MAX)
    return err(fault('keys-full', { max: KEYS_OF_ONE_MAX }));
  return ok(compact({ orgId, teamId: teamIds[0], userId: id }));
}

/** What `patch` sets, without what it takes away. */
export function newKeyOf(patch: Omit<KeyPatch, 'name'>): Omit<NewKey, 'name'> {
  const { tags, isDisabled, expiresAtMs, budgetNanoUsd, allowedModels, region, teamId, userId } = patch;
  return compact({
    ...withPatch({}, patch),
    tags,
    isDisabled,
    expiresAtMs: expiresAtMs ?? undefined,
    budgetNanoUsd: budgetNanoUsd ?? undefined,
    allowedModels: allowedModels ?? undefined,
    region: region ?? undefined,
    teamId: teamId ?? undefined,
    userId: userId ?? undefined,
  });
}
