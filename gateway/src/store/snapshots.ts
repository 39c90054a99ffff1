/** What was in force when: written down as it comes into force, read when a decision is looked at again. */
import type { Books } from './books/form.ts';
import { patiently } from './patience.ts';
import type { Snapshots } from './ports.ts';

/** `warn` is told where one could not be kept: its decisions cannot be made again. */
export function keptSnapshots(books: Books, warn: (text: string) => void): Snapshots {
  return {
    keep(snapshot) {
      const lost = (reason: string): void => warn(`the snapshot ${snapshot.id} could not be kept: ${reason}`);
      void patiently(async () => books.putSnapshot(snapshot)).then(
        (put) => (put.ok ? undefined : lost(put.error.message)),
        (error: unknown) => lost(String(error)),
      );
    },
    get: async (id) => patiently(async () => books.getSnapshot(id)),
  };
}
