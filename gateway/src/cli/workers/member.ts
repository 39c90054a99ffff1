/** A worker's end of the channel to its supervisor. */
import type { Together } from '../../shared/count.ts';
import { inTime } from '../../shared/in-time.ts';
import type { Crew, CrewAnswer, OwnAnswers, Question } from '../../telemetry/crew.ts';
import { toldOf, type Said } from './messages.ts';
import { sharedThrough } from './shared.ts';

/** Set for each worker by its supervisor: its number, from 1. */
export const WORKER_VARIABLE = 'TURNOUT_WORKER';
/** Beside it: how many there are. */
export const WORKERS_VARIABLE = 'TURNOUT_WORKERS';

/** Chooses how the port is shared: for tests, and for kernels whose sharing of ports does not work. Told to each worker. */
export const SHARING_VARIABLE = 'TURNOUT_PORT_SHARING';

/** A supervisor gives its workers a second to answer: one that is silent for so long is held up, and the worker speaks for itself. */
const ANSWER_MS = 2000;

/** The channel as Node gives it to a child: `process`, or what stands for it in a test. */
export interface Channel {
  send(message: Said): void;
  onMessage(take: (message: unknown) => void): void;
  onGone(gone: () => void): void;
  close(): void;
}

export interface Member {
  /** From 1. */
  readonly worker: number;
  /** It opens the port itself, beside others that do. */
  readonly sharesPort: boolean;
  readonly crew: Crew;
  /** What the workers count and tell each other. */
  readonly together: Together;
  listening(greeting: string): void;
  /** Resolves when the supervisor is gone: nobody would start this worker again, or stop it. */
  orphaned(): Promise<void>;
  close(): void;
}

/** This process as a worker; undefined where it is none. */
export function memberHere(env: Readonly<Record<string, string | undefined>>): Member | undefined {
  const worker = Number(env[WORKER_VARIABLE]);
  if (!Number.isInteger(worker) || worker < 1 || process.send === undefined) return undefined;
  const sharesPort = env[SHARING_VARIABLE] === 'kernel';
  const workers = Math.max(worker, Number(env[WORKERS_VARIABLE] ?? 1));
  return memberOf(
    { worker, workers, sharesPort },
    {
      // A supervisor that is gone is told of by `disconnect`; what could not be sent to it is nobody's loss.
      send: (message) => void process.send?.(message, undefined, {}, () => undefined),
      onMessage: (take) => void process.on('message', take),
      onGone: (gone) => void process.once('disconnect', gone),
      close: () => {
        if (process.connected) process.disconnect();
      },
    },
  );
}

export interface Seat extends Pick<Member, 'worker' | 'sharesPort'> {
  readonly workers: number;
}

export function memberOf({ worker, workers, sharesPort }: Seat, channel: Channel): Member {
  const waiting = new Map<number, (answers: readonly CrewAnswer[]) => void>();
  /** Whoever asks the same while it is being asked waits for the same answer. */
  const underWay = new Map<Question, Promise<readonly CrewAnswer[]>>();
  let own: OwnAnswers = { metrics: () => null, ready: () => null, health: () => null };
  let lastId = 0;
  let isAlone = false;
  const shared = sharedThrough({ workers, send: (message) => channel.send(message) });

  const ownAnswer = (question: Question): readonly CrewAnswer[] => [
    { worker, pid: process.pid, restarts: 0, isListening: true, answer: own[question]() },
  ];
  const orphaned = new Promise<void>((resolve) => {
    channel.onGone(() => {
      isAlone = true;
      for (const answer of waiting.values()) answer([]);
      waiting.clear();
      shared.cut();
      resolve();
    });
  });
  channel.onMessage((message) => {
    const told = toldOf(message);
    if (told === undefined) return;
    if (told.kind === 'question') {
      channel.send({ kind: 'answer', id: told.id, answer: own[told.question]() });
    } else if (told.kind === 'answers') {
      waiting.get(told.id)?.(told.answers);
      waiting.delete(told.id);
    } else {
      shared.hear(told);
    }
  });

  async function askAll(question: Question): Promise<readonly CrewAnswer[]> {
    if (isAlone) return ownAnswer(question);
    lastId += 1;
    const id = lastId;
    const asked = new Promise<readonly CrewAnswer[]>((resolve) => {
      waiting.set(id, resolve);
      channel.send({ kind: 'ask', id, question });
    });
    const answers = await inTime(asked, ANSWER_MS).catch((): readonly CrewAnswer[] => []);
    waiting.delete(id);
    return answers.length === 0 ? ownAnswer(question) : answers;
  }

  return {
    worker,
    sharesPort,
    crew: {
      async ask(question) {
        const asked = underWay.get(question) ?? askAll(question).finally(() => underWay.delete(question));
        underWay.set(question, asked);
        return asked;
      },
      answerWith(says) {
        own = says;
      },
    },
    together: shared,
    listening: (greeting) => channel.send({ kind: 'listening', greeting }),
    orphaned: async () => orphaned,
    close: () => channel.close(),
  };
}
