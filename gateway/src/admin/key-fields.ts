/** What a key is in the words of the API: what is shown of it, and what may be set. */
import { z } from 'zod';
import { fault, type Fault } from '../chat/fault.ts';
import { asRecord, compact, type JsonRecord } from '../lib/json.ts';
import { formatUsd } from '../money/usd.ts';
import { isOfAll, may, mayGive, ROLES, type Principal } from '../people/permissions.ts';
import { SCOPES, settingsRecord } from '../store/key-settings.ts';
import type { People } from '../store/people-ports.ts';
import type { KeyPatch, KeyRow, Store } from '../store/ports.ts';
import { at, id, momentOf, msOf, name, names, nanoOf, record, time, usd, usdText } from './fields.ts';

export const key = z
  .strictObject({
    id,
    name: z.string(),
    root: z.boolean().describe('may do everything'),
    disabled: z.boolean(),
    created_at: at,
    expires_at: at.optional(),
    budget_usd: usdText.optional(),
    spent_usd: usdText.optional().describe('absent: the store does not answer now'),
    held_usd: usdText.optional().describe('put aside for requests under way'),
    models: z.array(z.string()).optional().describe('names or globs; absent: all'),
    tags: z.array(z.string()),
    region: z.string().optional(),
    org: z.string().optional(),
    team: z.string().optional(),
    user: z.string().optional(),
    role: z
      .enum(ROLES)
      .optional()
      .describe("of a user's key with the scope `admin`: the most that it may, his role as it was given to him"),
    last_used_at: at.optional().describe('a minute late at most'),
    old_token_until: at.optional().describe('until when the token before the last rotation is taken'),
    scopes: z.array(z.enum(SCOPES)).optional().describe('absent: inference'),
    routes: z.array(z.string()).optional(),
    providers: z.array(z.string()).optional(),
    regions: z.array(z.string()).optional(),
    addresses: z.array(z.string()).optional(),
    limits: record.optional(),
  })
  .meta({ id: 'Key', description: 'A virtual key, without its token.' });

export const issuedKey = key
  .extend({ key: z.string().describe('the token: shown here and never again') })
  .meta({ id: 'NewKey', description: 'A key and its token.' });

const settings = {
  budget_usd: usd.nullable().optional().describe('US dollars, as text or number; null: no budget'),
  models: names.nullable().optional().describe('names or globs as in `openai/*`; null: all'),
  expires_at: time.nullable().optional().describe('a time, ISO 8601; null: never'),
  disabled: z.boolean().optional().describe('true: refused until it is enabled again'),
  tags: names.nullable().optional().describe('for rules and reports'),
  region: z
    .string({ error: 'it must be a region such as eu or us-east-1' })
    .nullable()
    .optional()
    .describe('where its callers are, whatever their requests say'),
  team: z.string().nullable().optional().describe('id of the team that it belongs to'),
  user: z.string().nullable().optional().describe('id of the user that it belongs to'),
  scopes: z
    .array(z.enum(SCOPES, { error: `each must be one of ${SCOPES.join(', ')}` }))
    .nullable()
    .optional()
    .describe('what it is for; null: inference'),
  routes: names.nullable().optional().describe('names of routes, or beginnings as in `fast-*`; null: all'),
  providers: names.nullable().optional().describe('ids of providers; null: all'),
  regions: names.nullable().optional().describe('where targets must compute, as in `eu`; null: anywhere'),
  addresses: names.nullable().optional().describe('from where it may be used, as in `10.0.0.0/8`; null: anywhere'),
  limits: record.nullable().optional().describe('rates, as in the configuration; null: those of its owners'),
};

export const keyCreation = z.strictObject({
  name: name.describe('give the key a name'),
  ...settings,
  org: z.string().nullable().optional().describe('id of the organisation that it belongs to; absent: your own'),
});

export const keyChange = z.strictObject({ name: name.optional().describe('for people'), ...settings });

type KeyFields = z.output<typeof keyChange> & { readonly org?: string | null | undefined };

/** Money, rates and owners are for those who may write all keys of the organisation. */
const OTHERS = ['budget_usd', 'limits', 'team', 'user'] as const;

type KeyRights = Pick<KeyRow, 'scopes' | 'userId'>;

/** A key with the scope `admin` may what its user may: who has less can neither make one nor get its token. */
export function whyNotHeld({ scopes, userId }: KeyRights, principal: Principal, people: People): Fault | undefined {
  const role = scopes?.includes('admin') === true ? people.user(userId ?? '')?.role : undefined;
  return role === undefined || mayGive(principal, role) ? undefined : fault('role-too-high', { role });
}

/** Why one who asks may not set what is given of a key (`row`: as it is). What is another organisation's is not there. */
export function whyNotSet(
  body: KeyFields,
  { principal, people, row }: { readonly principal: Principal; readonly people: People; readonly row?: KeyRow },
): Fault | undefined {
  const { org } = body;
  if (principal.kind === 'root') return undefined;
  const held = whyNotHeld(rightsOf(body, row), principal, people);
  if (held !== undefined) return held;
  if (org !== undefined && org !== null && org !== principal.orgId && !isOfAll(principal))
    return fault('field-invalid', { reason: 'there is no such organisation' }, { param: 'org' });
  return may(principal, 'keys.write') ? undefined : whyNotOwn(body, principal, row);
}

/** Of the key as it would be. */
function rightsOf({ scopes, user }: KeyFields, row: KeyRow | undefined): KeyRights {
  return compact({
    scopes: (scopes === undefined ? row?.scopes : scopes) ?? undefined,
    userId: (user === undefined ? row?.userId : user) ?? undefined,
  });
}

/** Why one cannot set it of a key of his own. Who disabled it may have had a reason: a token that others know stays off. */
function whyNotOwn(body: KeyFields, principal: Principal, row: KeyRow | undefined): Fault | undefined {
  const isEnabling = row?.isDisabled === true && body.disabled === false;
  const taken = OTHERS.find((field) => body[field] !== undefined) ?? (isEnabling ? 'disabled' : undefined);
  return taken === undefined && principal.userId !== undefined
    ? undefined
    : fault('not-permitted', { role: principal.role, permission: 'keys.write' }, compact({ param: taken }));
}

export function patchOf(body: KeyFields): KeyPatch {
  return compact({
    name: body.name,
    budgetNanoUsd: nanoOf(body.budget_usd),
    allowedModels: body.models,
    expiresAtMs: msOf(body.expires_at),
    isDisabled: body.disabled,
    tags: body.tags ?? undefined,
    region: body.region,
    teamId: body.team,
    userId: body.user,
    scopes: body.scopes,
    allowedRoutes: body.routes,
    allowedProviders: body.providers,
    allowedRegions: body.regions,
    addresses: body.addresses,
    limits: body.limits === null ? null : asRecord(body.limits),
  });
}

export interface KeyKnown {
  readonly store: Store;
  readonly uses: Awaited<ReturnType<Store['keys']['uses']>>;
}

export async function keyRecord(row: KeyRow, { store, uses }: KeyKnown): Promise<JsonRecord> {
  const spend = await store.keys.spend(row.id);
  const known = spend.ok ? spend.value : undefined;
  return compact({
    id: row.id,
    name: row.name,
    root: row.isRoot,
    disabled: row.isDisabled,
    created_at: new Date(row.createdAtMs).toISOString(),
    expires_at: momentOf(row.expiresAtMs),
    budget_usd: row.budgetNanoUsd === undefined ? undefined : formatUsd(row.budgetNanoUsd),
    spent_usd: known === undefined ? undefined : formatUsd(known.spentNanoUsd),
    held_usd: known === undefined ? undefined : formatUsd(known.heldNanoUsd),
    models: row.allowedModels,
    tags: row.tags,
    region: row.region,
    org: row.orgId,
    team: row.teamId,
    user: row.userId,
    role: row.roleMax,
    last_used_at: momentOf(uses.ok ? uses.value.get(row.id) : undefined),
    old_token_until: momentOf(row.oldUntilMs),
    ...settingsRecord(row),
  });
}
