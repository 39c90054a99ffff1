/** Servers that tests run against: installed where CI lacks them, started once for a whole run, ended with it. */
import { execFileSync } from 'node:child_process';
import { ownPostgres, postgresPrograms } from '../gateway/test/services/postgres.ts';
import { valkeyProgram } from '../gateway/test/services/valkey.ts';

/** Debian would start a server of its own beside ours (postgresql-common, createcluster.conf). */
const NO_CLUSTER = '/etc/postgresql-common/createcluster.conf';

export interface Services {
  /** Variables by which tests find them. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Starts what can be started here. A service that is not there is left out: the suites that need it say so, and fail under CI. */
export async function startServices(): Promise<Services> {
  if (valkeyProgram() === undefined && mayInstall()) installValkey();
  if (process.env['TURNOUT_TEST_POSTGRES'] !== undefined) return { env: {}, stop: async () => undefined };
  if (postgresPrograms() === undefined && mayInstall()) installPostgres();
  if (postgresPrograms() === undefined) return { env: {}, stop: async () => undefined };
  const postgres = await ownPostgres();
  return { env: { TURNOUT_TEST_POSTGRES: postgres.url }, stop: async () => postgres.remove() };
}

function mayInstall(): boolean {
  return process.env['CI'] === 'true' && process.getuid?.() === 0;
}

/** Suites start one of their own each, since they stop it and start it again. */
function installValkey(): void {
  run('apt-get update -qq');
  try {
    run('apt-get install -y -qq --no-install-recommends valkey-server');
  } catch {
    // Debian 12 has Redis 7 only, which is the same to us.
    run('apt-get install -y -qq --no-install-recommends redis-server');
  }
}

function run(command: string): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('sh', ['-c', command], { env, stdio: ['ignore', 'ignore', 'inherit'] });
}

function installPostgres(): void {
  run(
    `mkdir -p $(dirname ${NO_CLUSTER}) && { test -e ${NO_CLUSTER} || echo 'create_main_cluster = false' > ${NO_CLUSTER}; }`,
  );
  run('apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql');
}
