/** The books of a data folder, for one command: opened before its work, closed whatever becomes of it. */
import { openDesk, type Desk } from '../store/desk.ts';

export interface DeskPlace {
  readonly dataDir: string;
  /** Absent: a folder without a database is an error. */
  readonly mayCreate?: boolean;
}

/** Throws an error for people where the books cannot be opened. */
export async function withDesk<T>(
  { dataDir, mayCreate = false }: DeskPlace,
  work: (desk: Desk) => Promise<T>,
): Promise<T> {
  const desk = await openDesk({ dataDir, now: Date.now, mayCreate });
  try {
    return await work(desk);
  } finally {
    await desk.close();
  }
}
