/**
 * `node bench/workers.ts`: what several workers behind one port cost beside one process: CPU a request and memory, of all
 * processes together, on one core. Prints a table; the one in docs/decisions/2026-11-27-workers.md was made by it.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTurnout, startUpstream, type Turnout } from './gateways.ts';
import { openLoad } from './load.ts';
import { cpuUs, pinSelf, residentMib, untilQuiet, whyNot } from './machine.ts';

const WORKERS = [1, 2, 4];
const ROUNDS = 3;
const WARM_UP_REQUESTS = 8000;
const ROUND_REQUESTS = 4000;
const LONG_MS = 60_000;
/** A key is known to every worker within a second; each asking is a connection of its own. */
const KNOWN_IN_A_ROW = 40;

interface Row {
  readonly workers: number;
  readonly idleMib: number;
  readonly busyMib: number;
  /** The least of the rounds: what others take of the machine only adds. */
  readonly cpuUsPerRequest: number;
}

async function known(gateway: Turnout): Promise<void> {
  for (let inARow = 0; inARow < KNOWN_IN_A_ROW;) {
    const headers = { ...gateway.headers, connection: 'close' };
    const answer = await fetch(`http://127.0.0.1:${gateway.port}/v1/models`, { headers });
    await answer.arrayBuffer();
    inARow = answer.status === 200 ? inARow + 1 : 0;
  }
}

async function measured(dir: string, upstreamPort: number, workers: number): Promise<Row> {
  mkdirSync(dir);
  const gateway = await startTurnout({ dir, upstreamPort }, { workers });
  try {
    await known(gateway);
    const pid = gateway.pid ?? 0;
    const idleMib = residentMib(pid);
    const [shape] = gateway.cases;
    if (shape === undefined) throw new Error('there is no case');
    const load = await openLoad(gateway, shape);
    await load.saturate(LONG_MS, WARM_UP_REQUESTS * workers);
    const rounds: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await untilQuiet(pid);
      const before = cpuUs(pid);
      const made = await load.saturate(LONG_MS, ROUND_REQUESTS);
      await untilQuiet(pid);
      rounds.push((cpuUs(pid) - before) / made);
    }
    const busyMib = residentMib(pid);
    load.close();
    return { workers, idleMib, busyMib, cpuUsPerRequest: Math.min(...rounds) };
  } finally {
    await gateway.stop();
  }
}

const reason = whyNot();
if (reason === undefined) {
  pinSelf();
  const dir = mkdtempSync(join(tmpdir(), 'turnout-workers-'));
  const upstream = await startUpstream();
  process.stdout.write('| workers | MiB at rest | MiB under load | CPU a request, µs |\n| --- | --- | --- | --- |\n');
  for (const workers of WORKERS) {
    const row = await measured(join(dir, String(workers)), upstream.port, workers);
    process.stdout.write(`| ${workers} | ${row.idleMib} | ${row.busyMib} | ${row.cpuUsPerRequest.toFixed(0)} |\n`);
  }
  await upstream.stop();
  rmSync(dir, { recursive: true, force: true });
} else {
  process.stderr.write(`bench: it cannot run here: ${reason}\n`);
  process.exitCode = 1;
}
