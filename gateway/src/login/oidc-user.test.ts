/** Whose account a login by a provider opens. The logins themselves, against real providers: test/e2e/oidc.test.ts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { valueOf } from '../../test/store-kit.ts';
import { inStore } from '../../test/stores.ts';
import type { OidcConfig } from '../config/schema.ts';
import { DEFAULT_ORG_ID, type Role } from '../people/permissions.ts';
import { openBooks } from '../store/books/books.ts';
import { idMaker } from '../store/id.ts';
import { Directory } from '../store/people.ts';
import type { UserRow } from '../store/people-ports.ts';
import { userOfIdentity } from './oidc-user.ts';

const AT = 1_795_000_000_000;

const PROVIDER: OidcConfig = {
  name: 'corp',
  issuer: 'https://id.example.org',
  client_id: 'turnout',
  scopes: [],
  domains: ['corp.example'],
  role: 'developer',
  role_claim: 'roles',
  org: DEFAULT_ORG_ID,
  link_by_email: true,
};

interface Bench {
  readonly people: Directory;
  readonly newUser: (email: string, orgId: string, role: Role) => Promise<UserRow>;
  /** The role that someone has after a login; the code where he is refused. */
  readonly login: (
    subject: string,
    email: string | undefined,
    roles: readonly string[],
    provider?: OidcConfig,
  ) => Promise<string>;
}

async function withPeople(work: (bench: Bench) => Promise<void>): Promise<void> {
  await inStore(async (place) => {
    const books = await openBooks({ ...place, busyMs: 100 });
    const ports = { books, secret: Buffer.alloc(32, 7), now: () => AT, patienceMs: 100, newId: idMaker(() => AT) };
    const people = new Directory(ports);
    await people.refresh();
    await work({
      people,
      newUser: async (email, orgId, role) =>
        valueOf(await people.createUser({ name: email, email, orgId, role }, 'cli')),
      login: async (subject, email, roles, provider = PROVIDER) => {
        const identity = { subject: `${provider.issuer} ${subject}`, name: undefined, email, roles };
        const user = await userOfIdentity({ people }, provider, identity);
        return user.ok ? user.value.role : user.error.code;
      },
    });
    await books.close();
  });
}

describe('an account that is there already', () => {
  it('is taken over by its address in the organisation of the provider, and in no other', async () => {
    await withPeople(async ({ people, newUser, login }) => {
      const org = valueOf(await people.createOrg({ name: 'Other' }, 'cli'));
      const own = await newUser('own@corp.example', DEFAULT_ORG_ID, 'viewer');
      const other = await newUser('boss@corp.example', org.id, 'owner');
      assert.equal(await login('1', 'own@corp.example', []), 'viewer');
      assert.equal(await login('2', 'boss@corp.example', []), 'login-refused');
      assert.deepEqual(
        [people.user(own.id)?.oidcSubject, people.user(other.id)?.oidcSubject],
        ['https://id.example.org 1', undefined],
      );
      const its = { ...PROVIDER, org: org.id };
      assert.equal(await login('2', 'boss@corp.example', [], its), 'owner', 'by the provider of its organisation');
    });
  });

  it('has no password any more, and no login of whoever set one', async () => {
    await withPeople(async ({ people, login }) => {
      const made = { name: 'Ann', email: 'ann@corp.example', orgId: DEFAULT_ORG_ID, role: 'developer' } as const;
      const user = valueOf(await people.createUser({ ...made, password: '$argon2id$of-another' }, 'sign-up'));
      const session = { userId: user.id, createdAtMs: AT, expiresAtMs: AT + 1000, address: '', agent: '' };
      const cookie = valueOf(await people.access.open(session));
      assert.equal(await login('1', 'ann@corp.example', []), 'developer');
      assert.equal(valueOf(await people.access.loginOf({ email: 'ann@corp.example' }))?.password, undefined);
      assert.equal(valueOf(await people.access.see(cookie, 1000)), undefined);
    });
  });

  it('is taken over once, by an address that the provider vouches for, where that was allowed', async () => {
    await withPeople(async ({ newUser, login }) => {
      await newUser('a@corp.example', DEFAULT_ORG_ID, 'admin');
      await newUser('b@elsewhere.example', DEFAULT_ORG_ID, 'admin');
      assert.equal(await login('1', 'a@corp.example', [], { ...PROVIDER, link_by_email: false }), 'login-refused');
      assert.equal(await login('1', undefined, []), 'login-refused');
      assert.equal(await login('2', 'b@elsewhere.example', []), 'login-refused');
      assert.equal(await login('2', 'b@elsewhere.example', [], { ...PROVIDER, domains: [] }), 'admin');
      assert.equal(await login('1', 'a@corp.example', []), 'admin');
      assert.equal(await login('3', 'a@corp.example', []), 'login-refused', 'it is somebody’s');
    });
  });
});

describe('a name that a provider tells', () => {
  it('keeps nobody out: where it is none that can be shown, the address stands for it', async () => {
    await withPeople(async ({ people }) => {
      for (const [index, name] of ['Ann', ' ', '', 'An\u202en', 'x'.repeat(201), undefined].entries()) {
        const email = `${index}@corp.example`;
        const identity = { subject: `${PROVIDER.issuer} ${index}`, name, email, roles: [] };
        const user = valueOf(await userOfIdentity({ people }, PROVIDER, identity));
        assert.equal(user.name, index === 0 ? 'Ann' : email);
      }
    });
  });
});

describe('a role that a provider tells', () => {
  it('holds in its organisation, for nobody who is an owner, and makes none', async () => {
    await withPeople(async ({ people, newUser, login }) => {
      const org = valueOf(await people.createOrg({ name: 'Other' }, 'cli'));
      await newUser('tenant@corp.example', org.id, 'viewer');
      assert.equal(await login('1', 'tenant@corp.example', [], { ...PROVIDER, org: org.id }), 'viewer');
      assert.equal(await login('1', 'tenant@corp.example', ['admin']), 'viewer', 'by the provider of another');
      assert.equal(await login('2', 'new@corp.example', ['owner', 'analyst']), 'analyst');
      assert.equal(await login('2', 'new@corp.example', ['admin', 'viewer']), 'admin');
      assert.equal(await login('2', 'new@corp.example', []), 'admin', 'where it tells none, it stays');
      await newUser('owner@corp.example', DEFAULT_ORG_ID, 'owner');
      assert.equal(await login('3', 'owner@corp.example', ['viewer']), 'owner');
    });
  });
});
