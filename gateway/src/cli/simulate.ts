/** `turnout simulate`: fake providers on a port, until it is stopped. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Result } from '../lib/result.ts';
import { err, ok } from '../lib/result.ts';
import { readScript } from '../simulator/script.ts';
import type { SimulatorOptions } from '../simulator/simulator.ts';
import { startSimulator } from '../simulator/simulator.ts';
import type { WeatherOptions } from '../simulator/weather.ts';
import type { CommandIo } from './io.ts';

const USAGE = `usage: turnout simulate [options]

Serves fake providers in the dialects of OpenAI (chat completions), Anthropic (messages) and Gemini.

  --port N                port to listen on (default: a free one)
  --host ADDRESS          address to listen on (default 127.0.0.1)
  --recordings DIR        answer from recordings; what has none is a 404, unless --synthetic
  --synthetic             with --recordings: make up what has no recording
  --script FILE           answer by a script (YAML or JSON)
  --seed N                what made-up replies depend on (default 1)
  --ttft-ms N             time to the first byte of made-up replies
  --tokens-per-second N   speed of made-up replies
  --output-tokens N       their usual length
  --error-rate X          share of requests that fail, 0 to 1
  --rate-limit-rate X     share of requests that get 429, 0 to 1
  --outage FROM-TO[/EVERY] seconds since the start in which all requests fail; may be repeated
  --json                  print where it listens as JSON

The log is at /__simulator/log. See docs/guide/simulator.md.
`;

const OPTIONS = {
  port: { type: 'string' },
  host: { type: 'string' },
  recordings: { type: 'string' },
  synthetic: { type: 'boolean' },
  script: { type: 'string' },
  seed: { type: 'string' },
  'ttft-ms': { type: 'string' },
  'tokens-per-second': { type: 'string' },
  'output-tokens': { type: 'string' },
  'error-rate': { type: 'string' },
  'rate-limit-rate': { type: 'string' },
  outage: { type: 'string', multiple: true },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Values = ReturnType<typeof parseValues>;

const EXIT_OK = 0;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** Runs until `stop` fires, or SIGINT or SIGTERM where none is given. Exit codes: 0 stopped, 1 could not start, 2 wrong arguments. */
export async function simulateCommand(
  args: readonly string[],
  io: CommandIo,
  stop: AbortSignal = stopSignal(),
): Promise<number> {
  const values = attempt(() => parseValues(args));
  if (!values.ok) return fail(io, `${values.error}\n\n${USAGE}`, EXIT_USAGE);
  if (values.value.help === true) {
    io.stdout(USAGE);
    return EXIT_OK;
  }
  const options = attempt(() => optionsOf(values.value, io.cwd));
  if (!options.ok) return fail(io, options.error, EXIT_USAGE);
  const script = values.value.script === undefined ? undefined : await readScript(resolve(io.cwd, values.value.script));
  if (script?.ok === false) return fail(io, script.error, EXIT_FAILED);
  try {
    const simulator = await startSimulator({
      ...options.value,
      ...(script === undefined ? {} : { script: script.value }),
    });
    io.stdout(
      values.value.json === true
        ? `${JSON.stringify({ url: simulator.url, port: simulator.port })}\n`
        : `simulator listening on ${simulator.url}\n`,
    );
    await stopped(stop);
    await simulator.close();
    return EXIT_OK;
  } catch (error) {
    return fail(io, error instanceof Error ? error.message : String(error), EXIT_FAILED);
  }
}

function parseValues(args: readonly string[]) {
  return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: false }).values;
}

/** Runs `work`; what it throws becomes the error's text. */
function attempt<T>(work: () => T): Result<T, string> {
  try {
    return ok(work());
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}

function fail(io: CommandIo, message: string, code: number): number {
  io.stderr(`turnout simulate: ${message.trimEnd()}\n`);
  return code;
}

function optionsOf(values: Values, cwd: string): SimulatorOptions {
  const port = numberOf(values, 'port', { low: 0, high: 65_535, isWhole: true });
  const seed = numberOf(values, 'seed', { low: 0, high: Number.MAX_SAFE_INTEGER, isWhole: true });
  const ttftMs = numberOf(values, 'ttft-ms', { low: 0, high: 3_600_000, isWhole: false });
  const tokensPerSecond = numberOf(values, 'tokens-per-second', { low: 0.001, high: 1_000_000, isWhole: false });
  const outputTokens = numberOf(values, 'output-tokens', { low: 1, high: 100_000, isWhole: true });
  return {
    ...(values.host === undefined ? {} : { host: values.host }),
    ...(port === undefined ? {} : { port }),
    ...(seed === undefined ? {} : { seed }),
    ...(ttftMs === undefined ? {} : { ttftMs }),
    ...(tokensPerSecond === undefined ? {} : { tokensPerSecond }),
    ...(outputTokens === undefined ? {} : { outputTokens }),
    ...recordingsOf(values, cwd),
    weather: weatherOf(values),
  };
}

function recordingsOf(values: Values, cwd: string): Pick<SimulatorOptions, 'recordings'> {
  if (values.recordings === undefined) return {};
  const otherwise = values.synthetic === true ? 'synthetic' : 'not-found';
  return { recordings: { dir: resolve(cwd, values.recordings), otherwise } };
}

function weatherOf(values: Values): WeatherOptions {
  const share = { low: 0, high: 1, isWhole: false };
  const errorRate = numberOf(values, 'error-rate', share);
  const rateLimitRate = numberOf(values, 'rate-limit-rate', share);
  return {
    ...(errorRate === undefined ? {} : { errorRate }),
    ...(rateLimitRate === undefined ? {} : { rateLimitRate }),
    outages: (values.outage ?? []).map(outageOf),
  };
}

function outageOf(text: string): { readonly fromMs: number; readonly toMs: number; readonly everyMs?: number } {
  const match = /^(\d{1,6})-(\d{1,6})(?:\/(\d{1,6}))?$/.exec(text);
  const [, from, to, every] = match ?? [];
  if (from === undefined || to === undefined || Number(from) >= Number(to)) {
    throw new Error(`--outage ${text}: write FROM-TO or FROM-TO/EVERY in seconds, like 10-20 or 10-20/60`);
  }
  return {
    fromMs: Number(from) * 1_000,
    toMs: Number(to) * 1_000,
    ...(every === undefined ? {} : { everyMs: Number(every) * 1_000 }),
  };
}

type NumberName =
  | 'port'
  | 'seed'
  | 'ttft-ms'
  | 'tokens-per-second'
  | 'output-tokens'
  | 'error-rate'
  | 'rate-limit-rate';

function numberOf(
  values: Values,
  name: NumberName,
  bounds: { readonly low: number; readonly high: number; readonly isWhole: boolean },
): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value >= bounds.low && value <= bounds.high) || (bounds.isWhole && !Number.isInteger(value))) {
    throw new Error(
      `--${name} must be a ${bounds.isWhole ? 'whole ' : ''}number from ${bounds.low} to ${bounds.high}, not ${JSON.stringify(text)}`,
    );
  }
  return value;
}

function stopped(stop: AbortSignal): Promise<void> {
  if (stop.aborted) return Promise.resolve();
  return new Promise((done) => {
    stop.addEventListener('abort', () => done(), { once: true });
  });
}

function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}
