/** What the benchmark needs of Linux: cores to pin to, and the CPU time of a process. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

/** The gateway has this core for itself; load generator and upstream share the other. */
export const GATEWAY_CORE = 0;
const LOAD_CORE = 1;
const QUIET_LOOK_MS = 150;
/** Work that is put off (rows into a store, logs) belongs to the requests before it; it must be over after this. */
const QUIET_MAX_MS = 5000;
/** A process at rest has its timers; more than this in `QUIET_LOOK_MS` is work. */
const REST_US = 5000;

/** Why CPU time cannot be measured here, if so. */
export function whyNot(): string | undefined {
  if (process.platform !== 'linux') return 'CPU time is read from /proc, which only Linux has';
  if (cpus().length < 2) return 'two cores are needed, one for the gateway and one for the load';
  return spawnSync('taskset', ['--version']).error === undefined ? undefined : 'taskset (util-linux) is not installed';
}

/** Puts this process, and what it starts from now on, on the load's core. */
export function pinSelf(): void {
  spawnSync('taskset', ['-a', '-c', '-p', String(LOAD_CORE), String(process.pid)]);
}

/** Microseconds of CPU that a process, its threads and its children have used: utime + stime of /proc, unrounded. */
export function cpuUs(pid: number): number {
  let sumNs = 0;
  for (const one of family(pid)) {
    for (const task of readdirSync(`/proc/${one}/task`)) {
      // The scheduler's own count, of which /proc/PID/stat shows only hundredths of a second.
      sumNs += Number(readFileSync(`/proc/${one}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
    }
  }
  return sumNs / 1000;
}

/** Waits until a process has done what it put off. */
export async function untilQuiet(pid: number): Promise<void> {
  const endMs = performance.now() + QUIET_MAX_MS;
  let isQuiet = false;
  while (!isQuiet && performance.now() < endMs) {
    const before = cpuUs(pid);
    await new Promise((resolve) => setTimeout(resolve, QUIET_LOOK_MS));
    isQuiet = cpuUs(pid) - before < REST_US;
  }
}

/** Resident memory of a process and its children, in MiB. */
export function residentMib(pid: number): number {
  const sizes = family(pid).map((one) => /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${one}/status`, 'utf8'))?.[1]);
  return Math.round(sizes.reduce((sum, size) => sum + Number(size ?? 0), 0) / 1024);
}

function family(pid: number): readonly number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(family)];
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly node: string;
}

/** What a reader of the numbers should know of the machine. */
export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    node: process.version,
  };
}

/** The machine in a line, for the head of a report. */
export function machineText({ cpu, cores, memoryGib, kernel, node }: Machine): string {
  return `${cpu}, ${cores} cores, ${memoryGib} GiB, Linux ${kernel}, Node ${node}`;
}

/** The commit that is measured, short. */
export function commit(): string {
  const found = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: import.meta.dirname, encoding: 'utf8' });
  return found.status === 0 ? found.stdout.trim() : 'an unknown commit';
}
