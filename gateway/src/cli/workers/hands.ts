/** How worker processes come to be, and how several of them have one port. */
import { fork, type ChildProcess } from 'node:child_process';
import cluster from 'node:cluster';
import { createServer } from 'node:net';
import { SHARING_VARIABLE, WORKER_VARIABLE, WORKERS_VARIABLE } from './member.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** `kernel`: each worker has a listening socket of its own, and connections never pass through another process. */
export type Sharing = 'kernel' | 'supervisor';

/**
 * Linux spreads connections over all sockets that were opened with SO_REUSEPORT (socket(7)). macOS gives all to the newest,
 * and Windows has nothing alike: there the supervisor accepts and hands over, by node:cluster.
 */
export function sharingHere(env: Environment, platform: NodeJS.Platform = process.platform): Sharing {
  const asked = env[SHARING_VARIABLE];
  if (asked === 'kernel' || asked === 'supervisor') return asked;
  return platform === 'linux' ? 'kernel' : 'supervisor';
}

export interface Start {
  readonly worker: number;
  /** How many there are. */
  readonly workers: number;
  /** The words after `turnout`. */
  readonly args: readonly string[];
  readonly sharing: Sharing;
}

/** Starts this very program as a worker. */
export function startWorker({ worker, workers, args, sharing }: Start): ChildProcess {
  const [, entry = ''] = process.argv;
  const variables = {
    [WORKER_VARIABLE]: String(worker),
    [WORKERS_VARIABLE]: String(workers),
    [SHARING_VARIABLE]: sharing,
  };
  if (sharing === 'kernel') return fork(entry, args, { env: { ...process.env, ...variables } });
  cluster.setupPrimary({ exec: entry, args: [...args] });
  return cluster.fork(variables).process;
}

/**
 * The port that workers are to share (0: a free one is found), or why it cannot be had. They share it with whoever asks for
 * it alike, another Turnout too: so it is asked for once as if it were for one alone.
 */
export function probePort(port: number, host: string): Promise<number | string> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', (error) => resolve(whyNotListening(error, port)));
    probe.listen({ port, host, exclusive: true }, () => {
      const address = probe.address();
      const found = typeof address === 'object' && address !== null ? address.port : port;
      probe.close(() => resolve(found));
    });
  });
}

/** In words for whoever started it. */
export function whyNotListening({ code, message }: NodeJS.ErrnoException, port: number): string {
  return code === 'EADDRINUSE'
    ? `port ${port} is taken. Give another with --port, or 0 for a free one.`
    : `cannot listen: ${message}`;
}
