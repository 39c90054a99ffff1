/** Which store a command works on: `TURNOUT_STORE`, else SQLite in the data folder. */
import type { StoreAt } from '../store/inspect.ts';
import type { CommandIo } from './io.ts';

/** `dataDir`: absolute. */
export function storeAt(dataDir: string, io: CommandIo): StoreAt {
  const store = io.env['TURNOUT_STORE'];
  return store?.startsWith('postgres') === true ? { dataDir, url: store } : { dataDir };
}
