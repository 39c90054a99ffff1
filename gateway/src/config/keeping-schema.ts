/** What is kept, where and for how long: the store, what processes share, files of batches, records. */
import { z } from 'zod';
import { text, URL_LENGTH_MAX, whole } from './fields.ts';

export const storeAddress = text(2048).regex(
  /^(sqlite|postgres(ql)?:\/\/\S+)$/,
  'must be `sqlite` or `postgres://user:password@host:port/database`, as in `"${TURNOUT_DATABASE}"`',
);

export const sharedAddress = text(URL_LENGTH_MAX).regex(
  /^(memory|(rediss?|valkeys?):\/\/[^\s]+)$/,
  'must be `memory`, or the address of a Valkey or Redis server: `redis://host:6379`, `rediss://` over TLS',
);

export const batchesSchema = z.strictObject({
  concurrency: whole({ min: 1, max: 10_000 }).default(32).meta({
    description:
      'Lines of batches under way at the same time, in this process. They never take more than half of what live requests leave of `server.requests_max`.',
  }),
  file_max_mb: whole({ min: 1, max: 10_000 })
    .default(200)
    .meta({ description: 'Largest file, and largest body of an Anthropic batch, in MiB. A larger one gets 413.' }),
  key_max_mb: whole({ min: 1, max: 10_000_000 })
    .default(2048)
    .meta({ description: 'MiB of files that one key may have at the same time, output of batches included.' }),
  keep_days: whole({ min: 1, max: 3650 })
    .default(30)
    .meta({ description: 'After so many days files and output are removed, unless their request said otherwise.' }),
  folder: z.string().min(1).default('files').meta({
    description:
      'Where files lie, within the data folder, or anywhere. Several machines on one database need one that all of them see (NFS, EFS, a volume that many may write). Read at the start.',
  }),
  native: z.enum(['auto', 'never']).default('auto').meta({
    description:
      'Whether a batch whose lines all go to one target is handed to that provider’s own batch API, at its price.',
  }),
});

export const logSchema = z.strictObject({
  requests: z
    .enum(['none', 'metadata'])
    .default('metadata')
    .meta({
      description: 'What is kept of each request: nothing, or numbers and names. Never prompt or reply.',
      'x-later': ['full'],
    }),
});

export const retentionSchema = z.strictObject({
  requests_days: whole({ min: 1, max: 36_500 }).exactOptional().meta({
    description: 'Request records older than so many days are taken away. Absent: the newest million are kept.',
  }),
  // A journal that comes back after its receipts are gone would be billed again: none stands that long.
  receipts_days: whole({ min: 31, max: 36_500 }).exactOptional().meta({
    description:
      'Receipts older than so many days are taken away; their sums by hour and what the ledger needs stay. Absent: all are kept.',
  }),
});
