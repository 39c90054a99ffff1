/** How many processes shall serve, and where: from the command line, else from the file. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { WORKERS_MAX } from '../../config/server-schema.ts';

export interface Wanted {
  /** `auto`: one for each processor that this process may use. */
  readonly workers: number | 'auto' | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Crowd {
  readonly workers: number;
  readonly host: string;
  /** 0: the first worker finds one. */
  readonly port: number;
}

/** `4` or `auto`; undefined for anything else. */
export function readWorkers(text: string): number | 'auto' | undefined {
  if (text === 'auto') return text;
  const workers = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  return workers >= 1 && workers <= WORKERS_MAX ? workers : undefined;
}

/** What shall be started; undefined where one process serves alone, and where the file cannot be used: whoever serves tells why. */
export function crowdOf(wanted: Wanted): Crowd | undefined {
  const server = serverOf(wanted);
  if (server === undefined) return undefined;
  const asked = wanted.workers ?? server.workers;
  const workers = asked === 'auto' ? Math.min(availableParallelism(), WORKERS_MAX) : asked;
  if (workers === 1) return undefined;
  return { workers, host: wanted.host ?? server.host, port: wanted.port ?? server.port };
}

/** Reads the file only where it speaks of workers, or they are wanted anyway: most starts need not read it twice. */
function serverOf({ file, env, workers }: Wanted): Config['server'] | undefined {
  const text = textOf(file);
  if (workers === undefined && (text === undefined || !/\bworkers\b/.test(text))) return undefined;
  const parsed = parseConfig(text ?? '', { file, env });
  return parsed.ok ? parsed.value.config.server : undefined;
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
