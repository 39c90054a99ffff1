/** `turnout orgs`, `turnout teams`, `turnout users`: list, add, change, disable and remove. Works beside running gateways, which see it within seconds. */
import { jsonText } from '../lib/json-text.ts';
import { compact, type JsonRecord } from '../lib/json.ts';
import type { Fault } from '../chat/fault.ts';
import type { Result } from '../lib/result.ts';
import { DEFAULT_ORG_ID } from '../people/permissions.ts';
import type { OrgRow, People, TeamRow, UserRow } from '../store/people-ports.ts';
import { withDesk } from './desk.ts';
import type { CommandIo } from './io.ts';
import { textOf, type Words } from './options.ts';
import { actionOf, type Action, EXIT, inert, runCommand, table, UsageError, valueOf } from './output.ts';
import { emailOf, roleOf } from './people-words.ts';
import { idOf, isSure, listOf, wantsJson } from './words.ts';

const TAIL = `
  --data DIR   the data folder (else TURNOUT_DATA, else that of turnout.yaml)
  --json       for programs
`;

/** In the audit log. */
const BY = 'cli';

const text = { type: 'string' } as const;
const OPTIONS = {
  data: text,
  name: text,
  org: text,
  email: text,
  role: text,
  teams: text,
  json: { type: 'boolean' },
  yes: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

type Row = OrgRow | TeamRow | UserRow;

/** What is the same of the three, done by each in its own way. */
interface Kind<T extends Row> {
  readonly one: string;
  /** As it is typed. */
  readonly many: string;
  readonly help: string;
  readonly list: (people: People, words: Words) => readonly T[];
  readonly add: (people: People, words: Words) => Promise<Result<T, Fault>>;
  /** Its own options: of one that is added, of one that is changed, of a list. */
  readonly options: Readonly<Record<'add' | 'set' | 'list', readonly (keyof typeof OPTIONS)[]>>;
  readonly change: (people: People, id: string, patch: Patch) => Promise<Result<T | undefined, Fault>>;
  readonly patch: (words: Words) => Patch;
  readonly head: readonly string[];
  readonly cells: (row: T) => readonly string[];
  readonly json: (row: T) => JsonRecord;
}

interface Patch {
  readonly name?: string;
  readonly isDisabled?: boolean;
  readonly isRemoved?: true;
  readonly email?: string;
  readonly role?: UserRow['role'];
  readonly teamIds?: readonly string[];
}

const orgs: Kind<OrgRow> = {
  one: 'organisation',
  many: 'orgs',
  help: `turnout orgs list
turnout orgs add --name NAME
turnout orgs set ID --name NAME
turnout orgs disable|enable|remove ID
${TAIL}`,
  options: { add: ['name'], set: ['name'], list: [] },
  list: (people) => people.orgs(),
  add: async (people, words) => people.createOrg({ name: needed(words, 'name') }, BY),
  change: async (people, id, patch) => people.changeOrg(id, patch, BY),
  patch: (words) => compact({ name: textOf(words, 'name') }),
  head: ['BILLING'],
  cells: (row) => [row.billing],
  json: (row) => compact({ billing: row.billing, plan_id: row.planId }),
};

const teams: Kind<TeamRow> = {
  one: 'team',
  many: 'teams',
  help: `turnout teams list [--org ID]
turnout teams add --name NAME [--org ID]
turnout teams set ID --name NAME
turnout teams disable|enable|remove ID
${TAIL}`,
  options: { add: ['name', 'org'], set: ['name'], list: ['org'] },
  list: (people, words) => people.teams(textOf(words, 'org')),
  add: async (people, words) =>
    people.createTeam({ name: needed(words, 'name'), orgId: textOf(words, 'org') ?? DEFAULT_ORG_ID }, BY),
  change: async (people, id, patch) => people.changeTeam(id, patch, BY),
  patch: (words) => compact({ name: textOf(words, 'name') }),
  head: ['ORG'],
  cells: (row) => [row.orgId],
  json: (row) => ({ org_id: row.orgId }),
};

const users: Kind<UserRow> = {
  one: 'user',
  many: 'users',
  help: `turnout users list [--org ID]
turnout users add --email ADDRESS [--name NAME] [--role ROLE] [--org ID] [--teams ID,ID]
turnout users set ID [--name NAME] [--email ADDRESS] [--role ROLE] [--teams ID,ID]
turnout users disable|enable|remove ID

  A user who is added so has no password: "turnout invite --password ID" makes a link to set one.
${TAIL}`,
  options: {
    add: ['email', 'name', 'role', 'org', 'teams'],
    set: ['name', 'email', 'role', 'teams'],
    list: ['org'],
  },
  list: (people, words) => people.users(textOf(words, 'org')),
  add: async (people, words) => {
    const email = emailOf(needed(words, 'email')) ?? '';
    const role = roleOf(textOf(words, 'role')) ?? 'developer';
    const teamIds = listOf(textOf(words, 'teams')) ?? [];
    const orgId = textOf(words, 'org') ?? DEFAULT_ORG_ID;
    return people.createUser({ name: textOf(words, 'name') ?? email, email, role, orgId, teamIds }, BY);
  },
  change: async (people, id, patch) => people.changeUser(id, patch, BY),
  patch: (words) =>
    compact({
      name: textOf(words, 'name'),
      email: emailOf(textOf(words, 'email')),
      role: roleOf(textOf(words, 'role')),
      teamIds: listOf(textOf(words, 'teams')),
    }),
  head: ['E-MAIL', 'ROLE', 'ORG', 'TEAMS'],
  cells: (row) => [row.email ?? '', row.role, row.orgId, row.teamIds.join(',')],
  json: (row) => compact({ email: row.email, role: row.role, org_id: row.orgId, team_ids: row.teamIds }),
};

export const orgsCommand = commandOf(orgs);
export const teamsCommand = commandOf(teams);
export const usersCommand = commandOf(users);

interface Command {
  readonly people: People;
  readonly io: CommandIo;
  readonly words: Words;
}

function commandOf<T extends Row>(kind: Kind<T>): (args: readonly string[], io: CommandIo) => Promise<number> {
  const actions: Readonly<Record<string, Action<(command: Command) => Promise<number>>>> = {
    list: { options: kind.options.list, run: async (command) => list(kind, command) },
    add: { options: kind.options.add, run: async (command) => add(kind, command) },
    set: {
      names: 1,
      options: kind.options.set,
      run: async (command) => change(kind, command, kind.patch(command.words)),
    },
    disable: { names: 1, run: async (command) => change(kind, command, { isDisabled: true }) },
    enable: { names: 1, run: async (command) => change(kind, command, { isDisabled: false }) },
    remove: { names: 1, options: ['yes'], run: async (command) => remove(kind, command) },
  };
  return async (args, io) =>
    runCommand({ args, io, help: kind.help, options: OPTIONS }, async (words) => {
      const action = actionOf(actions, words, kind.many);
      return withDesk({ words, io }, async ({ people }) => action({ people, io, words }));
    });
}

async function list<T extends Row>(kind: Kind<T>, { people, io, words }: Command): Promise<number> {
  const rows = kind.list(people, words);
  if (wantsJson(words)) io.stdout(`${jsonText({ data: rows.map((row) => recordOf(kind, row)) })}\n`);
  else {
    const cells = rows.map((row) => [row.id, row.name, stateOf(row), ...kind.cells(row)]);
    io.stdout(table([['ID', 'NAME', 'STATE', ...kind.head], ...cells]));
  }
  return EXIT.ok;
}

async function add<T extends Row>(kind: Kind<T>, { people, io, words }: Command): Promise<number> {
  return shown(kind, valueOf(await kind.add(people, words)), { io, words });
}

async function change<T extends Row>(kind: Kind<T>, { people, io, words }: Command, patch: Patch): Promise<number> {
  const id = idOf(words, kind.one, kind.many);
  if (Object.keys(patch).length === 0) throw new UsageError('say what to change');
  const row = valueOf(await kind.change(people, id, patch));
  if (row === undefined) throw new Error(`there is no ${kind.one} ${inert(id)}`);
  return shown(kind, row, { io, words });
}

async function remove<T extends Row>(kind: Kind<T>, { people, io, words }: Command): Promise<number> {
  const id = idOf(words, kind.one, kind.many);
  const known = kind.list(people, { ...words, values: {} }).find((row) => row.id === id);
  if (known === undefined) throw new Error(`there is no ${kind.one} ${inert(id)}`);
  const question = `Remove the ${kind.one} "${inert(known.name)}"? Its keys stop working within seconds.`;
  if (!(await isSure(words, io, question))) return EXIT.failed;
  valueOf(await kind.change(people, id, { isRemoved: true }));
  io.stdout(wantsJson(words) ? `${jsonText({ id, removed: true })}\n` : 'Removed. Its receipts stay.\n');
  return EXIT.ok;
}

function shown<T extends Row>(kind: Kind<T>, row: T, { io, words }: Pick<Command, 'io' | 'words'>): number {
  if (wantsJson(words)) io.stdout(`${jsonText(recordOf(kind, row))}\n`);
  else io.stdout(`The ${kind.one} "${inert(row.name)}" (${row.id}) is ${stateOf(row)}.\n`);
  return EXIT.ok;
}

function recordOf<T extends Row>(kind: Kind<T>, row: T): JsonRecord {
  const created_at = new Date(row.createdAtMs).toISOString();
  return { id: row.id, name: row.name, disabled: row.isDisabled, created_at, ...kind.json(row) };
}

function stateOf(row: Row): string {
  return row.isDisabled ? 'disabled' : 'active';
}

function needed(words: Words, name: string): string {
  const value = textOf(words, name);
  if (value === undefined) throw new UsageError(`--${name} is needed`);
  return value;
}
