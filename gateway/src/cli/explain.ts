/** `turnout explain`: which targets would take a request, in what order, and why the others not. Nothing is sent. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gateDialects } from '../dialects/index.ts';
import { rests } from '../health/rests.ts';
import { asArray, asRecord, asString, type JsonRecord } from '../lib/json.ts';
import { parseBody } from '../pipeline/body.ts';
import { explain } from '../pipeline/explain.ts';
import type { KeyRow } from '../store/ports.ts';
import { loadCatalog } from './catalog-file.ts';
import { loadConfiguration, today } from './configuration.ts';
import { keysInEnvironment } from './discover.ts';
import type { CommandIo } from './io.ts';
import { readWords, textOf } from './options.ts';
import { configSchema } from '../config/schema.ts';

const USAGE = `usage: turnout explain --body FILE [--dialect openai-chat|anthropic-messages|gemini] [--config FILE] [--data DIR] [--json]
       turnout explain MODEL
`;

/** May use every model: the operator asks. */
const OPERATOR: KeyRow = { id: 'operator', name: 'operator', isRoot: true, isDisabled: false, createdAtMs: 0, tags: [] };

/** Exit codes: 0 there is a plan, 1 there is none (and why), 2 the command was not understood. */
export async function explainCommand(args: readonly string[], io: CommandIo): Promise<number> {
  const text = { type: 'string' } as const;
  const words = readWords(args, { body: text, dialect: text, config: text, data: text, json: { type: 'boolean' } });
  if (!words.ok) return misused(io, words.error);
  const { positionals, values } = words.value;
  const dialect = dialectNamed(textOf(words.value, 'dialect') ?? 'openai-chat');
  if (dialect === undefined) return misused(io, '--dialect must be openai-chat, anthropic-messages or gemini');
  const bytes = bodyBytes(textOf(words.value, 'body'), positionals[0], io);
  if (bytes === undefined) return misused(io, 'give --body FILE, or the name of a model');
  if (typeof bytes === 'string') return misused(io, bytes);
  const body = parseBody(bytes);
  if (!body.ok) return failed(io, values['json'] === true, body.error.message);
  const named = textOf(words.value, 'config') ?? io.env['TURNOUT_CONFIG'];
  const usual = join(io.cwd, 'turnout.yaml');
  const catalog = loadCatalog(resolve(io.cwd, textOf(words.value, 'data') ?? io.env['TURNOUT_DATA'] ?? 'data'));
  const found = Object.fromEntries(keysInEnvironment(catalog, io.env).map(({ provider }) => [provider, {}]));
  const loaded = await loadConfiguration({
    file: named === undefined ? existing(usual) : resolve(io.cwd, named),
    env: io.env,
    catalog,
    fallbackProviders: configSchema.parse({ providers: found }).providers,
    today: today(),
  });
  if (!loaded.ok) return failed(io, values['json'] === true, loaded.error);
  const model = body.value.record['model'];
  const arrival = {
    requestId: 'req_explain',
    dialect,
    path: { ...(typeof model === 'string' ? { model } : {}), isStreaming: body.value.record['stream'] === true },
    isJsonArray: false,
    headers: {},
    query: '',
    body: body.value,
    startedMs: 0,
  };
  const world = { snapshot: () => loaded.value.snapshot, clock: { monotonicMs: () => 0, unixMs: () => 0 }, health: rests(), random: Math.random, instanceId: 'explain' };
  const explained = explain(arrival, OPERATOR, world);
  if (!explained.ok) return failed(io, values['json'] === true, explained.error.message);
  io.stdout(values['json'] === true ? `${JSON.stringify(explained.value, undefined, 2)}\n` : shown(explained.value));
  return 0;
}

function dialectNamed(name: string): (typeof gateDialects)[keyof typeof gateDialects] | undefined {
  return Object.values(gateDialects).find((dialect) => dialect.id === name);
}

function existing(file: string): string | undefined {
  try {
    readFileSync(file);
    return file;
  } catch {
    return undefined;
  }
}

/** The body's bytes; a text says why they cannot be read. */
function bodyBytes(file: string | undefined, model: string | undefined, io: CommandIo): Buffer | string | undefined {
  if (file === undefined) {
    if (model === undefined) return undefined;
    return Buffer.from(JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] }));
  }
  try {
    return readFileSync(resolve(io.cwd, file));
  } catch (error) {
    return `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function misused(io: CommandIo, problem: string): number {
  io.stderr(`turnout: ${problem}\n${USAGE}`);
  return 2;
}

function failed(io: CommandIo, isJson: boolean, message: string): number {
  if (isJson) io.stdout(`${JSON.stringify({ error: message })}\n`);
  else io.stderr(`turnout: ${message}\n`);
  return 1;
}

/** The plan for people: first what is tried, then what was left out. */
function shown(record: JsonRecord): string {
  const facts = asRecord(record['facts']) ?? {};
  const steps = (asArray(record['plan']) ?? []).map(asRecord).filter((step) => step !== undefined);
  const out = (asArray(record['candidates']) ?? []).map(asRecord).filter((row) => row?.['eligible'] === false);
  const lines = [
    `model ${String(record['model'])}: about ${String(facts['input_tokens_estimate'])} input tokens, needs ${asArray(facts['needs'])?.join(', ') || 'nothing special'}`,
    ...steps.map((step, index) => stepLine(step, index)),
    ...out.map((row) => `  left out  ${String(row?.['target'])}: ${String(row?.['reason'])}`),
  ];
  return `${lines.join('\n')}\n`;
}

function stepLine(step: JsonRecord, index: number): string {
  const cost = asString(step['worst_cost_usd']);
  const notes = [
    step['passthrough'] === true ? 'bytes pass through' : `translated to ${String(step['protocol'])}`,
    cost === undefined ? 'price not known' : `at most ${cost} USD`,
    ...(step['refused'] === undefined ? [] : [`refused: ${String(step['refused'])}`]),
  ];
  return `  ${index + 1}.  ${String(step['target'])}  (${notes.join('; ')})`;
}
