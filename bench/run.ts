/**
 * `npm run bench`: CPU a request and added latency of Turnout beside nginx, Portkey's gateway and no gateway at all, then
 * a profile of Turnout. About four minutes; the result goes to `bench/results/`.
 * `--quick` takes less than one, with numbers to match: it prints and writes nothing. `--profile` only profiles.
 * `--against DIR` measures the Turnout of this checkout beside that of another: the before and after of a change.
 * `--translated` measures OpenAI's chat completions on the way to each other wire and back, beside the way to their own;
 * with `--profile` it profiles them, with `--against DIR` it compares.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { STREAM_EVENTS, type Case } from './cases.ts';
import {
  direct,
  PORTKEY_VERSION,
  startNginx,
  startPortkey,
  startTurnout,
  startUpstream,
  type Gateway,
  type TurnoutOptions,
} from './gateways.ts';
import { openLoad } from './load.ts';
import { commit, cpuUs, machine, pinSelf, residentMib, untilQuiet, whyNot } from './machine.ts';
import { profileClockUs, readShares, type ProfileShares } from './profile.ts';
import { cpuTable, tables, writeResult, type CpuResult, type LatencyResult, type Result } from './report.ts';
import { translatedOptions, translatedTable, writeTranslated, type TranslatedResult } from './translated.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const REQUESTS_PER_SECOND = 100;

interface Pace {
  readonly rounds: number;
  readonly warmUpMs: number;
  /** A warm-up is over after so many server-sent events or whole replies. */
  readonly warmUpMax: number;
  readonly cpuMs: number;
  readonly latencyRounds: number;
  readonly latencyMs: number;
  readonly profileMs: number;
}

/** V8 compiles for some ten thousand requests, in threads of its own; until then all that is measured is V8. */
const FULL: Pace = {
  rounds: 5,
  warmUpMs: 8000,
  warmUpMax: 20_000,
  cpuMs: 1500,
  latencyRounds: 2,
  latencyMs: 2500,
  profileMs: 4000,
};
const QUICK: Pace = {
  rounds: 2,
  warmUpMs: 800,
  warmUpMax: 20_000,
  cpuMs: 700,
  latencyRounds: 1,
  latencyMs: 1000,
  profileMs: 0,
};

interface Bench {
  readonly gateways: readonly Gateway[];
  readonly pace: Pace;
  /** Requests made so far, by gateway. */
  readonly made: Map<string, number>;
}

async function main(args: readonly string[]): Promise<number> {
  const reason = whyNot();
  if (reason !== undefined) {
    process.stderr.write(`bench: it cannot run here: ${reason}\n`);
    return 1;
  }
  pinSelf();
  const words = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean' },
      profile: { type: 'boolean' },
      against: { type: 'string' },
      translated: { type: 'boolean' },
    },
  }).values;
  const pace = words.quick === true ? QUICK : FULL;
  const dir = mkdtempSync(join(tmpdir(), 'turnout-bench-'));
  const upstream = await startUpstream();
  try {
    const at = { dir, upstreamPort: upstream.port };
    const options: TurnoutOptions = words.translated === true ? translatedOptions(upstream.port) : {};
    if (words.profile === true) {
      const profiles = await profileAll(at, FULL, options);
      for (const [title, shares] of Object.entries(profiles)) printProfile(title, shares);
      return 0;
    }
    if (words.against !== undefined) {
      const cpu = await compareWith(at, words.against, options);
      process.stdout.write(`\n${cpuTable(cpu, options.cases ?? direct(upstream.port).cases)}\n`);
      return 0;
    }
    if (words.translated === true) {
      const result = await measureTranslated(at, pace, options);
      process.stdout.write(`\n${translatedTable(result)}\n`);
      if (pace === FULL) process.stdout.write(`\nwritten: ${writeTranslated(join(HERE, 'results'), result)}\n`);
      return 0;
    }
    const measured = await compare(at, pace);
    const profiles = pace.profileMs === 0 ? {} : await profileAll(at, pace);
    const result = { ...measured, profiles };
    process.stdout.write(`\n${tables(result)}\n`);
    if (pace === FULL) process.stdout.write(`\nwritten: ${writeResult(join(HERE, 'results'), result)}\n`);
    return 0;
  } finally {
    await upstream.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

interface Place {
  readonly dir: string;
  readonly upstreamPort: number;
}

async function compare(at: Place, pace: Pace): Promise<Omit<Result, 'profiles'>> {
  say('starting the gateways');
  const nginx = await startNginx(inside(at, 'nginx'));
  const turnout = await startTurnout(inside(at, 'turnout'));
  const portkey = await startPortkey(inside(at, 'portkey'));
  const gateways = [
    direct(at.upstreamPort),
    ...(nginx === undefined ? [] : [nginx]),
    turnout,
    ...(typeof portkey === 'string' ? [] : [portkey]),
  ];
  const missing = [
    ...(nginx === undefined ? ['nginx is not installed here and was left out.'] : []),
    ...(typeof portkey === 'string' ? [`Portkey's gateway ${PORTKEY_VERSION} was left out: ${portkey}`] : []),
  ];
  for (const one of missing) say(one);
  const bench: Bench = { gateways, pace, made: new Map() };
  try {
    await warmUp(bench);
    const cpu = await measureCpu(bench);
    const latency = await measureLatency(bench);
    await untilQuiet(turnout.pid ?? 0);
    const receipts = { expected: bench.made.get(turnout.name) ?? 0, found: turnout.receipts() };
    if (receipts.expected !== receipts.found) {
      throw new Error(`Turnout's ledger has ${receipts.found} receipts for ${receipts.expected} requests`);
    }
    return {
      date: new Date().toISOString().slice(0, 10),
      commit: commit(),
      machine: machine(),
      gateways: gateways.map(({ name, version, pid }) => ({
        name,
        version,
        ...(pid === undefined ? {} : { residentMib: residentMib(pid) }),
      })),
      missing,
      cases: turnout.cases.map(({ id, title }) => ({ id, title })),
      rounds: pace.rounds,
      requestsPerSecond: REQUESTS_PER_SECOND,
      cpu,
      latency,
      receipts,
    };
  } finally {
    await Promise.all(gateways.map(async (gateway) => gateway.stop()));
  }
}

async function measureTranslated(at: Place, pace: Pace, options: TurnoutOptions): Promise<TranslatedResult> {
  const turnout = await startTurnout(inside(at, 'turnout'), options);
  const bench: Bench = { gateways: [turnout], pace, made: new Map() };
  try {
    await warmUp(bench);
    const cpu = await measureCpu(bench);
    const date = new Date().toISOString().slice(0, 10);
    return { date, commit: commit(), machine: machine(), rounds: pace.rounds, cpu };
  } finally {
    await turnout.stop();
  }
}

function inside(at: Place, name: string): Place {
  const dir = join(at.dir, name);
  mkdirSync(dir);
  return { ...at, dir };
}

async function compareWith(at: Place, root: string, options: TurnoutOptions): Promise<readonly CpuResult[]> {
  const nginx = options.cases === undefined ? await startNginx(inside(at, 'nginx')) : undefined;
  const now = await startTurnout(inside(at, 'now'), options);
  const before = await startTurnout(inside(at, 'before'), { ...options, root: resolve(root), name: 'before' });
  const bench: Bench = {
    gateways: [...(nginx === undefined ? [] : [nginx]), now, before],
    pace: FULL,
    made: new Map(),
  };
  try {
    await warmUp(bench);
    return await measureCpu(bench);
  } finally {
    await Promise.all(bench.gateways.map(async (gateway) => gateway.stop()));
  }
}

async function warmUp(bench: Bench): Promise<void> {
  for (const gateway of bench.gateways) {
    for (const of of gateway.cases) {
      const load = await openLoad(gateway, of);
      const { warmUpMs, warmUpMax } = bench.pace;
      const replies = await load.saturate(warmUpMs, of.isStreaming ? warmUpMax / STREAM_EVENTS : warmUpMax);
      load.close();
      note(bench, gateway, replies + 1);
      say(`warm: ${gateway.name}, ${of.title}: ${replies} replies`);
    }
  }
}

async function measureCpu(bench: Bench): Promise<readonly CpuResult[]> {
  const sums = new Map<string, CpuResult & { cpuUs: number[] }>();
  for (let round = 1; round <= bench.pace.rounds; round += 1) {
    for (const [gateway, of] of turns(bench)) {
      if (gateway.pid === undefined) continue;
      const result = sums.get(`${of.id} ${gateway.name}`) ?? { case: of.id, gateway: gateway.name, cpuUs: [] };
      sums.set(`${of.id} ${gateway.name}`, result);
      result.cpuUs.push(await cpuARequest(bench, gateway, of));
    }
    say(`CPU: round ${round} of ${bench.pace.rounds}`);
  }
  return [...sums.values()];
}

/** Case by case, and within a case each gateway after the other. */
function turns({ gateways }: Bench): readonly (readonly [Gateway, Case])[] {
  const [first] = gateways;
  return (first?.cases ?? []).flatMap((_, index) =>
    gateways.flatMap((gateway) => {
      const of = gateway.cases[index];
      return of === undefined ? [] : [[gateway, of] as const];
    }),
  );
}

async function cpuARequest(bench: Bench, gateway: Gateway, of: Case): Promise<number> {
  const pid = gateway.pid ?? 0;
  const load = await openLoad(gateway, of);
  await untilQuiet(pid);
  const before = cpuUs(pid);
  const replies = await load.saturate(bench.pace.cpuMs);
  await untilQuiet(pid);
  const after = cpuUs(pid);
  load.close();
  note(bench, gateway, replies + 1);
  return (after - before) / replies;
}

async function measureLatency(bench: Bench): Promise<readonly LatencyResult[]> {
  const sums = new Map<string, LatencyResult & { timesMs: number[] }>();
  for (let round = 1; round <= bench.pace.latencyRounds; round += 1) {
    for (const [gateway, of] of turns(bench)) {
      const load = await openLoad(gateway, of);
      const timings = await load.pace(REQUESTS_PER_SECOND, bench.pace.latencyMs);
      load.close();
      note(bench, gateway, timings.length + 1);
      const result = sums.get(`${of.id} ${gateway.name}`) ?? { case: of.id, gateway: gateway.name, timesMs: [] };
      sums.set(`${of.id} ${gateway.name}`, result);
      result.timesMs.push(...timings.map((timing) => (of.isStreaming ? timing.firstMs : timing.wholeMs)));
    }
    say(`latency: round ${round} of ${bench.pace.latencyRounds}`);
  }
  return [...sums.values()];
}

function note(bench: Bench, gateway: Gateway, requests: number): void {
  bench.made.set(gateway.name, (bench.made.get(gateway.name) ?? 0) + requests);
}

/** A Turnout of its own for each case, since a profile is written when its process ends. */
async function profileAll(
  at: Place,
  pace: Pace,
  options: TurnoutOptions = {},
): Promise<Readonly<Record<string, ProfileShares>>> {
  const profiles: Record<string, ProfileShares> = {};
  const cases = options.cases ?? direct(at.upstreamPort).cases;
  for (const [index, { title }] of cases.entries()) {
    const place = inside(at, `profile-${index}`);
    const nodeArgs = ['--cpu-prof', `--cpu-prof-dir=${place.dir}`, '--cpu-prof-interval=500'];
    const turnout = await startTurnout(place, { ...options, nodeArgs });
    const of = turnout.cases[index];
    if (of === undefined) throw new Error(`Turnout has no case ${title}`);
    const load = await openLoad(turnout, of);
    await load.saturate(pace.warmUpMs);
    const fromUs = profileClockUs();
    await load.saturate(pace.profileMs);
    const toUs = profileClockUs();
    load.close();
    await turnout.stop();
    profiles[title] = readShares(place.dir, fromUs, toUs);
    say(`profile: ${title}`);
  }
  return profiles;
}

function printProfile(title: string, { rooms, functions }: ProfileShares): void {
  const lines = [...rooms, ...functions].map((one) => `  ${(one.share * 100).toFixed(1).padStart(5)}%  ${one.name}`);
  process.stdout.write(`\n${title}\n${lines.join('\n')}\n`);
}

function say(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}

process.exitCode = await main(process.argv.slice(2));
