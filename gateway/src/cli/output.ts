/** How commands print: text that does no harm in a terminal, tables, and the folder that they work on. */
import { resolve } from 'node:path';
import type { ParseArgsOptionsConfig } from 'node:util';
import type { Fault } from '../chat/fault.ts';
import type { Result } from '../lib/result.ts';
import type { CommandIo } from './io.ts';
import { readWords, type Words } from './options.ts';

/** Where the data is when nothing names it. */
const DATA_DIR = './data';

/** Exit codes of commands: as a shell expects them. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** Where a catalog that was taken in is looked for: `--data`, `TURNOUT_DATA`, `./data`. The data of a gateway are where `dataHere` says. */
export function dataDirOf(option: string | undefined, io: CommandIo): string {
  return resolve(io.cwd, option ?? io.env['TURNOUT_DATA'] ?? DATA_DIR);
}

/** Text from outside (names, tags) without the characters by which it could command a terminal or break a line. */
export function inert(text: string): string {
  return text.replaceAll(/\p{C}/gu, '\uFFFD');
}

/** Columns side by side, the first row as the head. Cells are made inert. */
export function table(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(inert));
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

/** A mistake in the words after a command: told together with the help. */
export class UsageError extends Error {}

/** Runs a command. What it throws is told on stderr: exit code 2 and the help for a mistake in its words, else 1. */
export async function told(io: CommandIo, help: string, run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    const isUsage = error instanceof UsageError;
    io.stderr(`turnout: ${error instanceof Error ? error.message : 'unknown error'}\n${isUsage ? `\n${help}` : ''}`);
    return isUsage ? EXIT.usage : EXIT.failed;
  }
}

/** A command as its own file describes it. */
export interface CommandForm {
  /** The words after its name. */
  readonly args: readonly string[];
  readonly io: CommandIo;
  readonly help: string;
  /** As `node:util` takes them, `help` among them. */
  readonly options: ParseArgsOptionsConfig;
}

/** Runs a command with its words, or shows its help; what it throws is told. Gives the exit code. */
export async function runCommand(
  { args, io, help, options }: CommandForm,
  run: (words: Words) => Promise<number>,
): Promise<number> {
  return told(io, help, async () => {
    const words = wordsOf(args, options);
    if (words.values['help'] !== true) return run(words);
    io.stdout(help);
    return EXIT.ok;
  });
}

/** The words after a command, or a `UsageError`. */
export function wordsOf(args: readonly string[], options: ParseArgsOptionsConfig): Words {
  const words = readWords(args, options);
  if (!words.ok) throw new UsageError(words.error);
  return words.value;
}

/** One of the things that a command does, and what may stand behind its word. */
export interface Action<Run> {
  /** Of the command's options, beside `data`, `json` and `help`. */
  readonly options?: readonly string[];
  /** How many names; none where it is absent. */
  readonly names?: number;
  readonly run: Run;
}

/** Options that go with everything. */
const GENERAL: readonly string[] = ['data', 'json', 'help'];

/**
 * What the first word after a command asks for, or a `UsageError`: also for an option or a name that it does not take, since whoever disables two keys
 * must not believe that both are. `command`: as it is typed (`keys`).
 */
export function actionOf<Run>(
  actions: Readonly<Record<string, Action<Run>>>,
  { positionals: [name, ...names], values }: Words,
  command: string,
): Run {
  if (name === undefined) throw new UsageError(`say what to do with ${command}`);
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action === undefined) throw new UsageError(`there is no command "${command} ${inert(name)}"`);
  const { options = [], names: most = 0, run } = action;
  const [stray] = names.slice(most);
  if (stray !== undefined)
    throw new UsageError(`"${command} ${name}" takes ${wordsFor(most)}: ${inert(stray)} is too much`);
  const option = Object.keys(values).find((one) => !GENERAL.includes(one) && !options.includes(one));
  if (option !== undefined) throw new UsageError(`--${option} does not go with "${command} ${name}"`);
  return run;
}

function wordsFor(names: number): string {
  return names === 0 ? 'options only' : 'one id';
}

/** The value, or an error for people with the text of the fault. */
export function valueOf<T>(result: Result<T, Fault>): T {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}
