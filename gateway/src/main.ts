#!/usr/bin/env node
/** The command line: one word chooses the command, each command is a file. */
import { createInterface } from 'node:readline/promises';
import type { CommandIo } from './cli/io.ts';
import { readSecret } from './cli/read-secret.ts';
import { VERSION } from './cli/version.ts';

type Command = (args: readonly string[], io: CommandIo) => Promise<number>;

/** Each command is loaded when it is called: `keys list` need not wait for the gateway to be read. */
const COMMANDS: Readonly<Record<string, { readonly load: () => Promise<Command>; readonly does: string }>> = {
  serve: { load: async () => (await import('./cli/serve-command.ts')).serveCommand, does: 'start the gateway' },
  ready: {
    load: async () => (await import('./cli/ready.ts')).readyCommand,
    does: 'whether the gateway here can serve',
  },
  doctor: {
    load: async () => (await import('./cli/doctor.ts')).doctorCommand,
    does: 'check the machine, the store and all that a gateway needs',
  },
  init: { load: async () => (await import('./cli/init-here.ts')).initHereCommand, does: 'write a first turnout.yaml' },
  check: {
    load: async () => (await import('./cli/check.ts')).checkCommand,
    does: 'check a configuration: file, line and column of each error',
  },
  explain: {
    load: async () => (await import('./cli/explain.ts')).explainCommand,
    does: 'which target would take a request, and why the others not',
  },
  replay: {
    load: async () => (await import('./cli/replay.ts')).replayCommand,
    does: 'make a logged decision again, or run another policy over the log',
  },
  routes: {
    load: async () => (await import('./cli/routes.ts')).routesCommand,
    does: 'what each route does, in plain words',
  },
  simulate: { load: async () => (await import('./cli/simulate.ts')).simulateCommand, does: 'start fake providers' },
  keys: {
    load: async () => (await import('./cli/keys.ts')).keysCommand,
    does: 'create, list, disable and delete keys',
  },
  budgets: {
    load: async () => (await import('./cli/budgets.ts')).budgetsCommand,
    does: 'create, list and change budgets of teams, users, tags, models and more',
  },
  orgs: {
    load: async () => (await import('./cli/people.ts')).orgsCommand,
    does: 'list, add, change, disable and remove organisations',
  },
  teams: { load: async () => (await import('./cli/people.ts')).teamsCommand, does: 'the same for teams' },
  users: { load: async () => (await import('./cli/people.ts')).usersCommand, does: 'the same for users' },
  invite: {
    load: async () => (await import('./cli/invite.ts')).inviteCommand,
    does: 'a link by which someone makes an account, or sets a new password',
  },
  setup: {
    load: async () => (await import('./cli/setup.ts')).setupCommand,
    does: 'the link by which the first owner makes an account',
  },
  usage: { load: async () => (await import('./cli/usage.ts')).usageCommand, does: 'what was used and what it cost' },
  invoices: {
    load: async () => (await import('./cli/invoices.ts')).invoicesCommand,
    does: 'what each organisation is charged for a month',
  },
  residency: {
    load: async () => (await import('./cli/residency.ts')).residencyCommand,
    does: 'where each request had to be answered, and was',
  },
  batches: {
    load: async () => (await import('./cli/batches.ts')).batchesCommand,
    does: 'list batches, and how far each has come',
  },
  secrets: {
    load: async () => (await import('./cli/secrets.ts')).secretsCommand,
    does: 'keep credentials of providers, sealed',
  },
  ledger: {
    load: async () => (await import('./cli/ledger.ts')).ledgerCommand,
    does: 'recompute the ledger and compare',
  },
  audit: {
    load: async () => (await import('./cli/audit.ts')).auditCommand,
    does: 'who changed what, and the proof that nobody changed the record of it',
  },
  alerts: {
    load: async () => (await import('./cli/alerts.ts')).alertsCommand,
    does: 'list what you should know of, and say that it is dealt with',
  },
  models: {
    load: async () => (await import('./cli/catalog.ts')).modelsCommand,
    does: 'list the models of the catalog',
  },
  catalog: {
    load: async () => (await import('./cli/catalog.ts')).catalogCommand,
    does: 'show or take in a newer catalog',
  },
  migrate: {
    load: async () => (await import('./cli/migrate.ts')).migrateCommand,
    does: 'bring the database up to date, or say what that would do',
  },
  backup: {
    load: async () => (await import('./cli/backup.ts')).backupCommand,
    does: 'copy the database while it runs',
  },
  launch: {
    load: async () => (await import('./cli/launch.ts')).launchCommand,
    does: 'start a coding tool already pointed here',
  },
};

const io: CommandIo = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  env: process.env,
  cwd: process.cwd(),
  isTerminal: process.stdout.isTTY,
  ...(process.stdin.isTTY ? { confirm } : {}),
  readSecret: async (prompt) => readSecret(prompt, { input: process.stdin, output: process.stderr }),
};

async function confirm(question: string): Promise<boolean> {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await reader.question(`${question} [y/N] `);
  reader.close();
  return /^y(es)?$/i.test(answer.trim());
}

function help(): string {
  const rows = Object.entries(COMMANDS).map(([name, { does }]) => `  ${name.padEnd(10)}${does}`);
  return `turnout ${VERSION}\n\nusage: turnout COMMAND [OPTION …]\n\n${rows.join('\n')}\n`;
}

const [name = 'help', ...args] = process.argv.slice(2);
const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
if (command !== undefined) process.exitCode = await (await command.load())(args, io);
else if (name === '--version' || name === 'version') io.stdout(`${VERSION}\n`);
else if (name === 'help' || name === '--help' || name === '-h') io.stdout(help());
else {
  io.stderr(`turnout: there is no command ${JSON.stringify(name)}\n\n${help()}`);
  process.exitCode = 2;
}
