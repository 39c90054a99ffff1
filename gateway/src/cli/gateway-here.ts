/** The gateway on this machine: where turnout.yaml says that it listens, or the default. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { configSchema } from '../config/schema.ts';
import { summary } from '../config/render.ts';
import { readConfigFile } from './config-file.ts';
import type { CommandIo } from './io.ts';

const ANY_ADDRESS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** `http://127.0.0.1:8787`; `named`: the file, where another than turnout.yaml. Throws an error for people. */
export async function urlHere(named: string | undefined, io: CommandIo): Promise<string> {
  const file = resolve(io.cwd, named ?? 'turnout.yaml');
  const isThere = named !== undefined || existsSync(file);
  const server = isThere ? await serverOf(file, io) : configSchema.parse({}).server;
  const host = ANY_ADDRESS.has(server.host) ? '127.0.0.1' : server.host;
  const port = io.env['TURNOUT_PORT'] ?? String(server.port);
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function serverOf(file: string, io: CommandIo): Promise<{ readonly host: string; readonly port: number }> {
  const { result } = await readConfigFile(file, { file, env: io.env });
  if (!result.ok) throw new Error(`where the gateway listens is not known: ${summary(result.error)}`);
  return result.value.config.server;
}
