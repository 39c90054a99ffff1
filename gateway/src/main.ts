#!/usr/bin/env node
/** The command line: one word chooses the command, each command is a file. */
import { createInterface } from 'node:readline/promises';
import { join } from 'node:path';
import { loadCatalog } from './cli/catalog-file.ts';
import { catalogCommand, modelsCommand } from './cli/catalog.ts';
import { checkCommand } from './cli/check.ts';
import { discover, findingsOf } from './cli/discover.ts';
import { explainCommand } from './cli/explain.ts';
import { initCommand } from './cli/init.ts';
import type { CommandIo } from './cli/io.ts';
import { keysCommand } from './cli/keys.ts';
import { ledgerCommand } from './cli/ledger.ts';
import { serveCommand } from './cli/serve.ts';
import { simulateCommand } from './cli/simulate.ts';
import { usageCommand } from './cli/usage.ts';
import { VERSION } from './cli/version.ts';

type Command = (args: readonly string[], io: CommandIo) => Promise<number>;

const COMMANDS: Readonly<Record<string, { readonly run: Command; readonly does: string }>> = {
  serve: { run: serveCommand, does: 'start the gateway' },
  init: { run: initHere, does: 'write a first turnout.yaml' },
  check: { run: checkCommand, does: 'check a configuration: file, line and column of each error' },
  explain: { run: explainCommand, does: 'which target would take a request, and why the others not' },
  simulate: { run: simulateCommand, does: 'start fake providers' },
  keys: { run: keysCommand, does: 'create, list, disable and delete keys' },
  usage: { run: usageCommand, does: 'what was used and what it cost' },
  ledger: { run: ledgerCommand, does: 'recompute the ledger and compare' },
  models: { run: modelsCommand, does: 'list the models of the catalog' },
  catalog: { run: catalogCommand, does: 'show or take in a newer catalog' },
};

const io: CommandIo = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  env: process.env,
  cwd: process.cwd(),
  isTerminal: process.stdout.isTTY === true,
  ...(process.stdin.isTTY === true ? { confirm } : {}),
};

/** `init` writes down what it finds on this machine. */
async function initHere(words: readonly string[], to: CommandIo): Promise<number> {
  return initCommand(words, to, findingsOf(await discover(loadCatalog(join(to.cwd, 'data')), to.env, 0)));
}

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
if (command !== undefined) process.exitCode = await command.run(args, io);
else if (name === '--version' || name === 'version') io.stdout(`${VERSION}\n`);
else if (name === 'help' || name === '--help' || name === '-h') io.stdout(help());
else {
  io.stderr(`turnout: there is no command ${JSON.stringify(name)}\n\n${help()}`);
  process.exitCode = 2;
}
