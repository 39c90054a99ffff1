/** Keeps workers running behind one port: starts them, starts again who ended, passes signals on, and asks all for one. */
import type { ChildProcess } from 'node:child_process';
import type { CrewAnswer, Question } from '../../telemetry/crew.ts';
import type { Log } from '../../telemetry/log.ts';
import type { CommandIo } from '../io.ts';
import { Hub } from './hub.ts';
import { sharingHere, startWorker, probePort, type Sharing } from './hands.ts';
import { saidOf, type Said, type Told } from './messages.ts';
import { failuresAfter, pauseMs } from './pauses.ts';
import type { Crowd } from './wanted.ts';

/** A worker that does not answer within this is told of as one that does not. */
const ANSWER_MS = 1000;

interface Place {
  readonly worker: number;
  child: ChildProcess | undefined;
  isListening: boolean;
  /** It was to read its files again before it listened. */
  isToReload: boolean;
  startedMs: number;
  /** Ends in a row that came soon. */
  failures: number;
  restarts: number;
  /** While it waits for its next start. */
  waiting: NodeJS.Timeout | undefined;
}

/** One question that is being asked of all. */
interface Round {
  readonly heard: Map<number, CrewAnswer>;
  /** Workers that have not answered. */
  readonly missing: Set<number>;
  readonly done: () => void;
}

export interface Supervised {
  readonly crowd: Crowd;
  /** The words after `turnout`, for each worker. */
  readonly args: readonly string[];
  readonly io: CommandIo;
  readonly log: Log;
}

/** Runs workers until SIGTERM or SIGINT; the exit code is 0 where all of them ended well. */
export async function supervise(of: Supervised): Promise<number> {
  const { crowd, io } = of;
  const port = await probePort(crowd.port, crowd.host);
  if (typeof port === 'string') {
    io.stderr(`turnout: ${port}\n`);
    return 1;
  }
  // The last word wins.
  return new Supervisor({ ...of, args: [...of.args, '--port', String(port)] }).run();
}

class Supervisor {
  readonly #of: Supervised;
  readonly #sharing: Sharing;
  readonly #places: readonly Place[];
  readonly #hub: Hub;
  readonly #rounds = new Map<number, Round>();
  #lastRound = 0;
  /** Of the first worker, once it listens. */
  #greeting: string | undefined;
  #hasGreeted = false;
  #isStopping = false;
  #worstCode = 0;
  #ended: (code: number) => void = () => undefined;

  constructor(of: Supervised) {
    this.#of = of;
    this.#sharing = sharingHere(of.io.env);
    this.#places = Array.from({ length: of.crowd.workers }, (_, index) => ({
      worker: index + 1,
      child: undefined,
      isListening: false,
      isToReload: false,
      startedMs: 0,
      failures: 0,
      restarts: 0,
      waiting: undefined,
    }));
    this.#hub = new Hub({
      workers: this.#places.map(({ worker }) => worker),
      tell: (worker, message) => {
        const place = this.#places[worker - 1];
        if (place !== undefined) tell(place, message);
      },
      monotonicMs: () => performance.now(),
    });
  }

  run(): Promise<number> {
    const [first] = this.#places;
    const stop = (): void => this.#stop(0);
    const reload = (): void => this.#reload();
    process.once('SIGTERM', stop);
    process.once('SIGINT', stop);
    process.on('SIGHUP', reload);
    return new Promise<number>((resolve) => {
      this.#ended = (code) => {
        process.off('SIGHUP', reload);
        resolve(code);
      };
      // The first one alone: it makes the database and shows the first key. The others find all of it there.
      if (first !== undefined) this.#start(first);
    });
  }

  #start(place: Place): void {
    const child = startWorker({
      worker: place.worker,
      workers: this.#places.length,
      args: this.#of.args,
      sharing: this.#sharing,
    });
    place.child = child;
    place.isToReload = false;
    place.startedMs = performance.now();
    child.on('message', (message) => {
      const said = saidOf(message);
      if (said !== undefined) this.#hear(place, said);
    });
    child.once('exit', (code, signal) => this.#gone(place, { code, signal }));
    child.once('error', (error) => {
      this.#of.log('error', 'a worker could not be started', { error: error.message });
      // What never ran has no exit.
      if (child.pid === undefined) this.#gone(place, { code: 1, signal: null });
    });
  }

  #hear(place: Place, said: Said): void {
    if (said.kind === 'draw' || said.kind === 'say') {
      this.#hub.hear(place.worker, said);
      return;
    }
    if (said.kind === 'answer') {
      this.#answered(said.id, place, said.answer);
      return;
    }
    if (said.kind === 'ask') {
      void this.#askAll(said.question).then((answers) => tell(place, { kind: 'answers', id: said.id, answers }));
      return;
    }
    this.#listens(place, said.greeting);
  }

  #listens(place: Place, greeting: string): void {
    // Said before it was told to stop: nobody is started after it.
    if (this.#isStopping) return;
    place.isListening = true;
    if (place.isToReload) place.child?.kill('SIGHUP');
    if (this.#greeting === undefined) {
      this.#greeting = greeting;
      for (const other of this.#places.slice(1)) this.#start(other);
    }
    if (this.#hasGreeted) this.#of.log('info', 'a worker listens', { worker: place.worker });
    if (this.#hasGreeted || !this.#places.every(({ isListening }) => isListening)) return;
    this.#hasGreeted = true;
    this.#of.io.stdout(this.#greeting);
  }

  #gone(
    place: Place,
    { code, signal }: { readonly code: number | null; readonly signal: NodeJS.Signals | null },
  ): void {
    const livedMs = performance.now() - place.startedMs;
    // Who is told to stop before it can hear of it has nothing to drain.
    const isStopped = signal === 'SIGTERM' && !place.isListening;
    place.child = undefined;
    place.isListening = false;
    for (const round of this.#rounds.values()) noAnswer(round, place);
    this.#hub.gone(place.worker);
    if (this.#isStopping) {
      this.#worstCode = Math.max(this.#worstCode, isStopped ? 0 : (code ?? 1));
      this.#endWhenAllGone();
      return;
    }
    const { worker } = place;
    // Whoever cannot start at all has said why; that is a start that failed, not a worker that died.
    if (!this.#hasGreeted) {
      this.#of.log('error', 'a worker ended before all were ready', {
        worker,
        code: code ?? undefined,
        signal: signal ?? undefined,
      });
      this.#stop(1);
      this.#endWhenAllGone();
      return;
    }
    place.failures = failuresAfter(place.failures, livedMs);
    const waitMs = pauseMs(place.failures);
    this.#of.log('error', 'a worker ended and is started again', {
      worker,
      code: code ?? undefined,
      signal: signal ?? undefined,
      pause_ms: waitMs,
    });
    place.waiting = setTimeout(() => this.#startAgain(place), waitMs);
  }

  #startAgain(place: Place): void {
    clearTimeout(place.waiting);
    place.waiting = undefined;
    if (this.#isStopping) return;
    place.restarts += 1;
    this.#start(place);
  }

  /** All read the file again; who waits, perhaps because of that file, waits no longer. */
  #reload(): void {
    for (const place of this.#places) {
      // It would end who does not listen to it yet.
      if (place.isListening) place.child?.kill('SIGHUP');
      else place.isToReload = true;
      if (place.waiting !== undefined) this.#startAgain(place);
    }
  }

  #askAll(question: Question): Promise<readonly CrewAnswer[]> {
    this.#lastRound += 1;
    const id = this.#lastRound;
    return new Promise((resolve) => {
      const timer = setTimeout(() => round.done(), ANSWER_MS);
      const round: Round = {
        heard: new Map(),
        missing: new Set(this.#places.filter(({ isListening }) => isListening).map(({ worker }) => worker)),
        done: () => {
          clearTimeout(timer);
          this.#rounds.delete(id);
          resolve(this.#places.map((place) => round.heard.get(place.worker) ?? silent(place)));
        },
      };
      this.#rounds.set(id, round);
      if (round.missing.size === 0) round.done();
      for (const place of this.#places) if (place.isListening) tell(place, { kind: 'question', id, question });
    });
  }

  #answered(id: number, place: Place, answer: CrewAnswer['answer']): void {
    const round = this.#rounds.get(id);
    if (round === undefined || answer === undefined) return;
    round.heard.set(place.worker, { ...silent(place), answer });
    noAnswer(round, place);
  }

  #stop(code: number): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#worstCode = code;
    for (const { child } of this.#places) child?.kill('SIGTERM');
    this.#endWhenAllGone();
  }

  #endWhenAllGone(): void {
    for (const { waiting } of this.#places) clearTimeout(waiting);
    if (this.#places.every(({ child }) => child === undefined)) this.#ended(this.#worstCode);
  }
}

function silent({ worker, child, restarts, isListening }: Place): CrewAnswer {
  return { worker, restarts, isListening, ...(child?.pid === undefined ? {} : { pid: child.pid }) };
}

/** No more is to be waited for from there. */
function noAnswer(round: Round, { worker }: Place): void {
  if (round.missing.delete(worker) && round.missing.size === 0) round.done();
}

/** What cannot be sent is not missed: the worker is gone, and its end is on its way. */
function tell({ child }: Place, message: Told): void {
  if (child?.connected === true) child.send(message, undefined, {}, () => undefined);
}
