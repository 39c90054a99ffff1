/** What tests run against: installed where CI lacks it, started once for a whole run, ended with it. */
import { execFileSync } from 'node:child_process';
import { helmProgram, installHelm } from '../gateway/test/services/helm.ts';
import { ownPostgres, postgresPrograms } from '../gateway/test/services/postgres.ts';
import { valkeyProgram } from '../gateway/test/services/valkey.ts';

/** Debian would start a server of its own beside ours (postgresql-common, createcluster.conf). */
const NO_CLUSTER = '/etc/postgresql-common/createcluster.conf';
/** Another apt may be at work, as machines do after their start; and a mirror may fail once. */
const APT = 'apt-get -qq -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3';

/** A mirror that says nothing may not hold the run. */
const INSTALL_MS_MAX = 10 * 60 * 1000;

export interface Services {
  /** Variables by which tests find them. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Starts what can be started here. What is not there is left out: the suites that need it say so, and fail under CI. */
export async function startServices(): Promise<Services> {
  if (process.env['CI'] === 'true') installMissing();
  if (process.env['TURNOUT_TEST_POSTGRES'] !== undefined || postgresPrograms() === undefined)
    return { env: {}, stop: async () => undefined };
  const postgres = await ownPostgres();
  return { env: { TURNOUT_TEST_POSTGRES: postgres.url }, stop: async () => postgres.remove() };
}

function installMissing(): void {
  const isRoot = process.getuid?.() === 0;
  const needsPostgres = process.env['TURNOUT_TEST_POSTGRES'] === undefined && postgresPrograms() === undefined;
  const needsValkey = valkeyProgram() === undefined;
  const needsUnzip = helmProgram() === undefined && !succeeds('command -v unzip');
  if (isRoot && (needsPostgres || needsValkey || needsUnzip)) {
    run(`${APT} update`);
    if (needsPostgres) installPostgres();
    if (needsValkey) installValkey();
    if (needsUnzip) install('unzip');
  }
  try {
    if (helmProgram() === undefined) installHelm();
  } catch (error) {
    // Only the suite of the chart needs it, and fails then.
    process.stderr.write(`Helm could not be installed: ${String(error)}\n`);
  }
}

function installPostgres(): void {
  run(
    `mkdir -p $(dirname ${NO_CLUSTER}) && { test -e ${NO_CLUSTER} || echo 'create_main_cluster = false' > ${NO_CLUSTER}; }`,
  );
  install('postgresql');
}

/** Suites start one of their own each, since they stop it and start it again. */
function installValkey(): void {
  // Debian 12 has Redis 7 only, which is the same to us.
  install(succeeds('apt-cache show valkey-server') ? 'valkey-server' : 'redis-server');
}

function install(name: string): void {
  run(`${APT} install -y --no-install-recommends ${name}`);
}

function succeeds(command: string): boolean {
  try {
    execFileSync('sh', ['-c', command], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function run(command: string): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('sh', ['-c', command], { env, stdio: ['ignore', 'ignore', 'inherit'], timeout: INSTALL_MS_MAX });
}
