/** `turnout invite`: a link by which someone makes an account, or sets a new password. */
import { jsonText } from '../lib/json-text.ts';
import { compact } from '../lib/json.ts';
import { DEFAULT_ORG_ID } from '../people/permissions.ts';
import type { NewInvite, People } from '../store/people-ports.ts';
import { withDesk } from './desk.ts';
import type { CommandIo } from './io.ts';
import { textOf, type Words } from './options.ts';
import { EXIT, inert, runCommand, UsageError, valueOf } from './output.ts';
import { emailOf, originOf, roleOf } from './people-words.ts';
import { durationOf, noMore, wantsJson } from './words.ts';

const HELP = `turnout invite [--role ROLE] [--email ADDRESS] [--team ID] [--org ID] [--expires 7d] [--url ORIGIN]
turnout invite --password USER [--expires 1d] [--url ORIGIN]

  Prints a link, good for once. Roles: owner, admin, developer (where none is named), analyst, viewer.
  With --password USER (an id or an e-mail address) the link sets a new password, and ends all logins of that user.

  --url ORIGIN   where people reach the gateway (else TURNOUT_URL, else people.url of turnout.yaml, else where it listens)
  --data DIR     the data folder (else TURNOUT_DATA, else that of turnout.yaml)
  --json         for programs
`;

const text = { type: 'string' } as const;
const OPTIONS = {
  data: text,
  url: text,
  role: text,
  email: text,
  team: text,
  org: text,
  expires: text,
  password: text,
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/** Runs `turnout invite`; gives the exit code. */
export async function inviteCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return runCommand({ args, io, help: HELP, options: OPTIONS }, async (words) => {
    noMore(words.positionals);
    const origin = await originOf(textOf(words, 'url'), io);
    return withDesk({ words, io }, async ({ people }) => {
      const { row, token } = valueOf(await people.invite(inviteOf(words, people), 'cli'));
      const url = `${origin}/${row.kind === 'password' ? 'password' : 'invite'}?token=${token}`;
      const expires_at = new Date(row.expiresAtMs).toISOString();
      if (wantsJson(words)) io.stdout(`${jsonText({ id: row.id, url, expires_at })}\n`);
      else io.stdout(`${url}\n\nGood for once, until ${expires_at}. It is shown now and never again.\n`);
      return EXIT.ok;
    });
  });
}

function inviteOf(words: Words, people: People): Omit<NewInvite, 'hash'> {
  const user = textOf(words, 'password');
  const goodMs = durationOf(textOf(words, 'expires') ?? (user === undefined ? '7d' : '1d'));
  if (goodMs === 0) throw new UsageError('--expires 0 is a link that is over already');
  const expiresAtMs = Date.now() + goodMs;
  if (user !== undefined) return { ...passwordInvite(user, people), expiresAtMs };
  const role = roleOf(textOf(words, 'role')) ?? 'developer';
  const email = emailOf(textOf(words, 'email'));
  const orgId = textOf(words, 'org') ?? DEFAULT_ORG_ID;
  return { kind: 'invite', expiresAtMs, role, orgId, ...compact({ email, teamId: textOf(words, 'team') }) };
}

function passwordInvite(named: string, people: People): Omit<NewInvite, 'hash' | 'expiresAtMs'> {
  const user = people.user(named) ?? people.userByEmail(named.toLowerCase());
  if (user === undefined) throw new Error(`there is no user ${inert(named)}`);
  return { kind: 'password', userId: user.id, orgId: user.orgId, role: user.role };
}
