/** `turnout setup`: the one-time link by which the first owner makes an account. */
import { jsonText } from '../lib/json-text.ts';
import { DEFAULT_ORG_ID } from '../people/permissions.ts';
import type { People } from '../store/people-ports.ts';
import { withDesk } from './desk.ts';
import type { CommandIo } from './io.ts';
import { textOf } from './options.ts';
import { EXIT, runCommand, valueOf } from './output.ts';
import { originOf } from './people-words.ts';
import { noMore, wantsJson } from './words.ts';

const DAY_MS = 24 * 3_600_000;

const HELP = `turnout setup [--url ORIGIN]

  Prints a link by which the first owner makes an account, good for a day and for once.

  --url ORIGIN   where people reach the gateway (else TURNOUT_URL, else people.url of turnout.yaml, else where it listens)
  --data DIR     the data folder (else TURNOUT_DATA, else that of turnout.yaml)
  --json         for programs
`;

const OPTIONS = {
  data: { type: 'string' },
  url: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/** Runs `turnout setup`; gives the exit code. */
export async function setupCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return runCommand({ args, io, help: HELP, options: OPTIONS }, async (words) => {
    noMore(words.positionals);
    const origin = await originOf(textOf(words, 'url'), io);
    return withDesk({ words, io }, async ({ people }) => {
      const link = await newSetupLink(people, origin);
      if (link === undefined) throw new Error('The gateway has its first owner. Others come by `turnout invite`.');
      io.stdout(wantsJson(words) ? `${jsonText({ url: link })}\n` : `${link}\n`);
      return EXIT.ok;
    });
  });
}

/** A new link for the first owner; undefined where there is one already. Those made before are good until their day is over. */
export async function newSetupLink(people: People, origin: string): Promise<string | undefined> {
  const expiresAtMs = Date.now() + DAY_MS;
  const invite = { kind: 'setup', orgId: DEFAULT_ORG_ID, role: 'owner', expiresAtMs } as const;
  const made = await people.invite(invite, 'system');
  if (!made.ok && made.error.code === 'owner-exists') return undefined;
  return `${origin}/setup?token=${valueOf(made).token}`;
}
