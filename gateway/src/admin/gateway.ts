/** `providers`, `routes`, `config` and `health`: what is in force, and how it does. Secrets are in no answer, ever. */
import { z } from 'zod';
import { asNumber, asString, compact, type JsonRecord } from '../lib/json.ts';
import { pagesOf } from '../routing/describe.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import { healthOfAll } from '../telemetry/crew.ts';
import { configRecord } from './config-record.ts';
import { endpoint, list, type Endpoint, type Rows } from './endpoint.ts';
import { record } from './fields.ts';
import { healthRows } from './health-rows.ts';
import { pageOf, textsOf, type PageAsk } from './lists.ts';
import type { AdminWorld } from './world.ts';

const provider = z
  .strictObject({
    id: z.string(),
    protocol: z.string(),
    base_url: z.string(),
    has_key: z.boolean(),
    models: z.number().int(),
    region: z.string().optional(),
  })
  .meta({ id: 'Provider', description: 'A provider of the configuration.' });

const route = z
  .looseObject({
    id: z.string(),
    strategy: z.string().optional(),
    summary: z.array(z.string()),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'Route', description: 'A route in plain words.' });

const config = z.strictObject({
  snapshot: z.string().describe('id of what is in force'),
  problem: z.string().optional().describe('why the newest file is not in force'),
  config: record.describe('in the words of the file, without secrets'),
});

const health = z.looseObject({
  ok: z.boolean(),
  ledger: record,
  config_problem: z.string().optional(),
  request_records_dropped: z.number().int(),
  targets: z.array(record).describe('those that were asked, the ailing first'),
});

export const gatewayEndpoints: readonly Endpoint[] = [
  list({
    id: 'providers.list',
    path: 'providers',
    permissions: ['gateway.read'],
    summary: 'Lists the providers in force.',
    row: provider,
    filters: {},
    sorts: ['order', 'id', '-id', 'models', '-models'],
    searches: 'id, protocol, base URL or region',
    example: {
      id: 'openai',
      protocol: 'openai-chat',
      base_url: 'https://api.openai.com/v1',
      has_key: true,
      models: 52,
    },
    answers: ({ page }, { snapshot }) =>
      shown(providerRows(snapshot()), page, ['id', 'protocol', 'base_url', 'region']),
  }),
  list({
    id: 'routes.list',
    path: 'routes',
    permissions: ['routes.read'],
    summary: 'Lists the routes in force, each in plain words.',
    row: route,
    filters: {},
    sorts: ['order', 'id', '-id'],
    searches: 'id or description',
    example: { id: 'main', strategy: 'cost', summary: ['The cheapest of two targets.'], warnings: [] },
    answers: ({ page }, world) => shown(routeRows(world), page, ['id', 'description']),
  }),
  endpoint({
    id: 'config.get',
    method: 'GET',
    path: 'config',
    permissions: ['gateway.config'],
    summary: 'Shows the configuration in force.',
    isSingle: true,
    answer: config,
    examples: { answer: { snapshot: 'snap_example', config: { attempts: 3 } } },
    answers: (_, { snapshot, configProblem, config: current }) => ({
      body: compact({ snapshot: snapshot().id, problem: configProblem(), config: configRecord(current()) }),
      revision: snapshot().id,
    }),
  }),
  endpoint({
    id: 'health.get',
    method: 'GET',
    path: 'health',
    permissions: ['gateway.read'],
    summary: 'Shows how the gateway and its targets do.',
    answer: health,
    examples: { answer: { ok: true, ledger: { ok: true }, request_records_dropped: 0, targets: [] } },
    answers: async (_, world) => ({ body: await healthRecord(world) }),
  }),
];

/** Rows in the order in which they stand, or by fields of their own. */
function shown(rows: readonly JsonRecord[], page: PageAsk, searched: readonly string[]): Rows {
  const column = (row: JsonRecord): string | number => {
    if (page.sort === 'order') return rows.indexOf(row);
    const value = row[page.sort];
    return asNumber(value) ?? asString(value) ?? '';
  };
  return pageOf(rows, page, {
    idOf: (row) => asString(row['id']) ?? '',
    columns: { [page.sort]: column },
    searched: (row) => textsOf(row, searched),
  });
}

function providerRows(snapshot: Snapshot): readonly JsonRecord[] {
  const rows = new Map<
    string,
    { id: string; protocol: string; base_url: string; has_key: boolean; models: number; region: string | undefined }
  >();
  for (const target of snapshot.targets.values()) {
    const row = rows.get(target.providerId);
    if (row !== undefined) row.models += 1;
    else {
      rows.set(target.providerId, {
        id: target.providerId,
        protocol: target.provider.dialect.id,
        base_url: target.baseUrl,
        has_key: target.secret !== undefined || target.identity !== undefined,
        models: 1,
        region: target.region,
      });
    }
  }
  return [...rows.values()].map((row) => compact(row));
}

/** Each route in plain words, with what is told of it when the file is checked. */
function routeRows({ config: current, snapshot }: AdminWorld): readonly JsonRecord[] {
  const { routes } = current();
  return pagesOf(current(), snapshot()).map(({ name, ...page }) => ({
    id: name,
    strategy: routes[name]?.strategy,
    ...page,
  }));
}

async function healthRecord(world: AdminWorld): Promise<JsonRecord> {
  const own = ownHealth(world);
  return world.crew === undefined ? own : healthOfAll(own, await world.crew.ask('health'));
}

/** How this process is. */
export function ownHealth({ store, configProblem, health: rows, now }: AdminWorld): JsonRecord {
  const ledger = store.ledger.health();
  return compact({
    ok: ledger.isHealthy && configProblem() === undefined,
    ledger: compact({
      ok: ledger.isHealthy,
      reason: ledger.reason,
      journal_bytes: ledger.journalBytes,
      unwritten_receipts: ledger.unwrittenReceipts,
      store_away_ms: ledger.storeAwayMs,
      open_attempts: ledger.openAttempts,
    }),
    config_problem: configProblem(),
    request_records_dropped: store.requests.dropped(),
    targets: healthRows(rows(), now()),
  });
}
