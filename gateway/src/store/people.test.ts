import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { valueOf } from '../../test/store-kit.ts';
import { inStore } from '../../test/stores.ts';
import type { Fault } from '../chat/fault.ts';
import type { Result } from '../lib/result.ts';
import { DEFAULT_ORG_ID } from '../people/permissions.ts';
import { openBooks } from './books/books.ts';
import { StoreError } from './books/sqlite.ts';
import type { Books } from './books/form.ts';
import { idMaker } from './id.ts';
import { KeyRing } from './keys.ts';
import { Directory } from './people.ts';

const AT = 1_795_000_000_000;
const DAY_MS = 24 * 3_600_000;
const BY = 'cli';

interface Bench {
  readonly people: Directory;
  /** Another process over the same books. */
  readonly other: Directory;
  readonly otherKeys: KeyRing;
  readonly keys: KeyRing;
  readonly books: Books;
  readonly passMs: (ms: number) => void;
}

const run = async ({
  books,
  work,
}: {
  readonly books: Books;
  readonly work: (bench: Bench) => Promise<void>;
}): Promise<void> => {
  let nowMs = AT;
  const ports = { books, secret: Buffer.alloc(32, 7), now: () => nowMs, patienceMs: 100, newId: idMaker(() => nowMs) };
  const ringOf = (people: Directory): KeyRing =>
    new KeyRing({
      ...ports,
      adminKey: undefined,
      monotonicMs: () => 0,
      graceMs: 1000,
      whyNot: (owners) => people.whyNot(owners),
      roleOf: (userId) => people.user(userId)?.role,
      onChange: () => undefined,
      spend: async () => ({ spentNanoUsd: 0n, heldNanoUsd: 0n }),
    });
  const people = new Directory(ports);
  const other = new Directory(ports);
  await people.refresh();
  await other.refresh();
  const passMs = (ms: number): void => {
    nowMs += ms;
  };
  await work({ people, other, keys: ringOf(people), otherKeys: ringOf(other), books, passMs });
  await books.close();
};

/** Does what it is told, and its first answer to each kind of call that makes something is lost on the way. */
function losing(books: Books): Books {
  const lost = new Set<string | symbol>();
  return new Proxy(books, {
    get: (of, name) => {
      const method: unknown = Reflect.get(of, name);
      if (typeof method !== 'function' || !/^(?:create|accept)/.test(String(name))) return method;
      return async (...args: readonly unknown[]): Promise<unknown> => {
        const answer: unknown = await Reflect.apply(method, of, args);
        if (lost.has(name)) return answer;
        lost.add(name);
        throw new StoreError('the connection is gone', 'away');
      };
    },
  });
}

const newUser = (email: string, role: 'owner' | 'admin' | 'developer' = 'developer') =>
  ({ name: email, email, role, orgId: DEFAULT_ORG_ID }) as const;

function codeOf(result: Result<unknown, Fault>): string {
  return result.ok ? 'ok' : result.error.code;
}

async function withPeople(work: (bench: Bench) => Promise<void>): Promise<void> {
  await inStore(async (place) => run({ books: await openBooks({ ...place, busyMs: 100 }), work }));
}

describe('people', () => {
  it('are there with one organisation from the start', async () => {
    await withPeople(async ({ people }) => {
      assert.deepEqual(
        people.orgs().map((org) => org.id),
        [DEFAULT_ORG_ID],
      );
      assert.deepEqual(people.users(), []);
      assert.equal(people.whyNot({ orgId: DEFAULT_ORG_ID }), undefined);
    });
  });

  it('are known to another process after a look, by id, address and team, and forgotten when they are removed', async () => {
    await withPeople(async ({ people, other }) => {
      const org = valueOf(await people.createOrg({ name: 'Acme' }, BY));
      const team = valueOf(await people.createTeam({ name: 'Tools', orgId: org.id }, BY));
      const user = valueOf(
        await people.createUser({ ...newUser('ann@example.org'), orgId: org.id, teamIds: [team.id] }, BY),
      );
      assert.equal(other.user(user.id), undefined);
      await other.refresh();
      assert.deepEqual(other.userByEmail('ann@example.org'), { ...user, isRemoved: false });
      assert.deepEqual([other.teams(org.id).length, other.users(org.id).length], [1, 1]);
      assert.deepEqual(other.users(DEFAULT_ORG_ID), []);
      valueOf(await people.changeTeam(team.id, { isRemoved: true }, BY));
      await other.refresh();
      assert.deepEqual([other.team(team.id), other.user(user.id)?.teamIds], [undefined, []]);
      assert.equal(valueOf(await other.changeUser(user.id, { isRemoved: true }, BY)), undefined);
      await people.refresh();
      assert.deepEqual([people.user(user.id), people.userByEmail('ann@example.org')], [undefined, undefined]);
      // The address is free again, for another person of another id.
      assert.notEqual(valueOf(await people.createUser(newUser('ann@example.org'), BY)).id, user.id);
    });
  });

  it('have one address each, and teams of their own organisation only', async () => {
    await withPeople(async ({ people, other }) => {
      const org = valueOf(await people.createOrg({ name: 'Acme' }, BY));
      const team = valueOf(await people.createTeam({ name: 'Tools', orgId: org.id }, BY));
      valueOf(await people.createUser(newUser('ann@example.org'), BY));
      assert.equal(codeOf(await other.createUser({ ...newUser('ann@example.org'), orgId: org.id }, BY)), 'email-taken');
      const bob = valueOf(await people.createUser(newUser('bob@example.org'), BY));
      assert.equal(codeOf(await people.changeUser(bob.id, { email: 'ann@example.org' }, BY)), 'email-taken');
      assert.equal(codeOf(await people.changeUser(bob.id, { teamIds: [team.id] }, BY)), 'field-invalid');
      assert.equal(codeOf(await people.createTeam({ name: 'T', orgId: 'org_none' }, BY)), 'field-invalid');
      const settings = { limits: { rpm: 'many' } };
      assert.equal(
        codeOf(await people.createTeam({ name: 'T', orgId: DEFAULT_ORG_ID, settings }, BY)),
        'field-invalid',
      );
      assert.equal(codeOf(await people.createUser({ ...newUser('c@example.org'), name: ' ' }, BY)), 'field-invalid');
      assert.equal(people.user(bob.id)?.email, 'bob@example.org');
    });
  });

  it('keep the last owner of an organisation: not lowered, disabled or removed', async () => {
    await withPeople(async ({ people, other }) => {
      const ann = valueOf(await people.createUser(newUser('ann@example.org', 'owner'), BY));
      const bob = valueOf(await people.createUser(newUser('bob@example.org', 'owner'), BY));
      valueOf(await people.changeUser(bob.id, { isDisabled: true }, BY));
      for (const patch of [{ role: 'admin' }, { isDisabled: true }, { isRemoved: true }] as const)
        assert.equal(codeOf(await other.changeUser(ann.id, patch, BY)), 'last-owner', JSON.stringify(patch));
      valueOf(await people.changeUser(ann.id, { name: 'Ann', role: 'owner' }, BY));
      valueOf(await people.changeUser(bob.id, { isDisabled: false }, BY));
      // Both at once: one of them stays.
      const both = await Promise.all([
        people.changeUser(ann.id, { role: 'viewer' }, BY),
        other.changeUser(bob.id, { isRemoved: true }, BY),
      ]);
      assert.deepEqual(both.map(codeOf).toSorted(), ['last-owner', 'ok']);
    });
  });

  it('cannot lose the organisation that runs the gateway', async () => {
    await withPeople(async ({ people }) => {
      for (const patch of [{ isDisabled: true }, { isRemoved: true }] as const)
        assert.equal(codeOf(await people.changeOrg(DEFAULT_ORG_ID, patch, BY)), 'default-org');
      assert.equal(valueOf(await people.changeOrg(DEFAULT_ORG_ID, { name: 'We' }, BY))?.name, 'We');
      assert.equal(valueOf(await people.changeOrg('org_none', { name: 'We' }, BY)), undefined);
    });
  });

  it('go with their organisation, and leave their addresses to others', async () => {
    await withPeople(async ({ people, other }) => {
      const org = valueOf(await people.createOrg({ name: 'Acme' }, BY));
      const team = valueOf(await people.createTeam({ name: 'Tools', orgId: org.id }, BY));
      const person = { ...newUser('ann@example.org', 'owner'), orgId: org.id, teamIds: [team.id] };
      const user = valueOf(await people.createUser(person, BY));
      const session = { userId: user.id, createdAtMs: AT, expiresAtMs: AT + DAY_MS, address: '', agent: '' };
      const value = valueOf(await people.access.open(session));
      assert.equal(valueOf(await people.changeOrg(org.id, { isRemoved: true }, BY)), undefined);
      await other.refresh();
      assert.deepEqual(
        [other.org(org.id), other.team(team.id), other.user(user.id)],
        [undefined, undefined, undefined],
      );
      assert.equal(valueOf(await people.access.see(value, DAY_MS)), undefined);
      valueOf(await people.createUser(newUser('ann@example.org'), BY));
      assert.equal(codeOf(await people.createTeam({ name: 'T', orgId: org.id }, BY)), 'field-invalid');
    });
  });

  it('take their keys with them when they, their team or their organisation are disabled or removed (B34)', async () => {
    await withPeople(async ({ people, other, keys, otherKeys }) => {
      const org = valueOf(await people.createOrg({ name: 'Acme' }, BY));
      const team = valueOf(await people.createTeam({ name: 'Tools', orgId: org.id }, BY));
      const user = valueOf(await people.createUser({ ...newUser('ann@example.org'), orgId: org.id }, BY));
      const owners = { orgId: org.id, teamId: team.id, userId: user.id };
      const { token } = valueOf(await keys.create({ name: 'a', ...owners }));
      const see = async (expected: string): Promise<void> => {
        assert.equal(codeOf(keys.find(token)), expected);
        await other.refresh();
        await otherKeys.refresh();
        assert.equal(codeOf(otherKeys.find(token)), expected);
      };
      await see('ok');
      const switches = [
        async (isDisabled: boolean) => people.changeTeam(team.id, { isDisabled }, BY),
        async (isDisabled: boolean) => people.changeUser(user.id, { isDisabled }, BY),
        async (isDisabled: boolean) => people.changeOrg(org.id, { isDisabled }, BY),
      ];
      for (const set of switches) {
        assert.equal(codeOf(await set(true)), 'ok');
        await see('key-owner-disabled');
        assert.equal(codeOf(await set(false)), 'ok');
        await see('ok');
      }
      valueOf(await people.changeTeam(team.id, { isRemoved: true }, BY));
      await see('key-owner-disabled');
      const own = valueOf(await keys.create({ name: 'b', orgId: org.id, userId: user.id }));
      assert.equal(codeOf(keys.find(own.token)), 'ok');
      valueOf(await people.changeUser(user.id, { isRemoved: true }, BY));
      assert.equal(codeOf(keys.find(own.token)), 'key-owner-disabled');
      const loose = valueOf(await keys.create({ name: 'c', orgId: org.id }));
      valueOf(await people.changeOrg(org.id, { isRemoved: true }, BY));
      assert.equal(codeOf(keys.find(loose.token)), 'key-owner-disabled');
    });
  });

  it('have their changes in the audit log, without a password', async () => {
    await withPeople(async ({ people, books }) => {
      const user = valueOf(
        await people.createUser({ ...newUser('ann@example.org'), password: '$argon2id$x' }, 'key_1'),
      );
      valueOf(await people.changeUser(user.id, { password: '$argon2id$y', role: 'viewer' }, 'user_2'));
      const { entries } = await books.audit({ limitMax: 10 });
      assert.deepEqual(
        entries.map(({ by, action, subject }) => [by, action, subject]),
        [
          ['user_2', 'user.changed', user.id],
          ['key_1', 'user.created', user.id],
        ],
      );
      assert.doesNotMatch(JSON.stringify(entries), /argon2id/);
    });
  });
});

describe('sessions', () => {
  const opened = { createdAtMs: AT, expiresAtMs: AT + DAY_MS, address: '127.0.0.1', agent: 'test' };

  it('are found by the cookie until they end, idle or for good', async () => {
    await withPeople(async ({ people, passMs }) => {
      const user = valueOf(await people.createUser(newUser('ann@example.org'), BY));
      const { access } = people;
      const seen = async (value: string): Promise<string | undefined> =>
        valueOf(await access.see(value, DAY_MS / 4))?.user.id;
      const value = valueOf(await access.open({ ...opened, userId: user.id }));
      assert.equal(Buffer.from(value, 'base64url').length, 32);
      assert.equal(await seen(value), user.id);
      assert.equal(await seen('x'.repeat(43)), undefined);
      assert.equal(await seen(''), undefined);
      for (let quarter = 1; quarter < 4; quarter++) {
        passMs(DAY_MS / 4);
        assert.equal(await seen(value), user.id, 'it is kept by being used');
      }
      passMs(DAY_MS / 4);
      assert.equal(await seen(value), undefined, 'its time is over');
      const idle = valueOf(await access.open({ ...opened, userId: user.id, expiresAtMs: AT + 9 * DAY_MS }));
      passMs(DAY_MS / 4 + 1);
      assert.equal(await seen(idle), undefined, 'nobody has used it');
    });
  });

  it('end one by one, or all but one, and with a new password, a disabled user or organisation', async () => {
    await withPeople(async ({ people }) => {
      const user = valueOf(await people.createUser(newUser('ann@example.org'), BY));
      const { access } = people;
      const open = async (): Promise<string> => valueOf(await access.open({ ...opened, userId: user.id }));
      const alive = async (value: string): Promise<boolean> => valueOf(await access.see(value, DAY_MS)) !== undefined;
      const [one, two, three] = [await open(), await open(), await open()];
      const id = valueOf(await access.see(one, DAY_MS))?.session.id ?? '';
      assert.equal(valueOf(await access.end({ userId: 'user_other', id })), 0, 'not another’s');
      assert.equal(valueOf(await access.end({ userId: user.id, id })), 1);
      assert.deepEqual([await alive(one), await alive(two)], [false, true]);
      assert.equal(valueOf(await access.end({ userId: user.id, butValue: two })), 1);
      assert.deepEqual([await alive(two), await alive(three)], [true, false]);
      valueOf(await people.changeUser(user.id, { password: '$argon2id$z' }, BY));
      assert.equal(await alive(two), false);
      const four = await open();
      valueOf(await people.changeUser(user.id, { isDisabled: true }, BY));
      valueOf(await people.changeUser(user.id, { isDisabled: false }, BY));
      assert.equal(await alive(four), false, 'it does not come back with its user');
    });
  });

  it('are fifty at most, of one user', async () => {
    await withPeople(async ({ people }) => {
      const user = valueOf(await people.createUser(newUser('ann@example.org'), BY));
      for (let n = 0; n < 55; n++)
        valueOf(await people.access.open({ ...opened, createdAtMs: AT + n, userId: user.id }));
      const kept = valueOf(await people.access.sessionsOf(user.id));
      assert.equal(kept.length, 50);
      assert.equal(Math.min(...kept.map((session) => session.createdAtMs)), AT + 5);
    });
  });
});

describe('what is made of people where the first answer of the store is lost', () => {
  it('is made once, and a link is not used up for whoever comes by it', async () => {
    await inStore(async (place) => {
      const books = await openBooks({ ...place, busyMs: 100 });
      await run({
        books: losing(books),
        work: async ({ people }) => {
          const org = valueOf(await people.createOrg({ name: 'Acme' }, BY));
          const team = valueOf(await people.createTeam({ name: 'Tools', orgId: org.id }, BY));
          const boss = valueOf(await people.createUser({ ...newUser('boss@example.org'), orgId: org.id }, BY));
          const link = { kind: 'invite', orgId: org.id, role: 'developer', expiresAtMs: AT + DAY_MS } as const;
          const { token } = valueOf(await people.invite({ ...link, teamId: team.id }, BY));
          const arrival = { name: 'Ann', email: 'ann@example.org', password: '$argon2id$salted' };
          const ann = valueOf(await people.accept(token, arrival));
          assert.deepEqual([ann.email, ann.teamIds], ['ann@example.org', [team.id]]);
          assert.equal(codeOf(await people.accept(token, { ...arrival, email: 'eve@example.org' })), 'link-used');
          const { orgs, teams, users } = await books.peopleChanges(0n);
          assert.deepEqual(
            [orgs.filter(({ name }) => name === 'Acme'), teams, users].map((rows) => rows.map(({ id }) => id)),
            [[org.id], [team.id], [boss.id, ann.id]],
          );
        },
      });
    });
  });

  it('is a new password, and the link to set it is not good for another', async () => {
    await inStore(async (place) => {
      await run({
        books: losing(await openBooks({ ...place, busyMs: 100 })),
        work: async ({ people }) => {
          const ann = valueOf(await people.createUser(newUser('ann@example.org'), BY));
          const link = { kind: 'password', orgId: DEFAULT_ORG_ID, role: 'developer', userId: ann.id } as const;
          const { token } = valueOf(await people.invite({ ...link, expiresAtMs: AT + DAY_MS }, BY));
          const arrival = { name: 'Ann', email: 'ann@example.org', password: '$argon2id$salted' };
          assert.equal(valueOf(await people.accept(token, arrival)).id, ann.id);
          assert.equal(codeOf(await people.accept(token, { ...arrival, password: '$argon2id$other' })), 'link-used');
        },
      });
    });
  });
});

describe('invitations', () => {
  const invite = { kind: 'invite', orgId: DEFAULT_ORG_ID, role: 'developer', expiresAtMs: AT + DAY_MS } as const;
  const ann = { name: 'Ann', email: 'ann@example.org', password: '$argon2id$x' };

  it('make one user, once, of the role and team they name', async () => {
    await withPeople(async ({ people, other }) => {
      const team = valueOf(await people.createTeam({ name: 'Tools', orgId: DEFAULT_ORG_ID }, BY));
      const { token, row } = valueOf(await people.invite({ ...invite, teamId: team.id }, 'user_boss'));
      assert.equal(valueOf(await other.invitation(token))?.id, row.id);
      const both = await Promise.all([
        people.accept(token, ann),
        other.accept(token, { ...ann, email: 'b@example.org' }),
      ]);
      assert.deepEqual(both.map(codeOf).toSorted(), ['link-used', 'ok']);
      const [user] = both.flatMap((made) => (made.ok ? [made.value] : []));
      assert.deepEqual([user?.role, user?.teamIds, user?.hasPassword], ['developer', [team.id], true]);
      assert.equal(valueOf(await people.invitation(token)), undefined);
    });
  });

  it('are not used up by who is refused', async () => {
    await withPeople(async ({ people }) => {
      valueOf(await people.createUser(newUser('taken@example.org'), BY));
      const { token } = valueOf(await people.invite({ ...invite, email: 'ann@example.org' }, BY));
      assert.equal(codeOf(await people.accept(token, { ...ann, email: 'bob@example.org' })), 'field-invalid');
      const free = valueOf(await people.invite(invite, BY));
      assert.equal(codeOf(await people.accept(free.token, { ...ann, email: 'taken@example.org' })), 'email-taken');
      assert.equal(codeOf(await people.accept(token, ann)), 'ok');
      assert.equal(codeOf(await people.accept(free.token, { ...ann, email: 'b@example.org' })), 'ok');
    });
  });

  it('end by time, and by being taken back', async () => {
    await withPeople(async ({ people, passMs }) => {
      const taken = valueOf(await people.invite(invite, BY));
      assert.equal(valueOf(await people.removeInvite(taken.row.id, BY)), true);
      assert.equal(codeOf(await people.accept(taken.token, ann)), 'link-used');
      const late = valueOf(await people.invite(invite, BY));
      passMs(DAY_MS);
      assert.equal(valueOf(await people.invitation(late.token)), undefined);
      assert.equal(codeOf(await people.accept(late.token, ann)), 'link-used');
      assert.equal(valueOf(await people.invitation('no token at all')), undefined);
    });
  });

  it('of the first start make the first owner, and die all when there is one', async () => {
    await withPeople(async ({ people }) => {
      const setup = { ...invite, kind: 'setup', role: 'owner' } as const;
      const [first, second] = [valueOf(await people.invite(setup, BY)), valueOf(await people.invite(setup, BY))];
      assert.equal(valueOf(await people.accept(second.token, ann)).role, 'owner');
      assert.equal(valueOf(await people.invitation(first.token)), undefined);
      assert.equal(codeOf(await people.accept(first.token, { ...ann, email: 'b@example.org' })), 'link-used');
      assert.equal(codeOf(await people.invite(setup, BY)), 'owner-exists');
    });
  });

  it('for a new password set it, once, and end all sessions; everyone sees that there is one', async () => {
    await withPeople(async ({ people, other }) => {
      const user = valueOf(await people.createUser(newUser('ann@example.org'), BY));
      const value = valueOf(
        await people.access.open({
          userId: user.id,
          createdAtMs: AT,
          expiresAtMs: AT + DAY_MS,
          address: '',
          agent: '',
        }),
      );
      const { token } = valueOf(await people.invite({ ...invite, kind: 'password', userId: user.id }, BY));
      valueOf(await people.accept(token, { name: 'x', email: 'x@example.org', password: '$argon2id$new' }));
      const login = valueOf(await people.access.loginOf({ email: 'ann@example.org' }));
      assert.deepEqual([login?.password, login?.user.id], ['$argon2id$new', user.id]);
      await other.refresh();
      for (const seen of [people.user(user.id), other.user(user.id)])
        assert.deepEqual([seen?.hasPassword, seen?.lastLoginAtMs], [true, AT]);
      assert.equal(valueOf(await people.access.see(value, DAY_MS)), undefined);
      await other.refresh();
      assert.equal(other.user(user.id)?.hasPassword, true, 'and another process knows of it');
    });
  });

  it('end with whoever made them: removed, disabled, of another role, by a key of his too', async () => {
    await withPeople(async ({ people, keys, books }) => {
      const openOf = async (tokens: readonly string[]): Promise<readonly boolean[]> =>
        Promise.all(tokens.map(async (token) => valueOf(await people.invitation(token)) !== undefined));
      const kept = valueOf(await people.invite({ ...invite, role: 'admin' }, 'user_other')).token;
      for (const patch of [{ isRemoved: true }, { isDisabled: true }, { role: 'viewer' }] as const) {
        const boss = valueOf(
          await people.createUser(newUser(`boss${JSON.stringify(patch).length}@example.org`, 'admin'), BY),
        );
        const key = valueOf(await keys.create({ name: 'a', scopes: ['admin'], userId: boss.id }));
        const tokens = [
          valueOf(await people.invite({ ...invite, role: 'admin' }, boss.id)).token,
          valueOf(await people.invite(invite, key.row.id)).token,
        ];
        valueOf(await people.changeUser(boss.id, { name: 'another name' }, BY));
        assert.deepEqual(await openOf(tokens), [true, true]);
        valueOf(await people.changeUser(boss.id, patch, BY));
        assert.deepEqual(await openOf(tokens), [false, false], JSON.stringify(patch));
        assert.equal(codeOf(await people.accept(tokens[0] ?? '', ann)), 'link-used');
      }
      assert.deepEqual(await openOf([kept]), [true], 'and nobody else’s');
      const { entries } = await books.audit({ limitMax: 50 });
      assert.equal(entries.filter(({ action }) => action === 'invite.deleted').length, 6);
    });
  });

  it('end with the key that made them, disabled or removed', async () => {
    await withPeople(async ({ people, keys }) => {
      const change = [
        async (id: string) => valueOf(await keys.change(id, { isDisabled: true })),
        async (id: string) => valueOf(await keys.remove(id)),
      ];
      for (const end of change) {
        const { row } = valueOf(await keys.create({ name: 'a', scopes: ['admin'] }));
        const { token } = valueOf(await people.invite(invite, row.id));
        valueOf(await keys.change(row.id, { name: 'b' }));
        assert.ok(valueOf(await people.invitation(token)));
        await end(row.id);
        assert.equal(valueOf(await people.invitation(token)), undefined);
      }
    });
  });

  it('for a new password end with another role, a new password, and the use of one of them', async () => {
    await withPeople(async ({ people }) => {
      const user = valueOf(await people.createUser(newUser('ann@example.org'), BY));
      const link = async (): Promise<string> =>
        valueOf(await people.invite({ ...invite, kind: 'password', userId: user.id }, 'user_admin')).token;
      const uses = [
        async () => people.changeUser(user.id, { password: '$argon2id$own' }, user.id),
        async () => people.accept(await link(), { ...ann, password: '$argon2id$by-another-link' }),
        async () => people.changeUser(user.id, { role: 'owner' }, BY),
      ];
      for (const use of uses) {
        const token = await link();
        valueOf(await use());
        assert.equal(codeOf(await people.accept(token, { ...ann, password: '$argon2id$late' })), 'link-used');
      }
      assert.equal(
        valueOf(await people.access.loginOf({ email: 'ann@example.org' }))?.password,
        '$argon2id$by-another-link',
      );
    });
  });

  it('for a new password end with the next password, and where their user has got another role', async () => {
    await withPeople(async ({ people, other }) => {
      const user = valueOf(await people.createUser(newUser('ann@example.org'), BY));
      const linkOf = async (): Promise<string> =>
        valueOf(await people.invite({ ...invite, kind: 'password', userId: user.id }, BY)).token;
      const [first, second, third] = [await linkOf(), await linkOf(), await linkOf()];
      assert.equal(codeOf(await people.accept(second, ann)), 'ok');
      assert.equal(codeOf(await people.accept(first, ann)), 'link-used');
      assert.equal(codeOf(await other.accept(third, ann)), 'link-used');
      const old = await linkOf();
      valueOf(await people.changeUser(user.id, { password: '$argon2id$own' }, user.id));
      assert.equal(codeOf(await people.accept(old, ann)), 'link-used');
      const before = await linkOf();
      valueOf(await other.changeUser(user.id, { role: 'owner' }, BY));
      assert.equal(codeOf(await people.accept(before, ann)), 'link-used');
      const login = valueOf(await people.access.loginOf({ email: 'ann@example.org' }));
      assert.equal(login?.password, '$argon2id$own');
    });
  });

  it('are good as long as who made them could make them', async () => {
    await withPeople(async ({ people, keys }) => {
      const boss = valueOf(await people.createUser(newUser('boss@example.org', 'owner'), BY));
      let made = 0;
      const tryIt = async (
        by: string,
        role: 'admin' | 'developer',
        change: () => Promise<unknown>,
      ): Promise<string> => {
        made += 1;
        const { token } = valueOf(await people.invite({ ...invite, role }, by));
        await change();
        return codeOf(await people.accept(token, { ...ann, email: `new${made}@example.org` }));
      };
      const admin = async () => valueOf(await people.createUser(newUser(`admin${made}@example.org`, 'admin'), BY));
      const { id } = await admin();
      assert.equal(await tryIt(id, 'admin', async () => undefined), 'ok');
      assert.equal(
        await tryIt(id, 'developer', async () => people.changeUser(id, { isDisabled: true }, BY)),
        'link-used',
      );
      valueOf(await people.changeUser(id, { isDisabled: false }, BY));
      assert.equal(
        await tryIt(id, 'developer', async () => people.changeUser(id, { role: 'developer' }, BY)),
        'link-used',
      );
      const gone = await admin();
      assert.equal(
        await tryIt(gone.id, 'admin', async () => people.changeUser(gone.id, { isRemoved: true }, BY)),
        'link-used',
      );
      const lowered = valueOf(await people.createUser(newUser('second@example.org', 'owner'), BY));
      const toAdmin = async () => people.changeUser(lowered.id, { role: 'admin' }, BY);
      assert.equal(await tryIt(lowered.id, 'admin', toAdmin), 'ok');
      const own = valueOf(await keys.create({ name: 'a', userId: boss.id, scopes: ['admin'] })).row;
      assert.equal(await tryIt(own.id, 'admin', async () => keys.rotate(own.id, 0)), 'ok');
      const loose = valueOf(await keys.create({ name: 'b', scopes: ['admin'] })).row;
      assert.equal(await tryIt(loose.id, 'admin', async () => keys.remove(loose.id)), 'link-used');
      const later = await admin();
      const his = valueOf(await keys.create({ name: 'c', userId: later.id, scopes: ['admin'] })).row;
      assert.equal(
        await tryIt(his.id, 'admin', async () => people.changeUser(later.id, { isRemoved: true }, BY)),
        'link-used',
      );
    });
  });

  it('leave nothing in the store by which they could be used', async () => {
    await withPeople(async ({ people, books }) => {
      const { token } = valueOf(await people.invite(invite, BY));
      const listed = JSON.stringify(
        [await books.listInvites(DEFAULT_ORG_ID), await books.audit({ limitMax: 9 })],
        (_, value) => (typeof value === 'bigint' ? value.toString() : value),
      );
      assert.ok(!listed.includes(token));
    });
  });
});
