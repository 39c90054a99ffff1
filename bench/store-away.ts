/**
 * `node bench/store-away.ts`: the hot path touches no database. Turnout runs on a PostgreSQL of its own, which is stopped and
 * started again in turns: CPU a request, latency, and every reply with the database there and with it gone. Afterwards its
 * ledger must have a receipt for each. With `--write` the table goes to `bench/results/`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ownPostgres } from '../gateway/test/services/postgres.ts';
import { startTurnout, startUpstream, type Turnout } from './gateways.ts';
import { openLoad, type Load, type Timing } from './load.ts';
import { commit, cpuUs, machine, machineText, pinSelf, untilQuiet, whyNot } from './machine.ts';

const ROUNDS = 5;
const WARM_UP_REQUESTS = 20_000;
const ROUND_REQUESTS = 6000;
const LONG_MS = 120_000;
const PER_SECOND = 100;
const PACED_MS = 3000;

interface Measured {
  /** Microseconds of the whole process: with the rows that the store's thread writes, where there is a store. */
  readonly cpuUs: number;
  readonly timings: readonly Timing[];
}

async function round(gateway: Turnout, load: Load): Promise<Measured> {
  const pid = gateway.pid ?? 0;
  await untilQuiet(pid);
  const before = cpuUs(pid);
  const made = await load.saturate(LONG_MS, ROUND_REQUESTS);
  await untilQuiet(pid);
  const each = (cpuUs(pid) - before) / made;
  return { cpuUs: each, timings: await load.pace(PER_SECOND, PACED_MS) };
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function row(name: string, rounds: readonly Measured[]): string {
  const cpu = rounds.map((one) => one.cpuUs).toSorted((a, b) => a - b);
  const times = rounds.flatMap(({ timings }) => timings.map(({ wholeMs }) => wholeMs)).toSorted((a, b) => a - b);
  const [p50, p99] = [0.5, 0.99].map((share) => quantile(times, share).toFixed(2));
  const range = `${(cpu[0] ?? 0).toFixed(0)}–${(cpu.at(-1) ?? 0).toFixed(0)}`;
  return `| ${name} | ${quantile(cpu, 0.5).toFixed(0)} (${range}) | ${p50} / ${p99} |`;
}

async function main(): Promise<void> {
  pinSelf();
  const isWritten = parseArgs({ options: { write: { type: 'boolean' } } }).values.write === true;
  const dir = mkdtempSync(join(tmpdir(), 'turnout-store-away-'));
  const [upstream, postgres] = await Promise.all([startUpstream(), ownPostgres()]);
  const env = { TURNOUT_STORE: postgres.url, TURNOUT_SECRET: '5'.repeat(64) };
  const gateway = await startTurnout({ dir, upstreamPort: upstream.port }, { env });
  try {
    const [shape] = gateway.cases;
    if (shape === undefined) throw new Error('there is no case');
    const load = await openLoad(gateway, shape);
    await load.saturate(LONG_MS, WARM_UP_REQUESTS);
    const there: Measured[] = [];
    const away: Measured[] = [];
    for (let at = 0; at < ROUNDS; at += 1) {
      there.push(await round(gateway, load));
      await postgres.stop();
      away.push(await round(gateway, load));
      await postgres.start();
      process.stderr.write(`bench: round ${at + 1} of ${ROUNDS}\n`);
    }
    load.close();
    await gateway.stop();
    const asked = 1 + WARM_UP_REQUESTS + ROUNDS * 2 * (ROUND_REQUESTS + (PER_SECOND * PACED_MS) / 1000);
    const receipts = gateway.receipts();
    const text = report({ there, away, receipts, asked });
    process.stdout.write(text);
    if (receipts < asked) throw new Error(`${receipts} receipts for at least ${asked} requests`);
    if (isWritten)
      writeFileSync(join(dirname(fileURLToPath(import.meta.url)), 'results', `${today()}-store-away.md`), text);
  } finally {
    await gateway.stop();
    await Promise.all([upstream.stop(), postgres.remove()]);
    rmSync(dir, { recursive: true, force: true });
  }
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}

interface Found {
  readonly there: readonly Measured[];
  readonly away: readonly Measured[];
  readonly receipts: number;
  readonly asked: number;
}

function report({ there, away, receipts, asked }: Found): string {
  return `# The store stopped, ${today()}

\`node bench/store-away.ts\` at ${commit()}. ${machineText(machine())}.

| the database | CPU a request, µs (range of the rounds) | latency at ${PER_SECOND} requests/s, ms, p50 / p99 |
| ------------ | --------------------------------------: | -------------------------------------------: |
${row('is there', there)}
${row('is stopped', away)}

1 KB in, 1 KB out, a key with a budget. PostgreSQL was stopped and started ${ROUNDS} times; every request was answered with 200 and the right number of bytes, also while it was gone.
Afterwards the ledger agreed, with ${receipts} receipts for at least ${asked} requests. CPU is that of the whole process: with the database there its rows are written too; while it is gone they wait in the journal and are written in the next round's time.

Left out: what PostgreSQL itself uses; a budget so small that a process must draw anew while the database is gone (it is refused with 503 then); more than ${(LONG_MS / 60_000).toFixed(0)} minutes without it.
`;
}

const reason = whyNot();
if (reason === undefined) await main();
else {
  process.stderr.write(`bench: it cannot run here: ${reason}\n`);
  process.exitCode = 1;
}
