/**
 * What the facts of a request's text cost: milliseconds a request, percentiles over many different ones, all facts and one by one.
 * `node bench/understand.ts [RUNS]`; needs ../shared/data. Of each request the best of RUNS counts (3), so that other work on the
 * machine is left out as far as can be; what differs is the text.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChatRequest, Message } from '../gateway/src/chat/request.ts';
import { gateDialects } from '../gateway/src/dialects/index.ts';
import { asRecord, asString, type JsonRecord } from '../gateway/src/lib/json.ts';
import { CONTENT_FACTS, contentFacts, type ContentOptions } from '../gateway/src/understand/content.ts';
import { trainIntents } from '../gateway/src/understand/intents/intents.ts';
import { loadLanguages } from '../gateway/src/understand/language.ts';
import { topicsOf } from '../gateway/src/understand/topics.ts';
import { corpusDir } from '../gateway/test/corpus.ts';
import { rowsOf } from '../gateway/test/understand/measures.ts';

const RUNS = Number(process.argv[2] ?? 3);
const WARM_UP = 300;
const KIB = 1024;
const dataDir = corpusDir();
if (dataDir === undefined) {
  process.stderr.write('../shared/data is not there\n');
  process.exit(1);
}

const asked = rowsOf<{ readonly text: string; readonly intent: string }>(dataDir, 'banking77-train.jsonl');
const prompts = rowsOf<{ readonly prompt: string }>(dataDir, 'multimodel-dev.jsonl').map(({ prompt }) => prompt);
const people = rowsOf<{ readonly text: string }>(dataDir, 'pii-synthetic-dev.jsonl').map(({ text }) => text);
const files = readdirSync(join(import.meta.dirname, '..', 'gateway', 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.includes('generated'))
  .map((file) => readFileSync(join(import.meta.dirname, '..', 'gateway', 'src', file), 'utf8'));

/** Texts of `size` characters, cut out of those given one after the other. */
function cut(texts: readonly string[], size: number, count: number): readonly string[] {
  const whole = Buffer.from(texts.join('\n\n')).toString();
  const room = Math.max(1, whole.length - size);
  return Array.from({ length: count }, (_, at) => {
    const start = Math.floor((at * room) / count);
    return Buffer.from(whole.slice(start, start + size)).toString();
  });
}

function chat(messages: readonly Message[]): ChatRequest {
  return { origin: 'openai-chat', model: 'm', messages, sampling: {}, isStreaming: false, extras: [] };
}

const said = (role: 'system' | 'user', text: string): Message => ({ role, parts: [{ kind: 'text', text }] });

/** What real programs sent, as far as it is a chat. */
function recorded(folder: string): readonly ChatRequest[] {
  const clients = join(folder, 'clients');
  return readdirSync(clients, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'))
    .flatMap((file) => requestIn(JSON.parse(readFileSync(join(clients, file), 'utf8'))));
}

function requestIn({ wire, request }: { readonly wire: string; readonly request: JsonRecord }): readonly ChatRequest[] {
  const name = wire === 'gemini-generate' ? 'gemini' : wire;
  const dialect = Object.values(gateDialects).find(({ id }) => id === name);
  const body = asRecord(request['body']);
  if (dialect === undefined || body === undefined) return [];
  const decoded = dialect.decodeRequest(body, { model: asString(body['model']) ?? 'm', isStreaming: false });
  return decoded.ok ? [decoded.value] : [];
}

const sets: Readonly<Record<string, readonly ChatRequest[]>> = {
  'recorded client requests': recorded(dataDir),
  'questions, 4 KB': cut(prompts, 4 * KIB, 800).map((text) => chat([said('user', text)])),
  'code, 4 KB': cut(files, 4 * KIB, 800).map((text) => chat([said('user', text)])),
  'people, 4 KB': cut(people, 4 * KIB, 100).map((text) => chat([said('user', text)])),
  'questions, 100 KB': cut(prompts, 100 * KIB, 100).map((text) => chat([said('user', text)])),
  'code, 100 KB': cut(files, 100 * KIB, 100).map((text) => chat([said('user', text)])),
  'people, 100 KB': cut(people, 100 * KIB, 40).map((text) => chat([said('user', text)])),
  'question of 2 KB, system prompt of 100 KB': cut(prompts, 100 * KIB, 100).map((text) =>
    chat([said('system', text), said('user', text.slice(0, 2 * KIB))]),
  ),
  'questions, 1 MB': cut(prompts, 1000 * KIB, 5).map((text) => chat([said('user', text)])),
};

const examples = Object.fromEntries(
  [...Map.groupBy(asked, ({ intent }) => intent)]
    .slice(0, 20)
    .map(([intent, rows]) => [intent, rows.slice(0, 15).map(({ text }) => text)]),
);
const options: ContentOptions = {
  detectLanguage: await loadLanguages(),
  classify: trainIntents(examples).classify,
  topics: topicsOf({ legal: ['contract', 'clause', 'liability'], money: ['refund', 'invoice', 'payment'] }),
};

function timeMs(request: ChatRequest, of: ContentOptions): number {
  const startedMs = performance.now();
  contentFacts(request, of);
  return performance.now() - startedMs;
}

function percentiles(requests: readonly ChatRequest[], of: ContentOptions): string {
  const times = requests
    .map((request) => Math.min(...Array.from({ length: RUNS }, () => timeMs(request, of))))
    .toSorted((a, b) => a - b);
  const at = (share: number): string =>
    (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(3);
  return `${at(0.5)} | ${at(0.95)} | ${at(0.99)}`;
}

const all = Object.values(sets).flat();
for (let run = 0; run < WARM_UP; run++) {
  const request = all[(run * 7) % all.length];
  if (request !== undefined) contentFacts(request, options);
}
process.stdout.write(
  '| requests | count | facts | p50 ms | p95 ms | p99 ms |\n| --- | --- | --- | --- | --- | --- |\n',
);
for (const [name, requests] of Object.entries(sets)) {
  process.stdout.write(`| ${name} | ${requests.length} | all | ${percentiles(requests, options)} |\n`);
  if (!name.includes('questions, 4 KB') && !name.includes('questions, 100 KB')) continue;
  for (const fact of CONTENT_FACTS)
    process.stdout.write(`| | | ${fact} | ${percentiles(requests, { ...options, wanted: new Set([fact]) })} |\n`);
}
