/** A store with very many requests and receipts, made in bulk: what a busy gateway has after some weeks. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import { DATABASE } from '../../src/store/books/books.ts';
import type { StorePlace } from '../stores.ts';

/** The first row is of this moment, the last of four weeks later. */
export const FIRST_MS = Date.parse('2026-10-01T00:00:00Z');
export const SPAN_MS = 28 * 86_400_000;

const KEYS = 200;
const MODELS = ['gpt-5', 'gpt-5-mini', 'claude-sonnet-4-5', 'gemini-2.5-pro', 'llama-70b'];
const OUTCOMES = ['ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'upstream_error', 'rate_limited', 'invalid'];

/** Of row `index`: the same for every run. One in ten thousand has a route and an outcome that no other has. */
export function namesOf(index: number) {
  const isRare = index % 10_000 === 1;
  return {
    key: `key_${(index * 7919) % KEYS}`,
    model: MODELS[(index * 31) % MODELS.length] ?? '',
    route: isRare ? 'rare' : `route-${(index * 13) % 20}`,
    outcome: isRare ? 'overloaded' : (OUTCOMES[(index * 17) % OUTCOMES.length] ?? ''),
  };
}

type Value = string | number | null;
type Row = Readonly<Record<string, Value>>;

/** Everything else that has lists, in numbers that a large house has. */
const OTHERS = {
  keys: 5000,
  owners: 2000,
  budgets: 2000,
  audit: 100_000,
  alerts: 100_000,
  credits: 20_000,
  others: 5000,
};

/** Writes `rows` requests and as many receipts into the empty store of a place, and what else there are lists of. */
export async function writeMany(place: StorePlace, rows: number): Promise<void> {
  const tables = tablesOf(rows);
  if (place.url === undefined) writeSqlite(place.dataDir, tables);
  else await writePostgres(place.url, tables);
}

interface Table {
  readonly name: string;
  readonly count: number;
  readonly of: (index: number) => Row;
}

function tablesOf(rows: number): readonly Table[] {
  const spread = (index: number, count: number): number => FIRST_MS + Math.floor((index * SPAN_MS) / count);
  return [
    { name: 'postings', count: 1, of: () => ({ id: 1, process_id: '', at: 0 }) },
    { name: 'keys', count: OTHERS.keys, of: keyRow },
    { name: 'key_uses', count: OTHERS.keys, of: (index) => ({ key_id: `key_${index}`, at: FIRST_MS }) },
    {
      name: 'orgs',
      count: OTHERS.owners,
      of: (index) => ({ ...ownerRow('org', index), billing: 'postpaid', plan_id: null }),
    },
    { name: 'teams', count: OTHERS.owners, of: (index) => ({ ...ownerRow('team', index), org_id: 'default' }) },
    { name: 'users', count: OTHERS.owners, of: userRow },
    { name: 'plans', count: OTHERS.owners, of: planRow },
    { name: 'budgets', count: OTHERS.budgets, of: budgetRow },
    { name: 'accounts', count: OTHERS.budgets * 2, of: accountRow },
    { name: 'credit_grants', count: OTHERS.credits, of: (index) => creditRow(index, spread(index, OTHERS.credits)) },
    { name: 'invites', count: OTHERS.others, of: inviteRow },
    { name: 'batches', count: OTHERS.others, of: batchRow },
    { name: 'audit', count: OTHERS.audit, of: (index) => auditRow(index, spread(index, OTHERS.audit)) },
    { name: 'alerts', count: OTHERS.alerts, of: (index) => alertRow(index, spread(index, OTHERS.alerts)) },
    { name: 'requests', count: rows, of: (index) => requestRow(index, spread(index, rows)) },
    { name: 'receipts', count: rows, of: (index) => receiptRow(index, spread(index, rows)) },
  ];
}

/** One key is alone in its organisation, one in twenty is of a small one. */
function orgOf(key: string): string {
  if (key === 'key_7') return 'org_7';
  return key.endsWith('3') && key.length % 2 === 0 ? 'org_3' : 'default';
}

function keyRow(index: number): Row {
  const id = `key_${index}`;
  const flags = { is_root: 0, is_disabled: index % 9 === 0 ? 1 : 0, is_removed: 0 };
  return {
    id,
    name: `Team ${index}`,
    hash: `hash ${index}`,
    ...flags,
    created_at: index + 1,
    tags: '[]',
    revision: 1,
    org_id: orgOf(id),
  };
}

function ownerRow(kind: string, index: number): Row {
  const flags = { is_disabled: 0, is_removed: 0, created_at: index + 1, settings: '{}', revision: 1 };
  return { id: `${kind}_${index}`, name: `The ${kind} of number ${index}`, ...flags };
}

function userRow(index: number): Row {
  return { ...ownerRow('user', index), org_id: 'default', email: `user${index}@example.com`, role: 'developer' };
}

function planRow(index: number): Row {
  const rules = '[{"models":"*","basis_points":2500,"fixed_usd":"0"}]';
  return { id: `plan_${index}`, name: `Plan ${index}`, rules, is_removed: 0, created_at: index + 1, revision: 1 };
}

function budgetRow(index: number): Row {
  const about = { name: `Budget ${index}`, org_id: 'default', scope: 'key', subject: `key_${index}` };
  const terms = { limit_nano_usd: 1_000_000_000, period: 'month', time_zone: 'UTC', is_hard: 1, alerts: '[50,80,100]' };
  return { id: `bud_${index}`, ...about, ...terms, is_disabled: 0, is_removed: 0, created_at: index + 1, revision: 1 };
}

/** Grant and spent of the same purse: what was given is spent. */
function accountRow(index: number): Row {
  const isGrant = index % 2 === 0;
  const purse = `bud_${Math.floor(index / 2)}@2026-10-01T00:00:00.000Z`;
  return { kind: isGrant ? 'grant' : 'spent', purse_id: purse, process_id: '', balance: isGrant ? -5000 : 5000 };
}

function creditRow(index: number, at: number): Row {
  const money = { amount_nano_usd: 1_000_000_000, left_nano_usd: index % 1000 === 0 ? 1_000_000 : 0 };
  const about = { reference: `ref ${index}`, note: '', by: 'root', at, expires_at: null };
  return { id: `crd_${index.toString().padStart(9, '0')}`, org_id: 'default', kind: 'top-up', ...money, ...about };
}

function inviteRow(index: number): Row {
  const about = { kind: 'invite', org_id: 'default', email: `new${index}@example.com`, role: 'viewer', by: 'root' };
  return { hash: `hash ${index}`, id: `inv_${index}`, ...about, created_at: index + 1, expires_at: 9_000_000_000_000 };
}

function batchRow(index: number): Row {
  const names = { form: 'openai', endpoint: '/v1/chat/completions', status: 'completed', process_id: '' };
  const counts = { keep_ms: 1, total: 9, succeeded: 9, errored: 0, canceled: 0, expired: 0 };
  const times = { created_at: FIRST_MS + index, expires_at: FIRST_MS + SPAN_MS, ended_at: FIRST_MS + SPAN_MS };
  return {
    id: `batch_${index}`,
    key_id: `key_${index % KEYS}`,
    input_file_id: 'file_1',
    ...names,
    ...counts,
    ...times,
  };
}

function auditRow(index: number, at: number): Row {
  const action = ['key.created', 'key.changed', 'budget.changed', 'user.created'][index % 4] ?? '';
  const by = index % 10_000 === 1 ? 'user_rare' : `user_${index % 50}`;
  const changes = JSON.stringify({ name: `Number ${index}`, budget_usd: '50', allowed_models: MODELS });
  const subject = `key_${index % 3000}`;
  return { seq: index + 1, at, by, action, subject, changes, org_id: orgOf(subject), hash: 'f'.repeat(64) };
}

function alertRow(index: number, at: number): Row {
  const kind = index % 10_000 === 1 ? 'reconciliation' : ['budget', 'credits-low', 'price-unknown'][index % 3];
  const body = JSON.stringify({ name: `Budget ${index}`, limit_usd: '100', spent_usd: '80', hard: true });
  const isAcked = index % 5 !== 0;
  const acked = isAcked ? { acked_at: at + 1000, acked_by: 'root' } : { acked_at: null, acked_by: null };
  const org = index % 7 === 0 ? null : 'default';
  return { kind: kind ?? '', subject: `subject ${index}`, threshold: 80, at, body, org_id: org, ...acked };
}

function idOf(index: number): string {
  return `req_${index.toString(36).padStart(8, '0')}`;
}

function requestRow(index: number, at: number): Row {
  const { key, model, route, outcome } = namesOf(index);
  const id = idOf(index);
  const error = outcome === 'ok' ? '' : ' the provider answered with an error that is told here at some length';
  const words = `${id} ${model} ${route} ${outcome}${error}`;
  return { id, key_id: key, at, outcome, route, model, words, body: bodyOf(id, model), org_id: orgOf(key) };
}

/** As long as records are. */
function bodyOf(id: string, model: string): string {
  const candidates = Array.from({ length: 6 }, (_, place) => ({
    target: `provider-${place}/${model}`,
    eligible: true,
  }));
  const facts = { tokens: 1234, modalities: ['text'], tools: false, language: 'en', task: 'chat', from: 'bytes' };
  const attempts = [{ target: `openai/${model}`, outcome: 'answered', status: 200, duration_ms: 1234, ttft_ms: 321 }];
  return JSON.stringify({ id, snapshot: 'f'.repeat(16), route: null, facts, candidates, plan: [], attempts });
}

function receiptRow(index: number, at: number): Row {
  const { key, model, route } = namesOf(index);
  const id = idOf(index);
  const names = { key_id: key, provider: 'openai', model, target: `openai/${model}`, outcome: 'answered' };
  const counts = { input_tokens: 1000 + (index % 999), output_tokens: index % 700, cost_nano_usd: index % 90_000 };
  const owners = { org_id: orgOf(key), team_id: `team_${index % 15}`, end_user: `user-${index % 5000}` };
  const about = { route, tags: `["tag-${index % 12}"]`, purses: '' };
  return {
    id: `att_${id}`,
    posting_id: 1,
    request_id: id,
    is_estimated: 0,
    is_first: 1,
    at,
    ...names,
    ...counts,
    ...owners,
    ...about,
  };
}

function writeSqlite(dataDir: string, tables: readonly Table[]): void {
  const database = new DatabaseSync(join(dataDir, DATABASE));
  database.exec('pragma synchronous = off; pragma cache_size = -200000; begin');
  for (const { name, count, of } of tables) {
    const columns = Object.keys(of(0));
    const places = columns.map(() => '?').join(', ');
    const insert = database.prepare(
      `insert into ${name} (${columns.map((one) => `"${one}"`).join(', ')}) values (${places})`,
    );
    for (let index = 0; index < count; index++) insert.run(...Object.values(of(index)));
  }
  database.exec('commit');
  database.close();
}

/** Rows of one statement. */
const AT_ONCE = 2000;

async function writePostgres(url: string, tables: readonly Table[]): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  for (const { name, count, of } of tables) {
    const columns = Object.keys(of(0))
      .map((one) => `"${one}"`)
      .join(', ');
    const insert = `insert into ${name} (${columns}) select ${columns} from json_populate_recordset(null::${name}, $1)`;
    for (let from = 0; from < count; from += AT_ONCE) {
      const rows = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, index) => of(from + index));
      await client.query(insert, [JSON.stringify(rows)]);
    }
  }
  // What autovacuum does by itself when so much has been written, in its own time.
  await client.query('vacuum (analyze)');
  await client.end();
}
