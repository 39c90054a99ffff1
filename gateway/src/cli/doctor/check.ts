/** What a check of the doctor is: data with a name and one look at something. */
import type { Config } from '../../config/schema.ts';
import type { ReadConfig } from '../config-file.ts';
import type { CredentialRow } from '../credential-rows.ts';
import type { CommandIo } from '../io.ts';
import type { StoreAt } from '../../store/books/inspect.ts';

export type Level = 'ok' | 'warning' | 'problem';

export interface Finding {
  readonly level: Level;
  /** What was seen. */
  readonly says: string;
  /** What to do about it; absent where nothing need be done. */
  readonly todo?: string;
}

/** What all checks look at. */
export interface Patient {
  readonly io: CommandIo;
  readonly file: string;
  readonly read: ReadConfig;
  /** In force or not: that of the file, or the defaults where it cannot be used. */
  readonly config: Config;
  readonly dataDir: string;
  readonly store: StoreAt;
  readonly credentials: readonly CredentialRow[];
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface Check {
  readonly name: string;
  /** Undefined: there is nothing to say here. May throw: that is told as a problem. */
  readonly look: (patient: Patient) => Finding | undefined | Promise<Finding | undefined>;
}

export function fine(says: string): Finding {
  return { level: 'ok', says };
}

export function doubt(says: string, todo: string): Finding {
  return { level: 'warning', says, todo };
}

export function bad(says: string, todo: string): Finding {
  return { level: 'problem', says, todo };
}
