/** The books of a data folder, for one command: opened before its work, closed whatever becomes of it. */
import { openDesk, type Desk } from '../store/desk.ts';
import { dataHere } from './gateway-here.ts';
import type { CommandIo } from './io.ts';
import type { Words } from './options.ts';

export interface DeskPlace {
  /** For `--data` and `--config`. */
  readonly words: Words;
  readonly io: CommandIo;
  /** Absent: a folder without a database is an error. */
  readonly mayCreate?: boolean;
}

/** Throws an error for people where the books cannot be opened. */
export async function withDesk<T>(
  { words, io, mayCreate = false }: DeskPlace,
  work: (desk: Desk) => Promise<T>,
): Promise<T> {
  const desk = await openDesk({ ...(await dataHere(words, io)), now: Date.now, mayCreate });
  try {
    return await work(desk);
  } finally {
    await desk.close();
  }
}
