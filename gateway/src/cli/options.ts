/** Reads the words after a command, with errors that say what would be right. */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { err, ok, type Result } from '../lib/result.ts';

export interface Words {
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
}

/** `options` as `node:util` takes them; each at most once. */
export function readWords(args: readonly string[], options: ParseArgsOptionsConfig): Result<Words, string> {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
    const single: Record<string, string | boolean | undefined> = {};
    for (const [name, value] of Object.entries(values)) single[name] = Array.isArray(value) ? undefined : value;
    return ok({ values: single, positionals });
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}

/** A text option, or undefined. */
export function textOf(words: Words, name: string): string | undefined {
  const value = words.values[name];
  return typeof value === 'string' ? value : undefined;
}
