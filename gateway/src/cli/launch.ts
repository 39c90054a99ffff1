/** `turnout launch`: starts a coding tool that is already pointed at this gateway. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { urlHere } from './gateway-here.ts';
import type { CommandIo } from './io.ts';
import { TOOLS, type Setup, type Spoken, type Tool } from './launch-tools.ts';
import { textOf, type Words } from './options.ts';
import { EXIT, inert, told, UsageError, wordsOf } from './output.ts';

const HELP = `usage: turnout launch TOOL [option …] [-- ARGUMENT …]

Starts a coding tool that is already pointed at the gateway. What follows -- goes to the tool as it is.

${[...TOOLS].map(([name, { title, speaks }]) => `  ${name.padEnd(10)}${title.padEnd(13)}${speaks.join(', ')}`).join('\n')}

  --model NAME       a model, a route or an alias of the gateway
  --protocol NAME    where the tool speaks several (the first is the usual one)
  --url URL          of the gateway: else TURNOUT_URL, else this machine and the port of turnout.yaml
  --key KEY          a key of the gateway: else TURNOUT_KEY, which no other user of this machine can read
  --config FILE      the turnout.yaml to read the port from
`;

/** What a shell says of a command that it does not find (POSIX.1-2024, XCU 2.8.2). */
const EXIT_NOT_FOUND = 127;
/** A shell adds the signal's number to it for a command that a signal has ended. */
const EXIT_SIGNAL = 128;
/** Passed on to the tool. `turnout` itself waits for the tool's end. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Exit code: that of the tool, 128 + signal where one ended it, 127 where it is not installed, 1 no gateway known, 2 wrong usage. */
export function launchCommand(args: readonly string[], io: CommandIo): Promise<number> {
  const border = args.indexOf('--');
  const own = border < 0 ? args : args.slice(0, border);
  const rest = border < 0 ? [] : args.slice(border + 1);
  if (own.includes('--help')) {
    io.stdout(HELP);
    return Promise.resolve(EXIT.ok);
  }
  return told(io, HELP, () => launch(own, rest, io));
}

async function launch(own: readonly string[], rest: readonly string[], io: CommandIo): Promise<number> {
  const text = { type: 'string' } as const;
  const words = wordsOf(own, { url: text, key: text, model: text, protocol: text, config: text });
  const [name, stray] = words.positionals;
  if (stray !== undefined) throw new UsageError(`unexpected ${inert(stray)}: what is for the tool comes after --`);
  const tool = TOOLS.get(name ?? '');
  if (tool === undefined) throw new UsageError(name === undefined ? 'name a tool' : `there is no tool ${inert(name)}`);
  const protocol = protocolOf(tool, textOf(words, 'protocol'));
  const key = textOf(words, 'key') ?? io.env['TURNOUT_KEY'];
  if (key === undefined || key === '') {
    throw new Error('no key: set TURNOUT_KEY, or make one with `turnout keys create --name NAME`');
  }
  const url = await urlOf(words, io);
  const dir = mkdtempSync(join(io.env['TMPDIR'] ?? tmpdir(), 'turnout-launch-'));
  try {
    const setup = tool.setup({ url, key, model: textOf(words, 'model'), protocol, dir });
    writeFiles(dir, setup);
    return await run(tool, { ...setup, args: [...(setup.args ?? []), ...rest] }, io);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function protocolOf(tool: Tool, asked: string | undefined): Spoken {
  if (asked === undefined) return tool.speaks[0];
  const protocol = tool.speaks.find((spoken) => spoken === asked);
  if (protocol === undefined) throw new UsageError(`${tool.title} speaks ${tool.speaks.join(', ')}`);
  return protocol;
}

async function urlOf(words: Words, io: CommandIo): Promise<string> {
  const given = textOf(words, 'url') ?? io.env['TURNOUT_URL'];
  if (given === undefined) return urlHere(textOf(words, 'config') ?? io.env['TURNOUT_CONFIG'], io);
  if (!URL.canParse(given)) throw new UsageError(`${inert(given)} is not a URL`);
  const url = new URL(given);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new UsageError(`${inert(given)} is not an HTTP URL`);
  // People give the base URL that OpenAI's clients take; each tool gets its own form of it.
  return `${url.origin}${url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '')}`;
}

function writeFiles(dir: string, { files = {} }: Setup): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(dir, name);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, content, { mode: 0o600 });
  }
}

/** Runs the tool to its end, on our own input and output. */
function run(tool: Tool, setup: Setup, io: CommandIo): Promise<number> {
  // The root key of a gateway is no business of a tool that runs what a model writes.
  const env = { ...io.env, TURNOUT_ADMIN_KEY: undefined, ...setup.env };
  // `npm run turnout` goes to our own folder first, and the tool shall work in the user's.
  const cwd = (io.env['npm_lifecycle_event'] === 'turnout' ? io.env['INIT_CWD'] : undefined) ?? io.cwd;
  const child = spawn(tool.binary, setup.args ?? [], { cwd, env, stdio: 'inherit' });
  const passOn = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of SIGNALS) process.on(signal, passOn);
  return new Promise((done) => {
    const end = (code: number): void => {
      for (const signal of SIGNALS) process.off(signal, passOn);
      done(code);
    };
    child.once('error', (error: NodeJS.ErrnoException) => {
      const isMissing = error.code === 'ENOENT';
      const why = isMissing ? `is not installed. Install it with: npm install --global ${tool.npm}` : error.message;
      io.stderr(`turnout: ${tool.binary} ${why}\n`);
      end(isMissing ? EXIT_NOT_FOUND : EXIT.failed);
    });
    child.once('exit', (code, signal) => {
      end(code ?? EXIT_SIGNAL + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
