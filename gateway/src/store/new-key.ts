/** A new key of what is set of it: where nothing was before, there is nothing to take away. */
import { compact } from '../lib/json.ts';
import { withPatch } from './key-settings.ts';
import type { KeyPatch, NewKey } from './ports.ts';

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
