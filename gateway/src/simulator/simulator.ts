/** Fake providers over real sockets: for tests, for demonstrations, and for the first run without any key. */
import type { AddressInfo, Server } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { Answer } from './answer.ts';
import { createConnections } from './connections.ts';
import type { Incoming, Welcome } from './connections.ts';
import { OWN_PATH, controlAnswer } from './control.ts';
import { openaiChat } from './dialects/openai-chat.ts';
import { applyEffects } from './effects.ts';
import { wholeAnswer } from './answer.ts';
import type { SimulatorLog } from './log.ts';
import { createLog } from './log.ts';
import type { Recordings, RecordingsOptions } from './recordings.ts';
import { loadRecordings } from './recordings.ts';
import type { RespondOptions } from './respond.ts';
import { createResponder } from './respond.ts';
import type { Script } from './script.ts';
import { createScript } from './script.ts';
import type { Step } from './step.ts';
import { parseSteps } from './step.ts';
import { errorAnswer } from './synthetic/answer.ts';
import type { SimulatedModel } from './synthetic/models.ts';
import { SIMULATED_MODELS } from './synthetic/models.ts';
import type { WeatherOptions } from './weather.ts';

export interface SimulatorOptions {
  /** 0 (default): any free one. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** What all that is made up depends on. Default 1. */
  readonly seed?: number;
  /** Folder of recordings; then a request without a recording is a 404, unless `otherwise` says `synthetic`. */
  readonly recordings?: RecordingsOptions & { readonly otherwise?: 'not-found' | 'synthetic' };
  readonly script?: readonly Step[];
  /** Milliseconds to the first byte of made-up replies. */
  readonly ttftMs?: number;
  /** Speed of made-up replies. Absent: as fast as it goes. */
  readonly tokensPerSecond?: number;
  /** Output tokens around which made-up replies lie. */
  readonly outputTokens?: number;
  /** The models that are listed. All other names are answered too. */
  readonly models?: readonly SimulatedModel[];
  readonly weather?: WeatherOptions;
  /** A batch ends when it has been looked at so many times. Default 2. */
  readonly batchLooks?: number;
  /** Requests that the log keeps. */
  readonly logMax?: number;
  /** Lets the process end although the simulator is open. */
  readonly unref?: boolean;
  /** PEM texts: then it speaks TLS, and `url` begins with https. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

export interface Simulator {
  /** `http://127.0.0.1:PORT`; base URLs are `${url}/openai/v1`, `${url}/anthropic`, `${url}/gemini/v1beta`, `${url}/p/<provider>/v1`. */
  readonly url: string;
  /** The same: scheme, host and port. */
  readonly origin: string;
  readonly port: number;
  readonly log: SimulatorLog;
  /** Replaces the script. Throws where a step is not valid. */
  script(steps: readonly Step[]): void;
  /** The next requests get these recordings, in this order, whatever they ask. Throws where there is no such recording. */
  answerWith(...ids: readonly string[]): void;
  /** Closes the listener and all connections. Safe to call twice. */
  close(): Promise<void>;
}

/** Starts a simulator. Rejects where the port is taken or a recording cannot be read; throws where the script is not valid. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const log = createLog(options.logMax);
  const script = createScript();
  const queue: string[] = [];
  setSteps(script, options.script ?? []);
  const recordings = options.recordings === undefined ? undefined : await loadRecordings(options.recordings);
  const respond = createResponder(respondOptions(options, { script, queue, recordings }));
  const control = {
    log,
    script,
    queue,
    hasRecording: (id: string) => recordings?.byId(id) !== undefined,
    about: { simulator: 'turnout', seed: options.seed ?? 1, recordings: recordings?.size ?? 0 },
  };
  const connections = createConnections({
    log,
    ownPath: OWN_PATH,
    isUnref: options.unref === true,
    respond: (incoming: Incoming) =>
      incoming.path.startsWith(OWN_PATH) ? controlAnswer(incoming, control) : respond(incoming),
    refuse: (status, message) => errorAnswer(openaiChat, { status, message }),
    welcome: () => welcomeOf(script.forConnection()),
    ...(options.tls === undefined ? {} : { tls: createSecureContext(options.tls) }),
  });
  const { port, host } = await listen(connections.server, options);
  const url = `${options.tls === undefined ? 'http' : 'https'}://${host}:${port}`;
  let closing: Promise<void> | undefined;
  return {
    url,
    origin: url,
    port,
    log,
    script: (steps) => setSteps(script, steps),
    answerWith(...ids) {
      for (const id of ids) if (!control.hasRecording(id)) throw new Error(`there is no recording ${id}`);
      queue.push(...ids);
    },
    close: () => (closing ??= connections.close()),
  };
}

interface Parts {
  readonly script: Script;
  readonly queue: string[];
  readonly recordings: Recordings | undefined;
}

function respondOptions(options: SimulatorOptions, parts: Parts): RespondOptions {
  return {
    ...parts,
    isOpenEnded: options.recordings?.otherwise === 'synthetic',
    weather: options.weather ?? {},
    batchLooks: options.batchLooks ?? 2,
    startedMs: performance.now(),
    synthetic: {
      seed: options.seed ?? 1,
      models: options.models ?? SIMULATED_MODELS,
      ...(options.ttftMs === undefined ? {} : { ttftMs: options.ttftMs }),
      ...(options.tokensPerSecond === undefined ? {} : { tokensPerSecond: options.tokensPerSecond }),
      ...(options.outputTokens === undefined ? {} : { outputTokens: options.outputTokens }),
    },
  };
}

function setSteps(script: Script, steps: readonly Step[]): void {
  const parsed = parseSteps(steps);
  if (!parsed.ok) throw new TypeError(`script: ${parsed.error}`);
  script.set(parsed.value);
}

/** What a new connection meets, in the terms of a step. */
function welcomeOf(step: Step | undefined): Welcome | undefined {
  if (step === undefined) return undefined;
  const nothing: Answer = wholeAnswer(200, 'text/plain', '');
  const { instead, headAfterMs } = applyEffects(nothing, step);
  return {
    ...(instead === undefined ? {} : { instead }),
    ...(headAfterMs === undefined ? {} : { delayMs: headAfterMs }),
  };
}

function listen(server: Server, options: SimulatorOptions): Promise<{ readonly port: number; readonly host: string }> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: options.port ?? 0, host: options.host ?? '127.0.0.1' }, () => {
      if (options.unref === true) server.unref();
      server.off('error', reject);
      const address: AddressInfo | string | null = server.address();
      if (address === null || typeof address === 'string') return reject(new Error('the simulator has no port'));
      return resolve({
        port: address.port,
        host: address.family === 'IPv6' ? `[${address.address}]` : address.address,
      });
    });
  });
}
