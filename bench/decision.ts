/**
 * What a decision costs: from the parsed body of a chat to its plan (understand and plan), with fifty candidates, requirements,
 * rules over facts of the content, topics and intents, under every strategy. Milliseconds, percentiles over different texts.
 * `node bench/decision.ts [--write]`; with `--write` the table goes into bench/results. Of each text the best of five runs
 * counts, so that other work on the machine is left out as far as can be.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCatalog } from '../gateway/src/catalog/catalog.ts';
import { dryWorld, OPERATOR } from '../gateway/src/cli/dry-world.ts';
import { parseConfig } from '../gateway/src/config/load.ts';
import { STRATEGIES } from '../gateway/src/config/route-schema.ts';
import { gateDialects } from '../gateway/src/dialects/index.ts';
import { parseBody } from '../gateway/src/pipeline/body.ts';
import { chatArrival } from '../gateway/src/pipeline/chat.ts';
import { planCall } from '../gateway/src/pipeline/planning.ts';
import { compile } from '../gateway/src/routing/compile.ts';
import { dice } from '../gateway/src/lib/dice.ts';
import type { Snapshot } from '../gateway/src/routing/snapshot.ts';
import { trainIntents } from '../gateway/src/understand/intents/intents.ts';
import { loadLanguages } from '../gateway/src/understand/language.ts';
import { commit, machine, machineText } from './machine.ts';
import { percentile } from './report.ts';

const KIB = 1024;
const RUNS = 5;
const WARM_UP = 2000;
const PROVIDERS = 10;
const MODELS = 5;
const LIMITS_MS = [
  { kib: 4, count: 400, limitMs: 2 },
  { kib: 100, count: 120, limitMs: 5 },
] as const;

const RULES = [
  { name: 'health', when: '"health" in facts.sensitive', require: { compliance: ['hipaa'] } },
  { name: 'secrets', when: 'facts.sensitive.exists(s, s == "secret" || s == "card")', require: { training: false } },
  { name: 'hard code', when: 'facts.task == "code" && facts.difficulty > 0.6', use: { prefer: ['code'] } },
  { name: 'law', when: '"legal" in facts.topics', require: { region: ['eu'] } },
  { name: 'refund', when: 'facts.intent == "intent-3" && facts.intent_confidence > 0.8', use: { prefer: ['fast'] } },
  { name: 'german', when: 'facts.language == "de" && facts.input_tokens > 2000', use: { prefer: ['fast'] } },
  { name: 'lists', when: 'facts.list_items > 40 || facts.questions > 30', use: { prefer: ['code'] } },
  { name: 'words', when: 'facts.text.matches("(?i)\\\\bconfidential\\\\b")', require: { retention_days_max: 0 } },
];

function config(): unknown {
  const models = Object.fromEntries(
    Array.from({ length: MODELS }, (_, at) => [
      `model-${at + 1}`,
      {
        price: { input: (at + 1) / 8, output: (at + 1) / 2, cache_read: 0.01 },
        tags: at % 2 === 0 ? ['code'] : ['fast'],
        quality: { general: (5 + at) / 10, code: (9 - at) / 10 },
        limits: { context: 200_000 },
      },
    ]),
  );
  const ids = Array.from({ length: PROVIDERS }, (_, at) => `provider-${at + 1}`);
  const providers = ids.map((id, at) => [
    id,
    {
      dialect: 'openai-chat',
      base_url: 'http://127.0.0.1:9/v1',
      api_key: 'k',
      region: at % 2 === 0 ? 'eu-central-1' : 'us-east-1',
      compliance: ['gdpr', 'hipaa'],
      retention_days: 0,
      trains: false,
      models,
    },
  ]);
  const targets = ids.flatMap((id) => Object.keys(models).map((model) => `${id}/${model}`));
  const route = {
    targets,
    rules: RULES,
    require: { compliance: ['gdpr'], quality: { min: 0.45 } },
    sticky: 'conversation',
  };
  return {
    server: { region: 'eu-central-1' },
    providers: Object.fromEntries(providers),
    topics: { legal: ['contract', 'clause', 'liability'], money: ['refund', 'invoice', 'payment'] },
    routes: Object.fromEntries(
      STRATEGIES.map((strategy) => [strategy, { ...route, strategy, fallback: { price_factor_max: 100 } }]),
    ),
  };
}

/** The repository's own texts: prose and code. */
function texts(): string {
  const root = join(import.meta.dirname, '..');
  const read = (folder: string, end: string): readonly string[] =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith(end) && !file.includes('generated'))
      .toSorted()
      .map((file) => readFileSync(join(root, folder, file), 'utf8'));
  return [...read('docs', '.md'), ...read('gateway/src/routing', '.ts'), ...read('gateway/src/pipeline', '.ts')].join(
    '\n',
  );
}

async function snapshot(): Promise<Snapshot> {
  const parsed = parseConfig(JSON.stringify(config()), { file: 'bench.yaml', env: {} });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  const examples = Object.fromEntries(
    Array.from({ length: 20 }, (_, intent) => [
      `intent-${intent}`,
      Array.from(
        { length: 15 },
        (__, at) => `please help with matter ${intent} of kind ${at}, it is about item ${intent * at}`,
      ),
    ]),
  );
  return compile({
    config: parsed.value.config,
    catalog: makeCatalog({ name: 'bench' }, []),
    env: {},
    dialects: gateDialects,
    intents: trainIntents(examples),
    detectLanguage: await loadLanguages(),
  }).snapshot;
}

const ready = await snapshot();
const world = dryWorld(ready, dice(1));

/** Milliseconds from the body to the plan. */
function decideMs(strategy: string, text: string): number {
  const body = parseBody(Buffer.from(JSON.stringify({ model: strategy, messages: [{ role: 'user', content: text }] })));
  if (!body.ok) throw new Error(body.error.message);
  const startedMs = performance.now();
  const arrival = chatArrival({
    requestId: 'req_bench',
    headers: {},
    query: '',
    body: body.value,
    startedMs: 0,
    dialect: gateDialects['openai-chat'],
    path: { model: strategy, isStreaming: false },
    isJsonArray: false,
  });
  const call = arrival.accept({ keyId: OPERATOR.id, turns: world.turns });
  if (!call.ok) throw new Error(call.error.message);
  const planned = planCall(call.value, { snapshot: ready, key: OPERATOR, world });
  const tookMs = performance.now() - startedMs;
  if (planned.ok && planned.value.plan.targets.length + planned.value.plan.rejected.length !== PROVIDERS * MODELS)
    throw new Error('some candidates are missing');
  return tookMs;
}

const whole = texts();

function cut(size: number, count: number): readonly string[] {
  const room = Math.max(1, whole.length - size);
  return Array.from({ length: count }, (_, at) => whole.slice(Math.floor((at * room) / count)).slice(0, size));
}

const warm = cut(4 * KIB, 50);
for (let run = 0; run < WARM_UP; run += 1)
  decideMs(STRATEGIES[run % STRATEGIES.length] ?? 'cost', warm[run % warm.length] ?? '');

/** Of each text the best time, its runs as far apart as the others are long: what disturbs the machine for a while then spoils one of them. */
function bestTimes(strategy: string, sample: readonly string[]): readonly number[] {
  const rounds = Array.from({ length: RUNS }, () => sample.map((text) => decideMs(strategy, text)));
  return sample.map((_, at) => Math.min(...rounds.map((round) => round[at] ?? Infinity)));
}

const rows = LIMITS_MS.flatMap(({ kib, count, limitMs }) => {
  const sample = cut(kib * KIB, count);
  return STRATEGIES.map((strategy) => {
    const times = bestTimes(strategy, sample);
    const at = (share: number): string => percentile(times, share).toFixed(3);
    return {
      isKept: percentile(times, 0.99) <= limitMs,
      cells: [`${kib} KB`, strategy, String(count), at(0.5), at(0.95), at(0.99), String(limitMs)],
    };
  });
});
const head = ['prompt', 'strategy', 'texts', 'p50 ms', 'p95 ms', 'p99 ms', 'p99 at most'];
const table = [head, ['---', '---', ...head.slice(2).map(() => '---:')], ...rows.map(({ cells }) => cells)]
  .map((cells) => `| ${cells.join(' | ')} |`)
  .join('\n');
process.stdout.write(`${table}\n`);
if (process.argv.includes('--write')) {
  const date = new Date().toISOString().slice(0, 10);
  const page = `# Benchmark of the decision, ${date}

\`node bench/decision.ts\` at ${commit()}. ${machineText(machine())}.

${table}

From the parsed body of a chat completion to its plan: facts of the content (language, task, difficulty, intents, topics, sensitive data, structure), eight rules, requirements, ${PROVIDERS * MODELS} candidates. Texts are prose and code of this repository, each cut elsewhere; of each the best of ${RUNS} runs counts.
`;
  writeFileSync(join(import.meta.dirname, 'results', `${date}-decision.md`), page);
}
if (rows.some(({ isKept }) => !isKept)) process.exitCode = 1;
