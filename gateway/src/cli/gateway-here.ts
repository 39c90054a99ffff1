/** The gateway on this machine: where turnout.yaml says that it listens and that people reach it, or the default. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { configSchema, type Config } from '../config/schema.ts';
import { summary } from '../config/render.ts';
import { readConfigFile } from './config-file.ts';
import type { CommandIo } from './io.ts';

const ANY_ADDRESS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** `http://127.0.0.1:8787`; `named`: the file, where another than turnout.yaml. Throws an error for people. */
export async function urlHere(named: string | undefined, io: CommandIo): Promise<string> {
  return listening(await configHere(named, io), io);
}

/** Where people open its pages: `people.url`, else where it listens. Throws an error for people. */
export async function urlForPeople(io: CommandIo): Promise<string> {
  const config = await configHere(io.env['TURNOUT_CONFIG'], io);
  return config.people.url ?? listening(config, io);
}

function listening({ server }: Config, io: CommandIo): string {
  const host = ANY_ADDRESS.has(server.host) ? '127.0.0.1' : server.host;
  const port = io.env['TURNOUT_PORT'] ?? String(server.port);
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function configHere(named: string | undefined, io: CommandIo): Promise<Config> {
  const file = resolve(io.cwd, named ?? 'turnout.yaml');
  if (named === undefined && !existsSync(file)) return configSchema.parse({});
  const { result } = await readConfigFile(file, { file, env: io.env });
  if (!result.ok)
    throw new Error(`where the gateway listens is not known: ${summary(result.error)}. Name it: --url URL`);
  return result.value.config;
}
