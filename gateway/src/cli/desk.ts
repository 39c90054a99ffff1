/** The books of a data folder, for one command: opened before its work, closed whatever becomes of it. */
import { openDesk, type Desk } from '../store/desk.ts';
import { storePlace, type StoreVariables } from '../store/place.ts';

export interface DeskPlace {
  readonly dataDir: string;
  /** For `TURNOUT_STORE` and `TURNOUT_SECRET`. */
  readonly env: StoreVariables;
  /** Absent: a folder without a database is an error. */
  readonly mayCreate?: boolean;
}

/** Throws an error for people where the books cannot be opened. */
export async function withDesk<T>(
  { dataDir, env, mayCreate = false }: DeskPlace,
  work: (desk: Desk) => Promise<T>,
): Promise<T> {
  const desk = await openDesk({ dataDir, ...storePlace(env), now: Date.now, mayCreate });
  try {
    return await work(desk);
  } finally {
    await desk.close();
  }
}
