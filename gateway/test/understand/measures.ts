/** What the facts of a text are worth, measured on the data sets beside this checkout: for the tests, and for docs/reference/facts.md. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { structureDifficulty, type DifficultyModel } from '../../src/understand/difficulty.ts';
import type { DetectLanguage } from '../../src/understand/language.ts';
import { DETECTORS, type Sensitive } from '../../src/understand/sensitive/find.ts';
import { scan, type Span } from '../../src/understand/sensitive/scan.ts';
import { KEY_HEADS } from '../../src/understand/sensitive/secret.ts';
import { SINGLE } from '../../src/understand/stage.ts';
import { shapeOf } from '../../src/understand/structure.ts';
import { taskOf, type Task } from '../../src/understand/task.ts';

/** Reads rows of `routing/FILE`. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows the rows of the file it names.
export function rowsOf<Row>(dataDir: string, file: string): readonly Row[] {
  const lines = readFileSync(join(dataDir, 'routing', file), 'utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line): Row => JSON.parse(line));
}

export function taskOfText(text: string): Task {
  return taskOf({ ...shapeOf(text), system: '', stage: SINGLE, hasTools: false, hasSchema: false }).task;
}

/** Share of the rows of which `holds`. */
export function shareOf<Row>(rows: readonly Row[], holds: (row: Row) => boolean): number {
  return rows.filter(holds).length / rows.length;
}

interface PiiRow {
  readonly text: string;
  readonly spans: readonly (Span & { readonly type: string })[];
}

/** Which of the set's types each of our kinds is. */
const TYPES: Readonly<Partial<Record<Sensitive, readonly string[]>>> = {
  email: ['EMAIL_ADDRESS'],
  phone: ['PHONE_NUMBER'],
  card: ['CREDIT_CARD'],
  iban: ['IBAN_CODE'],
  'national-id': ['US_SSN', 'US_DRIVER_LICENSE'],
  'ip-address': ['IP_ADDRESS'],
  address: ['ADDRESS'],
  person: ['PERSON'],
};

export interface Found {
  readonly kind: Sensitive;
  /** Spans in the data, spans that we gave, and of those the ones that touch a span of the kind. */
  readonly wanted: number;
  readonly given: number;
  readonly right: number;
  /** Of the wanted ones those that we touch. */
  readonly met: number;
}

/** Each kind on the synthetic set of people. */
export function sensitiveFound(dataDir: string): readonly Found[] {
  const rows = rowsOf<PiiRow>(dataDir, 'pii-synthetic-dev.jsonl');
  return DETECTORS.map(([kind, detector]) => {
    const counts = { wanted: 0, given: 0, right: 0, met: 0 };
    for (const { text, spans } of rows) {
      const given = [...detector(scan(text, KEY_HEADS))];
      const wanted = spans.filter(({ type }) => TYPES[kind]?.includes(type) === true);
      counts.wanted += wanted.length;
      counts.given += given.length;
      counts.right += given.filter((one) => wanted.some((other) => touch(one, other))).length;
      counts.met += wanted.filter((one) => given.some((other) => touch(one, other))).length;
    }
    return { kind, ...counts };
  });
}

function touch(a: Span, b: Span): boolean {
  return a.start < b.end && b.start < a.end;
}

/** By kind: how many of a thousand texts it is found in. */
export function foundPerThousand(texts: readonly string[]): ReadonlyMap<Sensitive, number> {
  const counts = new Map<Sensitive, number>();
  for (const text of texts) {
    const scanned = scan(text, KEY_HEADS);
    for (const [kind, detector] of DETECTORS)
      for (const _ of detector(scanned)) {
        counts.set(kind, (counts.get(kind) ?? 0) + 1);
        break;
      }
  }
  return new Map([...counts].map(([kind, count]) => [kind, (count / texts.length) * 1000]));
}

export interface Benefit {
  readonly prompt: string;
  /** What the weak and the strong model make of it, 0..1. */
  readonly weak: number;
  readonly strong: number;
}

/** MMLU and GSM8K: mixtral-8x7b-instruct against gpt-4-1106-preview. */
export function strongWeak(dataDir: string): readonly (Benefit & { readonly bench: string; readonly group: string })[] {
  return rowsOf(dataDir, 'strong-weak-dev.jsonl');
}

interface MultiRow {
  readonly task: string;
  readonly prompt: string;
  readonly scores: Readonly<Record<string, number>>;
}

/** Nine tasks: the best small model of the set against the best large one. */
export function multimodel(dataDir: string): readonly (Benefit & { readonly task: string })[] {
  return rowsOf<MultiRow>(dataDir, 'multimodel-dev.jsonl').map(({ task, prompt, scores }) => ({
    task,
    prompt,
    weak: scores['llama-3.1-8b-instruct'] ?? 0,
    strong: scores['llama-3.1-nemotron-51b-instruct'] ?? 0,
  }));
}

/**
 * Average performance gap recovered (RouteLLM): the share of the gap between weak and strong that is closed when the prompts with the
 * highest scores go to the strong one, averaged over how many go there. By chance 0.5. Prompts of one score are taken in any order.
 */
export function apgr(rows: readonly Benefit[], score: (prompt: string) => number): number {
  const byScore = [...Map.groupBy(rows, ({ prompt }) => score(prompt))].toSorted(([a], [b]) => b - a);
  const gap = rows.reduce((sum, { strong, weak }) => sum + strong - weak, 0);
  let gained = 0;
  let area = 0;
  for (const [, group] of byScore) {
    const gain = group.reduce((sum, { strong, weak }) => sum + strong - weak, 0);
    area += gained * group.length + (gain * (group.length + 1)) / 2;
    gained += gain;
  }
  return area / gap / rows.length;
}

export function difficultyOf(prompt: string, model: DifficultyModel = structureDifficulty): number {
  return model.score({ ...shapeOf(prompt), task: taskOfText(prompt), stage: SINGLE });
}

export interface Told {
  readonly told: number;
  readonly right: number;
}

/** Pairs of words in 60 languages, `pairs` of them joined to one text: which share is told, and which share of those rightly. */
export function languagesTold(dataDir: string, detect: DetectLanguage, pairs: number): Told {
  const rows = rowsOf<{ readonly lang: string; readonly text: string }>(dataDir, 'langid-word-pairs.jsonl');
  const texts = [...Map.groupBy(rows, ({ lang }) => lang)].flatMap(([lang, of]) =>
    Array.from({ length: Math.floor(of.length / pairs) }, (_, at) => ({
      lang,
      text: of
        .slice(at * pairs, (at + 1) * pairs)
        .map(({ text }) => text)
        .join(' '),
    })),
  );
  return toldOf(texts, detect);
}

export function toldOf(
  rows: readonly { readonly lang: string; readonly text: string }[],
  detect: DetectLanguage,
): Told {
  const told = rows.map(({ lang, text }) => ({ lang, found: detect(text) })).filter(({ found }) => found !== undefined);
  return { told: told.length / rows.length, right: shareOf(told, ({ lang, found }) => lang === found) };
}
