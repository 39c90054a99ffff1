/** The log: one JSON object a line. Prompts, replies and secrets are never put into it. */

export type Level = 'debug' | 'info' | 'warn' | 'error';
export type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  (level: Level, message: string, fields?: Fields): void;
}

const RANKS: Readonly<Record<Level, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

export interface LogOptions {
  readonly write: (line: string) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly level: Level;
}

export function createLog(options: LogOptions): Log {
  return (level, message, fields = {}) => {
    if (RANKS[level] < RANKS[options.level]) return;
    options.write(`${JSON.stringify({ time: new Date(options.now()).toISOString(), level, message, ...fields })}\n`);
  };
}
