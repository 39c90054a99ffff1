/** `turnout serve`: one process that serves, or a supervisor of several. What serves is read only where it is needed: a supervisor stays small. */
import { createLog, type Log } from '../telemetry/log.ts';
import type { CommandIo } from './io.ts';
import { readServeOptions } from './serve-options.ts';
import { memberHere, type Member } from './workers/member.ts';
import { crowdOf } from './workers/wanted.ts';

const USAGE = `usage: turnout serve [--config FILE] [--port N] [--host ADDRESS] [--data DIR] [--workers N|auto]
`;

/** Runs the gateway until SIGTERM or SIGINT; the exit code is 0 after a clean drain. */
export async function serveCommand(args: readonly string[], io: CommandIo): Promise<number> {
  if (args.includes('--help')) {
    io.stdout(USAGE);
    return 0;
  }
  const options = readServeOptions(args, io);
  if (typeof options === 'string') {
    io.stderr(`turnout: ${options}\n${USAGE}`);
    return 2;
  }
  // Whoever starts reads its files anyway; unheard, the signal would end it.
  process.on('SIGHUP', () => undefined);
  const member = memberHere(io.env);
  const log = logOf(io, member);
  const crowd = member === undefined ? crowdOf({ ...options, env: io.env }) : undefined;
  if (crowd !== undefined) {
    const { supervise } = await import('./workers/supervise.ts');
    return supervise({ crowd, args: ['serve', ...args], io, log });
  }
  const { serveHere } = await import('./serve.ts');
  // The channel to a supervisor would keep a process alive that could not even start.
  return serveHere({ options, io, log, member }).finally(() => member?.close());
}

function logOf(io: CommandIo, member: Member | undefined): Log {
  const log = createLog({
    write: (line) => io.stderr(line),
    now: Date.now,
    level: io.env['TURNOUT_LOG'] === 'debug' ? 'debug' : 'info',
  });
  if (member === undefined) return log;
  return (level, message, fields) => log(level, message, { worker: member.worker, ...fields });
}
