/** Whose account a login by a provider opens: by issuer and subject; by e-mail only where it is verified and that was allowed. */
import { fault, type Fault } from '../chat/fault.ts';
import type { OidcConfig } from '../config/schema.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { foldEmail, isInDomains } from '../people/email.ts';
import { isInWords } from '../people/names.ts';
import { ROLES, type Role } from '../people/permissions.ts';
import type { UserRow } from '../store/people-ports.ts';
import { isOut } from './acts.ts';
import type { Identity } from './oidc.ts';
import type { LoginWorld } from './world.ts';

type Answer = Promise<Result<UserRow, Fault>>;
type World = Pick<LoginWorld, 'people'>;

export async function userOfIdentity(world: World, provider: OidcConfig, identity: Identity): Answer {
  const known = await world.people.access.loginOf({ oidcSubject: identity.subject });
  if (!known.ok) return known;
  const found = known.value === undefined ? await newcomer(world, provider, identity) : ok(known.value.user);
  if (!found.ok) return found;
  if (isOut(world, found.value)) return refused('this account is disabled');
  // What a provider says of roles holds in its organisation.
  const isOfIts = found.value.orgId === provider.org;
  return withRole(world, found.value, isOfIts ? roleIn(provider, identity) : undefined);
}

/** Someone who has not been here by this account of the provider. */
async function newcomer(world: World, provider: OidcConfig, { subject, name, email: given, roles }: Identity): Answer {
  const email = given === undefined ? undefined : foldEmail(given);
  if (email === undefined) return refused('the provider has not verified an e-mail address of this account');
  const { domains } = provider;
  const same = await world.people.access.loginOf({ email });
  if (!same.ok) return same;
  if (same.value !== undefined) {
    const { user } = same.value;
    if (!mayLink(provider, user, email))
      return refused('there is an account with this e-mail address already. Log in as you did before');
    return linked(world, user, subject);
  }
  if (!isInDomains(email, domains)) return refused('accounts are made by invitation here');
  // Some providers have empty names, or such as nobody can be shown: no reason to keep anyone out.
  const user = {
    name: name !== undefined && isInWords(name) ? name : email,
    email,
    oidcSubject: subject,
    orgId: provider.org,
  };
  const role = roleIn(provider, { roles }) ?? provider.role;
  return world.people.createUser({ ...user, role }, `oidc:${provider.name}`);
}

/** Whether a provider's word is enough for an account that is there: for one of its organisation, and by that alone which it vouches for. */
function mayLink({ link_by_email, domains, org }: OidcConfig, user: UserRow, email: string): boolean {
  const isVouched = domains.length === 0 || isInDomains(email, domains);
  return link_by_email && isVouched && user.orgId === org && user.oidcSubject === undefined;
}

/** Whoever set its password has never shown that the address is his: from now on the provider says who comes, and nobody else. */
async function linked({ people }: World, { id }: UserRow, oidcSubject: string): Answer {
  const changed = await people.changeUser(id, { oidcSubject, password: null }, id);
  if (!changed.ok) return changed;
  return changed.value === undefined ? refused('this account was removed') : ok(changed.value);
}

/** The provider's word on a role is taken at each login, but for owners: those are made here. */
async function withRole({ people }: World, user: UserRow, role: Role | undefined): Answer {
  if (role === undefined || role === user.role || user.role === 'owner') return ok(user);
  const changed = await people.changeUser(user.id, { role }, 'system');
  return changed.ok ? ok(changed.value ?? user) : changed;
}

function roleIn({ role_claim }: OidcConfig, { roles }: Pick<Identity, 'roles'>): Role | undefined {
  if (role_claim === undefined) return undefined;
  return ROLES.find((role) => role !== 'owner' && roles.includes(role));
}

function refused(reason: string): Result<never, Fault> {
  return err(fault('login-refused', { reason }));
}
