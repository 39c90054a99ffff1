/** Workers behind one port: what one of them asks of all, itself among them, and how their answers become one. */
import { asRecord, asString, compact, type Json, type JsonRecord } from '../lib/json.ts';

export type Question = 'metrics' | 'ready' | 'health';

/** One worker's word. */
export interface CrewAnswer {
  /** From 1. */
  readonly worker: number;
  /** Of the process that has this place now; absent while there is none. */
  readonly pid?: number;
  /** How often this place was filled again since the start. */
  readonly restarts: number;
  /** Whether it has opened the port. Who has not is sent nothing by the operating system. */
  readonly isListening: boolean;
  /** Absent: it is starting, or did not answer in time. */
  readonly answer?: Json;
}

export type OwnAnswers = Readonly<Record<Question, () => Json>>;

/** What one process says of itself. */
export interface OwnWords {
  readonly metrics: () => string;
  readonly ready: () => Readiness;
  readonly health: () => JsonRecord;
}

/** What a worker knows of the others. Absent where one process serves alone. */
export interface Crew {
  /** Asks every worker, this one too; never fails, and takes no longer than a second. */
  ask(question: Question): Promise<readonly CrewAnswer[]>;
  /** Says what this worker answers. */
  answerWith(own: OwnAnswers): void;
}

/** One worker's readiness, or that of all. */
export interface Readiness {
  readonly ok: boolean;
  readonly body: JsonRecord;
}

/** What everyone may ask: of this process where it serves alone, else of all workers. */
export interface Front {
  readonly isReady: () => Promise<Readiness>;
  readonly metricsText: () => Promise<string>;
}

export function frontOf(crew: Crew | undefined, own: OwnWords): Front {
  if (crew === undefined) return { isReady: async () => own.ready(), metricsText: async () => own.metrics() };
  crew.answerWith({ ...own, ready: () => readyAnswer(own.ready()) });
  return {
    isReady: async () => readinessOfAll(own.ready(), await crew.ask('ready')),
    metricsText: async () => metricsOfAll(await crew.ask('metrics')),
  };
}

/**
 * Ready: none of those who listen is not. A worker that is being started again is sent nothing and keeps nobody waiting;
 * one that listens and does not answer would keep its share of the callers waiting.
 */
export function readinessOfAll(own: Readiness, answers: readonly CrewAnswer[]): Readiness {
  const workers = answers.map(({ worker, isListening, answer }): JsonRecord => ({
    worker,
    status: asString(asRecord(answer)?.['status']) ?? (isListening ? 'does not answer' : 'starting'),
  }));
  const ok = own.ok && answers.every(({ isListening, answer }) => !isListening || asRecord(answer)?.['ok'] === true);
  const status = ok || !own.ok ? asString(own.body['status']) : 'not ready';
  return { ok, body: compact({ ...own.body, status, workers }) };
}

/** What a worker answers to `ready`. */
export function readyAnswer({ ok, body }: Readiness): Json {
  return compact({ ok, status: asString(body['status']) });
}

/** The health of whoever was asked, and of every worker. */
export function healthOfAll(own: JsonRecord, answers: readonly CrewAnswer[]): JsonRecord {
  const workers = answers.map(({ worker, pid, restarts, isListening, answer }): JsonRecord => {
    const health = asRecord(answer);
    const state = health !== undefined ? 'serving' : isListening ? 'does not answer' : 'starting';
    return compact({ worker, pid, restarts, state, ...health });
  });
  return { ...own, ok: workers.every(({ ok }) => ok === true), workers };
}

/** Lines of one metric, from all workers. */
interface Block {
  readonly head: string;
  readonly lines: string[];
}

/** Prometheus' text form of all workers as one: each series with the label `worker`, each metric's head once. */
export function metricsOfAll(answers: readonly CrewAnswer[]): string {
  const blocks = new Map<string, Block>();
  for (const { worker, answer } of answers) {
    if (typeof answer === 'string') takeIn(answer, `worker="${worker}"`, blocks);
  }
  const own = FIGURES.map((figure) => figureText(figure, answers));
  return [...[...blocks.values()].map(({ head, lines }) => `${head}${lines.join('')}`), ...own].join('');
}

function takeIn(text: string, label: string, blocks: Map<string, Block>): void {
  let help = '';
  let current: Block | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith('# HELP ')) help = line;
    else if (line.startsWith('# TYPE ')) {
      const [, , name = ''] = line.split(' ');
      current = blocks.get(name) ?? { head: `${help}\n${line}\n`, lines: [] };
      blocks.set(name, current);
    } else if (line !== '') current?.lines.push(`${labelled(line, label)}\n`);
  }
}

/** The first brace of a line begins its labels: names have none, and values stand behind it. */
function labelled(line: string, label: string): string {
  const brace = line.indexOf('{');
  if (brace !== -1) return `${line.slice(0, brace + 1)}${label},${line.slice(brace + 1)}`;
  const space = line.indexOf(' ');
  return `${line.slice(0, space)}{${label}}${line.slice(space)}`;
}

interface Figure {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly read: (answer: CrewAnswer) => number;
}

/** What is known of workers by whoever asks them. */
const FIGURES: readonly Figure[] = [
  {
    name: 'turnout_worker_up',
    type: 'gauge',
    help: '1 while this worker answers.',
    read: ({ answer }) => (answer === undefined ? 0 : 1),
  },
  {
    name: 'turnout_worker_restarts_total',
    type: 'counter',
    help: 'How often this worker was started again.',
    read: ({ restarts }) => restarts,
  },
];

function figureText({ name, type, help, read }: Figure, answers: readonly CrewAnswer[]): string {
  const lines = answers.map((one) => `${name}{worker="${one.worker}"} ${read(one)}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}
