/**
 * Lists and reports stay fast when there is very much to look through, on every store. `TURNOUT_SCALE_ROWS=1000000` is the
 * size that is promised; what it took is told, and written to `TURNOUT_SCALE_REPORT` as a table where that names a file.
 * Without it a twentieth of that, held to the same bound.
 */
import { after, before, describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { admin } from '../../src/admin/admin.ts';
import { asMark, type Mark } from '../../src/admin/lists.ts';
import type { AdminWorld } from '../../src/admin/world.ts';
import { retain } from '../../src/cli/retention.ts';
import { configSchema } from '../../src/config/schema.ts';
import { asRecord, asString, parseJson } from '../../src/lib/json.ts';
import { openBooks } from '../../src/store/books/books.ts';
import type { Store } from '../../src/store/ports.ts';
import { openStore } from '../../src/store/store.ts';
import { valueOf } from '../store-kit.ts';
import { STORES, type MadePlace } from '../stores.ts';
import { FIRST_MS, SPAN_MS, writeMany } from './many-rows.ts';
import { END_MS, pagesOf, WALKED, type Page } from './pages.ts';

const ROWS = Number(process.env['TURNOUT_SCALE_ROWS'] ?? 50_000);
const REPORT = process.env['TURNOUT_SCALE_REPORT'];
const PAGE_MS_MAX = 300;
/** The longest that retention may keep anyone waiting. */
const PAUSE_MS_MAX = 1000;
/** Each is asked so often. */
const RUNS = 7;
/** The most that a page may have. */
const LIMIT = '200';

/** In milliseconds. */
interface Took {
  /** By the clock: what others do on the machine only ever adds to it. */
  readonly least: number;
  readonly median: number;
  readonly worst: number;
  /** Of this process, median: with SQLite that is all of the work. */
  readonly cpu: number;
}

function middleOf(all: readonly number[]): number {
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
}

async function timed(ask: () => Promise<unknown>): Promise<Took> {
  const cpu: number[] = [];
  const clock: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const startedMs = performance.now();
    const before = process.cpuUsage();
    await ask();
    const { user, system } = process.cpuUsage(before);
    cpu.push((user + system) / 1000);
    clock.push(performance.now() - startedMs);
  }
  return { least: Math.min(...clock), median: middleOf(clock), worst: Math.max(...clock), cpu: middleOf(cpu) };
}

/** Cursors that can be made up here. */
const CURSORS = {
  seal: (mark: Mark) => JSON.stringify(mark),
  open: (cursor: string) => asMark(parseJson(cursor)),
};

function worldOf(store: Store): AdminWorld {
  const config = configSchema.parse({ providers: {} });
  return {
    store,
    // No list or report that is asked for here looks at it.
    snapshot: () => assert.fail('the snapshot'),
    config: () => config,
    configProblem: () => undefined,
    health: () => [],
    cursors: CURSORS,
    now: () => END_MS,
  };
}

const PRINCIPAL = { kind: 'root', id: 'root', role: 'owner' } as const;

/** The text of a page. Empty where more receipts would have to be read than are read for one answer. */
async function read(world: AdminWorld, { ask, after: mark }: Omit<Page, 'name'>): Promise<string> {
  const url = new URL(ask, 'http://localhost/');
  if (mark !== undefined || ask.endsWith('?')) url.searchParams.set('limit', LIMIT);
  if (mark !== undefined) url.searchParams.set('cursor', CURSORS.seal(mark));
  const asked = { method: 'GET', path: url.pathname.slice(1), query: url.searchParams, headers: {}, body: undefined };
  const answer = await admin({ ...asked, principal: PRINCIPAL }, world);
  if (!('fault' in answer)) return JSON.stringify(answer.body);
  assert.equal(answer.fault.param, 'since', answer.fault.message);
  return '';
}

/** The first, the middle and the last page of a list that is in memory. */
async function walked(world: AdminWorld, ask: string): Promise<readonly Page[]> {
  const pages: Page[] = [{ name: `${ask}, first page`, ask }];
  for (;;) {
    const next = asString(asRecord(parseJson(await read(world, pages.at(-1) ?? { ask })))?.['next']);
    const mark = next === undefined ? undefined : CURSORS.open(next);
    if (mark === undefined) break;
    pages.push({ name: `${ask}, page ${pages.length + 1}`, ask, after: mark });
  }
  const places = new Set([0, Math.floor(pages.length / 2), pages.length - 1]);
  return pages.filter((_, place) => places.has(place));
}

for (const kind of STORES)
  describe(`${ROWS} requests and receipts: ${kind.name}`, { skip: kind.skip }, () => {
    let made: MadePlace;
    let store: Store;
    let world: AdminWorld;
    const told: string[] = [];

    before(async () => {
      made = await kind.make();
      await (await openBooks({ ...made.place, busyMs: 5000 })).close();
      await writeMany(made.place, ROWS);
      store = await openStore({ ...made.place, now: () => END_MS });
      world = worldOf(store);
      valueOf(await store.reports(async (books) => books.rebuildUsage()));
    });
    after(async () => {
      if (REPORT !== undefined) appendFileSync(REPORT, `\n## ${kind.name}\n\n${HEAD}\n${told.join('\n')}\n`);
      await store.close();
      await made.remove();
    });

    const holds = async (name: string, ask: () => Promise<unknown>): Promise<string> => {
      const took = await timed(ask);
      const shown = [took.least, took.median, took.worst, took.cpu].map((ms) => ms.toFixed(1));
      told.push(`| ${name} | ${shown.join(' | ')} |`);
      assert.ok(took.least < PAGE_MS_MAX, `${took.least} ms by the clock`);
      if (kind.name === 'SQLite') assert.ok(took.cpu < PAGE_MS_MAX, `${took.cpu} ms of processor`);
      return shown.join(' ');
    };

    for (const page of pagesOf(ROWS))
      it(`answers ${page.name.slice(0, 80)}`, async (test) => {
        test.diagnostic(await holds(`\`${page.name.slice(0, 80)}\``, async () => read(world, page)));
      });

    for (const ask of WALKED)
      it(`walks ${ask}`, async (test) => {
        for (const page of await walked(world, ask))
          test.diagnostic(await holds(`\`${page.name}\``, async () => read(world, page)));
      });

    it('exports page by page', async (test) => {
      const half = FIRST_MS + SPAN_MS / 2;
      const pageOf = async (limitMax: number) =>
        valueOf(await store.reports(async (books) => books.receiptPage({ limitMax, sinceMs: half })));
      const after = (await pageOf(1)).at(-1);
      assert.ok(after !== undefined);
      const ask = async () => store.reports(async (books) => books.receiptPage({ limitMax: 1000, after }));
      test.diagnostic(await holds('a page of 1,000 receipts of an export', ask));
    });

    it('goes on writing and listing while nine tenths of it are taken away', async (test) => {
      const done = new AbortController();
      const dropped = dropMost(store).finally(() => done.abort());
      const writes: number[] = [];
      const lists: number[] = [];
      while (!done.signal.aborted) {
        const id = `req_meanwhile_${writes.length}`;
        writes.push(
          await lasted(async () => {
            store.requests.put({ id, keyId: 'key_1', atMs: END_MS, outcome: 'ok', body: { id } });
            await store.requests.flush();
          }),
        );
        lists.push(await lasted(async () => store.requests.list({ limitMax: 50, keyId: 'key_7' })));
      }
      const seconds = (await dropped) / 1000;
      const [write, list] = [writes, lists].map(
        (all) => `${middleOf(all).toFixed(1)} ms, longest ${Math.max(...all).toFixed(1)} ms`,
      );
      const said = `${ROWS * 0.9} requests and receipts gone in ${seconds.toFixed(1)} s; meanwhile a write took ${write}, a list ${list}`;
      told.push(`\n${said}`);
      test.diagnostic(said);
      assert.ok(Math.max(...writes, ...lists) < PAUSE_MS_MAX, said);
      assert.equal(valueOf(await store.usage({ rowsMax: 1 })).receipts, ROWS, 'the sums still know all of them');
    });
  });

/** As a gateway does it, round after round. Gives how long it took, in milliseconds. */
async function dropMost(store: Store): Promise<number> {
  const startedMs = performance.now();
  const days = (0.1 * SPAN_MS) / 86_400_000;
  const retention = () => ({ requests_days: days, receipts_days: days });
  const oldestMs = async (): Promise<number> =>
    Date.parse(valueOf(await store.reports(async (books) => books.receiptPage({ limitMax: 1 })))[0]?.at ?? '');
  do await retain({ reports: store.reports, retention, log: assert.fail, now: () => END_MS });
  while ((await oldestMs()) < FIRST_MS + 0.9 * SPAN_MS - 3_600_000);
  return performance.now() - startedMs;
}

async function lasted(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

const HEAD = '| page | least ms | median ms | worst ms | CPU ms |\n| --- | --: | --: | --: | --: |';
