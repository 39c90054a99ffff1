/** What several commands read of their words, each with an error that says what would be right. */
import type { NanoUsd } from '../money/price.ts';
import { parseUsd } from '../money/usd.ts';
import type { CommandIo } from './io.ts';
import { textOf, type Words } from './options.ts';
import { inert, UsageError } from './output.ts';

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Whether a program will read it. */
export function wantsJson(words: Words): boolean {
  return words.values['json'] === true;
}

/** The id behind the action: `of` as people call it (`key`), `command` as it is typed (`keys`). */
export function idOf(words: Words, of: string, command: string): string {
  const id = words.positionals[1];
  if (id === undefined) throw new UsageError(`say which ${of}: its id, as "turnout ${command} list" shows it`);
  return id;
}

/** An amount of dollars. */
export function amountOf(words: Words, name: string): NanoUsd | undefined {
  const text = textOf(words, name);
  if (text === undefined) return undefined;
  const nanoUsd = parseUsd(text);
  if (nanoUsd === undefined)
    throw new UsageError(`--${name}: "${inert(text)}" is not an amount of dollars, like 25 or 0.50`);
  return nanoUsd;
}

/** How long from now, in milliseconds: `90s`, `30m`, `24h`, `7d`. */
export function durationOf(text: string): number {
  const [, count = '', unit = 's'] = /^(\d{1,6})([smhd]?)$/.exec(text) ?? [];
  if (count === '') throw new UsageError(`"${inert(text)}" is not a time span, like 24h or 30m`);
  return Number(count) * (UNITS[unit === '' ? 's' : unit] ?? 0);
}

/** Items with commas between them; empty ones are none. */
export function listOf(text: string | undefined): readonly string[] | undefined {
  return text?.split(',').flatMap((item) => (item.trim() === '' ? [] : [item.trim()]));
}

/** Refuses words that are too many. */
export function noMore([stray]: readonly string[]): void {
  if (stray !== undefined) throw new UsageError(`unexpected ${inert(stray)}`);
}

/** Asks before what cannot be undone, where there is somebody to ask and `--yes` does not stand there. */
export async function isSure(words: Words, io: CommandIo, question: string): Promise<boolean> {
  return words.values['yes'] === true || io.confirm === undefined || io.confirm(question);
}
