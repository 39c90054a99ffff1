/** A store with very many requests and receipts, made in bulk: what a busy gateway has after some weeks. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DATABASE } from '../../src/store/books.ts';

/** The first row is of this moment, the last of four weeks later. */
export const FIRST_MS = Date.parse('2026-10-01T00:00:00Z');
export const SPAN_MS = 28 * 86_400_000;

const KEYS = 200;
const MODELS = ['gpt-5', 'gpt-5-mini', 'claude-sonnet-4-5', 'gemini-2.5-pro', 'llama-70b'];
const OUTCOMES = ['ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'upstream_error', 'rate_limited', 'invalid'];

/** One key in twenty is of a small organisation, one is alone in its own. */
function orgOf(key: number): string {
  if (key === 7) return 'org_tiny';
  return key % 20 === 3 ? 'org_small' : 'default';
}

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

/** Writes `rows` requests and as many receipts into the empty database of a folder. */
export function writeMany(dataDir: string, rows: number): void {
  const database = new DatabaseSync(join(dataDir, DATABASE));
  database.exec('pragma synchronous = off; pragma cache_size = -200000; begin');
  database.exec(`insert into postings (id, process_id, at) values (1, '', 0)`);
  for (let key = 0; key < KEYS; key++) {
    database.exec(`
      insert into keys (id, name, hash, is_root, is_disabled, is_removed, created_at, tags, revision, org_id)
      values ('key_${key}', 'Team ${key}', 'hash ${key}', 0, 0, 0, 1, '[]', 1, '${orgOf(key)}')`);
  }
  const request = database.prepare(
    'insert into requests (id, key_id, at, outcome, route, model, words, body, org_id) values (?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const receipt = database.prepare(`
    insert into receipts (id, posting_id, request_id, key_id, provider, model, target, outcome, is_estimated,
      input_tokens, output_tokens, cost_nano_usd, at, org_id, team_id, end_user, route, tags, purses)
    values (?, 1, ?, ?, 'openai', ?, ?, 'answered', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')`);
  for (let index = 0; index < rows; index++) {
    const { key, model, route, outcome } = namesOf(index);
    const at = FIRST_MS + Math.floor((index * SPAN_MS) / rows);
    const id = `req_${index.toString(36).padStart(8, '0')}`;
    const error = outcome === 'ok' ? '' : ' the provider answered with an error that is told here at some length';
    const words = `${id} ${model} ${route} ${outcome}${error}`;
    const org = orgOf(Number(key.slice('key_'.length)));
    request.run(id, key, at, outcome, route, model, words, bodyOf(id, model), org);
    const tags = `["tag-${index % 12}"]`;
    const target = `openai/${model}`;
    const place = [org, `team_${index % 15}`, `user-${index % 5000}`, route, tags] as const;
    receipt.run(`att_${id}`, id, key, model, target, 1000 + (index % 999), index % 700, index % 90_000, at, ...place);
  }
  database.exec('commit');
  database.close();
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
