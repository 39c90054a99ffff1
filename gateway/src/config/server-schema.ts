/** The listener: where it listens, what it takes from clients, and how long it waits for them. */
import { z } from 'zod';
import { durationMs, HOUR_MS, KIB, MIB, SECOND_MS, text, whole } from './fields.ts';
import { region } from './route-schema.ts';

/** More processes would share one machine's memory and disk to nobody's gain. */
export const WORKERS_MAX = 256;

export const serverSchema = z.strictObject({
  host: text(255).default('127.0.0.1').meta({
    description: 'Address to listen on. `0.0.0.0` or `::` opens the gateway to other machines.',
  }),
  port: whole({ min: 0, max: 65_535 })
    .default(8787)
    .meta({ description: 'Port to listen on; 0 takes a free one. `--port` and `TURNOUT_PORT` win over it.' }),
  trusted_proxies: z.array(text(64)).max(1000).default([]).meta({
    description:
      'Addresses of proxies in front, in CIDR form (`10.0.0.0/8`). Of what they send, the caller is the last address in `x-forwarded-for` that is none of them: for keys with `addresses`, for logins, and for regions of callers. From anyone else that header counts for nothing.',
  }),
  body_max_bytes: whole({ min: KIB, max: KIB * MIB })
    .default(32 * MIB)
    .meta({ description: 'Largest request body. A larger one is refused with 413 before it has been read.' }),
  header_max_bytes: whole({ min: KIB, max: 256 * KIB })
    .default(16 * KIB)
    .meta({ description: 'Largest request head. A larger one is refused with 431.' }),
  header_timeout_ms: durationMs
    .default(10 * SECOND_MS)
    .meta({ description: 'How long a client may take to send the request head.' }),
  body_timeout_ms: durationMs
    .default(60 * SECOND_MS)
    .meta({ description: 'How long a client may take to send the whole body; then 408.' }),
  write_idle_ms: durationMs
    .default(60 * SECOND_MS)
    .meta({ description: 'How long a client may read nothing of its reply before the connection is closed.' }),
  keep_alive_ms: durationMs.default(65 * SECOND_MS).meta({
    description: 'How long an idle connection stays open. Keep it above the idle time of a balancer in front.',
  }),
  requests_max: whole({ min: 1, max: 1_000_000 })
    .default(10_000)
    .meta({ description: 'Requests under way at the same time. The surplus gets 503 at once.' }),
  heartbeat_ms: durationMs
    .default(10 * SECOND_MS)
    .meta({ description: 'Silence after which a waiting stream gets a `: ping` comment.' }),
  drain_ms: whole({ min: 0, max: HOUR_MS })
    .default(30 * SECOND_MS)
    .meta({ description: 'How long running requests may go on after SIGTERM. Then streams end with an error event.' }),
  region: region.exactOptional().meta({
    description:
      'Where this gateway and what it keeps are (`eu-central-1`): for distances, and for records of who held data.',
  }),
  workers: z
    .union([whole({ min: 1, max: WORKERS_MAX }), z.literal('auto')])
    .default(1)
    .meta({
      description:
        'Processes that serve on this port, each with its own memory; `auto` is one for each processor. `--workers` wins over it. Read at the start.',
    }),
  upstream_client: z.enum(['own', 'undici']).default('own').meta({
    description:
      'Who speaks HTTP to the providers: our own client, or `undici`, should ours be wrong about one of them. Read at the start.',
  }),
});
