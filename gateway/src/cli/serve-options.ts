/** The words after `turnout serve`, and the environment's that stand for them. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { WORKERS_MAX } from '../config/server-schema.ts';
import type { CommandIo } from './io.ts';
import { readWords, textOf, type Words } from './options.ts';
import { readWorkers } from './workers/wanted.ts';

export interface ServeOptions {
  readonly file: string;
  readonly isFirstRun: boolean;
  readonly port: number | undefined;
  readonly host: string | undefined;
  readonly data: string | undefined;
  readonly workers: number | 'auto' | undefined;
}

/** What is to be served, or what is wrong with the words. */
export function readServeOptions(args: readonly string[], io: CommandIo): ServeOptions | string {
  const text = { type: 'string' } as const;
  const words = readWords(args, { config: text, port: text, host: text, data: text, workers: text });
  if (!words.ok) return words.error;
  const [stray] = words.value.positionals;
  if (stray !== undefined) return `unexpected ${stray}`;
  const port = textOf(words.value, 'port') ?? io.env['TURNOUT_PORT'];
  if (port !== undefined && !isPort(port)) return `--port must be 0 to 65535, not ${port}`;
  const workers = textOf(words.value, 'workers');
  if (workers !== undefined && readWorkers(workers) === undefined)
    return `--workers must be 1 to ${WORKERS_MAX} or auto, not ${workers}`;
  return {
    ...fileOf(words.value, io),
    port: port === undefined ? undefined : Number(port),
    host: textOf(words.value, 'host'),
    data: textOf(words.value, 'data') ?? io.env['TURNOUT_DATA'],
    workers: workers === undefined ? undefined : readWorkers(workers),
  };
}

function fileOf(words: Words, io: CommandIo): Pick<ServeOptions, 'file' | 'isFirstRun'> {
  const named = textOf(words, 'config') ?? io.env['TURNOUT_CONFIG'];
  const file = resolve(io.cwd, named ?? 'turnout.yaml');
  return { file, isFirstRun: named === undefined && !existsSync(file) };
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
}
