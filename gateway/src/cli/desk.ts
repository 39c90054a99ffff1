/** The books of a data folder, for one command: opened before its work, closed whatever becomes of it. */
import { openDesk, type Desk } from '../store/desk.ts';

export interface DeskPlace {
  readonly dataDir: string;
  /** Absent: a folder without a database is an error. */
  readonly mayCreate?: boolean;
  /** `TURNOUT_MASTER_KEY`, for commands that open or seal credentials. */
  readonly masterKey?: string | undefined;
}

/** Throws an error for people where the books cannot be opened. */
export async function withDesk<T>(
  { dataDir, mayCreate = false, masterKey }: DeskPlace,
  work: (desk: Desk) => Promise<T>,
): Promise<T> {
  const desk = await openDesk({ dataDir, now: Date.now, mayCreate, masterKey });
  try {
    return await work(desk);
  } finally {
    await desk.close();
  }
}
