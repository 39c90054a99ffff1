/** The result as a page and as JSON. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Case } from './cases.ts';
import { machineText, type Machine } from './machine.ts';
import type { ProfileShares } from './profile.ts';

export interface CpuResult {
  readonly case: string;
  readonly gateway: string;
  /** Microseconds of CPU a request, one number a round. */
  readonly cpuUs: readonly number[];
}

export interface LatencyResult {
  readonly case: string;
  readonly gateway: string;
  /** To the first bytes of the reply's body for streams, to the last byte for whole replies. */
  readonly timesMs: readonly number[];
}

export interface Result {
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
  readonly gateways: readonly { readonly name: string; readonly version: string; readonly residentMib?: number }[];
  readonly missing: readonly string[];
  readonly cases: readonly CaseName[];
  readonly rounds: number;
  readonly requestsPerSecond: number;
  readonly cpu: readonly CpuResult[];
  readonly latency: readonly LatencyResult[];
  readonly receipts: { readonly expected: number; readonly found: number };
  readonly profiles: Readonly<Record<string, ProfileShares>>;
}

/** The middle of some numbers; the mean of the two in the middle where there is none. */
export function median(numbers: readonly number[]): number {
  return (
    (percentile(numbers, 0.5) +
      -percentile(
        numbers.map((one) => -one),
        0.5,
      )) /
    2
  );
}

/** The smallest number that is not below the given share of them. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

type CaseName = Pick<Case, 'id' | 'title'>;

/** The tables alone. */
export function tables(result: Result): string {
  return [cpuTable(result.cpu, result.cases), '', ...latencyTable(result)].join('\n');
}

/** Medians and ranges, then the ratios of Turnout to the others. */
export function cpuTable(results: readonly CpuResult[], cases: readonly CaseName[]): string {
  const head = ['CPU a request, µs (range of the rounds)', ...cases.map((one) => one.title)];
  const names = [...new Set(results.map((one) => one.gateway))];
  const cpuOf = (of: CaseName, name: string): readonly number[] =>
    results.find((one) => one.case === of.id && one.gateway === name)?.cpuUs ?? [];
  const rows = names.map((name) => [
    name,
    ...cases.map((of) => {
      const rounds = cpuOf(of, name);
      return `${amount(median(rounds))} (${amount(Math.min(...rounds))}–${amount(Math.max(...rounds))})`;
    }),
  ]);
  const ratios = names
    .filter((name) => name !== 'Turnout')
    .map((other) => [
      `**Turnout : ${other}**`,
      ...cases.map((of) => `**${(median(cpuOf(of, 'Turnout')) / median(cpuOf(of, other))).toFixed(2)} ×**`),
    ]);
  return [head, ['---', ...cases.map(() => '---:')], ...rows, ...ratios].map(tableLine).join('\n');
}

function tableLine(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function latencyTable(result: Result): readonly string[] {
  const { cases } = result;
  const head = [
    `latency added at ${result.requestsPerSecond} requests/s, ms, p50 / p99`,
    ...cases.map((one) => one.title),
  ];
  const rows = [...new Set(result.latency.map((one) => one.gateway))].map((name) => [
    name === 'direct' ? 'direct (not added: its own)' : name,
    ...cases.map((of) => {
      const own = latencyOf(result, of.id, name);
      const base = name === 'direct' ? [0] : latencyOf(result, of.id, 'direct');
      return [0.5, 0.99].map((share) => (percentile(own, share) - percentile(base, share)).toFixed(2)).join(' / ');
    }),
  ]);
  return [head, ['---', ...cases.map(() => '---:')], ...rows].map(tableLine);
}

function latencyOf(result: Result, caseId: string, gateway: string): readonly number[] {
  return result.latency.find((one) => one.case === caseId && one.gateway === gateway)?.timesMs ?? [];
}

function amount(us: number): string {
  return us < 100 ? us.toFixed(1) : String(Math.round(us));
}

/** Writes `DATE.md` and `DATE.json`, and gives the path of the page. */
export function writeResult(dir: string, result: Result): string {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, `${result.date}.md`);
  writeFileSync(path, page(result));
  const short = {
    ...result,
    latency: result.latency.map(({ timesMs, ...rest }) => ({ ...rest, ...summary(timesMs) })),
  };
  writeFileSync(join(dir, `${result.date}.json`), `${JSON.stringify(short, undefined, 2)}\n`);
  return path;
}

function summary(timesMs: readonly number[]): Readonly<Record<string, number>> {
  return { samples: timesMs.length, p50Ms: percentile(timesMs, 0.5), p99Ms: percentile(timesMs, 0.99) };
}

function page(result: Result): string {
  const { machine, receipts } = result;
  const versions = result.gateways.filter((one) => one.version !== '').map((one) => `${one.name} ${one.version}`);
  const memory = result.gateways.flatMap((one) =>
    one.residentMib === undefined ? [] : [`${one.name} ${one.residentMib} MiB`],
  );
  return `# Benchmark of ${result.date}

\`npm run bench\` at ${result.commit}. ${machineText(machine)}. ${versions.join(', ')}.
${result.missing.map((one) => `\n${one}\n`).join('')}
${tables(result)}

Medians of ${result.rounds} rounds; in each round the gateways take turns, so that a slow minute of the machine is slow for all. The gateway has one core for itself, load generator and upstream the other.
CPU is user and system time of the gateway's processes and threads, with the work that it puts off (rows into the database, logs). Every reply was checked: status, and length in bytes.
Turnout ran with its default settings: key check, limits, model rewrite, budget, journal, ledger and request log; afterwards its ledger had ${receipts.found} receipts for ${receipts.expected} requests. nginx is a plain proxy with keep-alive on both sides and an access log.
${memory.length === 0 ? '' : `Resident memory at the end: ${memory.join(', ')}.\n`}
## Where Turnout's time goes

Self time of V8's profiler (\`--cpu-prof\`) by room, idle time left out; a built-in function counts for its caller.

${Object.entries(result.profiles)
  .map(([title, shares]) => profileText(title, shares))
  .join('\n')}
## What this leaves out

TLS on either side; a real network with its round trips; more than one core; compressed replies; translation between protocols (\`npm run bench -- --translated\` measures it); fallbacks and retries; thousands of open streams; the garbage of hours; the time a model takes, beside which all of this is small.
A plain proxy does none of what a gateway is for; it stands here as the floor. Portkey's gateway keeps no books of its own and checks no key.
`;
}

function profileText(title: string, { rooms }: ProfileShares): string {
  const cells = rooms.map((one) => `${one.name} ${(one.share * 100).toFixed(1)}%`);
  return `- **${title}**: ${cells.join(', ')}\n`;
}
