/** What every database behind the store must do for reports. Each adapter runs this same suite. */
import { after, before, describe, it } from 'node:test';
import assert from 'node:assert/strict';
import type { Books } from '../src/store/books/form.ts';
import { openJournal, type JournalPosition } from '../src/store/journal.ts';
import { receiptText } from '../src/store/journal-entry.ts';
import type { Receipt, RequestQuery } from '../src/store/ports.ts';
import type { UsageByQuery, UsageByReport } from '../src/store/report-ports.ts';
import { receipt } from './store-kit.ts';
import type { MadePlace, StorePlace, TestStore } from './stores.ts';

/** The beginning of an hour. */
const HOUR = Date.parse('2026-11-20T08:00:00Z');
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const START: JournalPosition = { segment: 1, offset: 0 };

/** Registers the suite for one adapter over one database. `open` is called once. */
export function reportsContract(
  { name, kind }: { readonly name: string; readonly kind: TestStore },
  open: (place: StorePlace) => Promise<Books>,
): void {
  describe(`reports: ${name}`, { skip: kind.skip }, () => {
    let store: MadePlace;
    let dataDir = '';
    let books: Books;
    let processes = 0;

    before(async () => {
      store = await kind.make();
      ({ dataDir } = store.place);
      books = await open(store.place);
      for (const id of ['key_a', 'key_b'])
        await books.createKey({ id, name: `name of ${id}`, isRoot: false, createdAtMs: HOUR, tags: [], hash: id });
    });
    after(async () => {
      await books.close();
      await store.remove();
    });

    /** Receipts into the journal of a process; taken in, or left there. */
    const written = async (receipts: readonly Receipt[], isTakenIn = true): Promise<string> => {
      processes += 1;
      const processId = `p${processes}`;
      const journal = openJournal(dataDir, processId);
      for (const one of receipts) assert.ok(journal.append(receiptText('settled', one)));
      if (isTakenIn) await books.takeIn(processId, START, HOUR);
      return processId;
    };
    const told = async (query: UsageByQuery): Promise<UsageByReport> => {
      const report = await books.usageBy(query);
      assert.ok(report !== undefined);
      return report;
    };
    const costs = async (query: UsageByQuery): Promise<readonly (readonly [string, bigint])[]> =>
      (await told(query)).groups.map((group) => [group.values.join(' '), group.cost_nano_usd]);
    const verified = async (): Promise<void> => assert.deepEqual((await books.verify()).problems, []);

    it('sums receipts by hour as they are taken in, each once', async () => {
      const receipts = [
        receipt('att_1', { atMs: HOUR + 1, costNanoUsd: 5n }),
        receipt('att_2', { atMs: HOUR + HOUR_MS - 1, costNanoUsd: 7n, keyId: 'key_b' }),
        receipt('att_3', { atMs: HOUR + HOUR_MS, costNanoUsd: 11n, model: 'other' }),
      ];
      const processId = await written(receipts);
      await books.takeIn(processId, START, HOUR);
      await written(receipts);
      assert.deepEqual(await costs({ by: ['hour'] }), [
        ['2026-11-20T08:00:00.000Z', 12n],
        ['2026-11-20T09:00:00.000Z', 11n],
      ]);
      assert.deepEqual(await costs({ by: ['model'] }), [
        ['gpt-5-mini', 12n],
        ['other', 11n],
      ]);
      assert.deepEqual(await costs({ by: ['day', 'key'] }), [
        ['2026-11-20 key_a', 16n],
        ['2026-11-20 key_b', 7n],
      ]);
      await verified();
    });

    it('gives the names of what has one, and all sums', async () => {
      const { groups, total, groups_total } = await told({ by: ['key'], groupsMax: 1 });
      assert.equal(groups_total, 2);
      assert.deepEqual(groups, [
        {
          values: ['key_a'],
          names: ['name of key_a'],
          receipts: 2,
          unpriced: 0,
          input_tokens: 200,
          cached_input_tokens: 0,
          cache_write_tokens: 0,
          output_tokens: 40,
          reasoning_tokens: 0,
          cost_nano_usd: 16n,
          charge_nano_usd: 16n,
        },
      ]);
      assert.equal(total.receipts, 3);
      assert.equal(total.cost_nano_usd, 23n);
    });

    it('looks at whole hours, and says at which', async () => {
      const query = { by: ['provider'], sinceMs: HOUR + HOUR_MS + MINUTE_MS, untilMs: HOUR + HOUR_MS + 2 * MINUTE_MS };
      const report = await told({ ...query, by: ['provider'] });
      assert.equal(report.since, '2026-11-20T09:00:00.000Z');
      assert.equal(report.until, '2026-11-20T10:00:00.000Z');
      assert.equal(report.total.cost_nano_usd, 11n);
      assert.equal((await told({ by: ['provider'], untilMs: HOUR })).total.receipts, 0);
    });

    it('counts what still stands in a journal, once', async () => {
      const processId = await written([receipt('att_4', { atMs: HOUR, costNanoUsd: 100n })], false);
      const waiting = await told({ by: ['key'] });
      assert.equal(waiting.total.cost_nano_usd, 123n);
      await books.takeIn(processId, START, HOUR);
      assert.deepEqual(await told({ by: ['key'] }), waiting);
      await verified();
    });

    it('counts a receipt without a price as one, and not as free', async () => {
      const { costNanoUsd: _, ...unpriced } = receipt('att_5', { atMs: HOUR, model: 'unpriced' });
      await written([unpriced]);
      const { groups } = await told({ by: ['model'] });
      assert.deepEqual(
        groups.map((group) => [group.values[0], group.unpriced, group.receipts]),
        [
          ['gpt-5-mini', 0, 3],
          ['other', 0, 1],
          ['unpriced', 1, 1],
        ],
      );
      await verified();
    });

    it('tells of receipts by end user only as far as it may read', async () => {
      assert.equal(await books.usageBy({ by: ['end-user'], rowsMax: 4 }), undefined);
      assert.equal((await told({ by: ['end-user'], rowsMax: 5 })).total.receipts, 5);
      assert.equal((await told({ by: ['tag', 'model'] })).total.receipts, 5);
    });

    it('gives receipts page by page, oldest first', async () => {
      const first = await books.receiptPage({ limitMax: 3 });
      const last = first.at(-1);
      assert.ok(last !== undefined);
      const second = await books.receiptPage({ limitMax: 3, after: last });
      assert.deepEqual(
        [...first, ...second].map((row) => row.id),
        ['att_4', 'att_5', 'att_1', 'att_2', 'att_3'],
      );
      const some = await books.receiptPage({ limitMax: 9, sinceMs: HOUR + 1, untilMs: HOUR + HOUR_MS });
      assert.deepEqual(
        some.map((row) => row.id),
        ['att_1', 'att_2'],
      );
    });

    it('books a price that becomes known, once, and leaves the receipt as it was', async () => {
      const waiting = await books.unpriced({ limitMax: 9, model: 'unpriced' });
      assert.deepEqual(
        waiting.map(({ id, usage }) => [id, usage.inputTokens, usage.reasoningTokens]),
        [['att_5', 100, undefined]],
      );
      const price = [{ receiptId: 'att_5', costNanoUsd: 40n, chargeNanoUsd: 50n, laterChargeNanoUsd: 45n }];
      const why = { reason: 'test', atMs: HOUR };
      assert.deepEqual(
        new Set(await Promise.all([books.reprice(price, why), books.reprice(price, why)])),
        new Set([0, 1]),
      );
      assert.deepEqual(await books.unpriced({ limitMax: 9 }), []);
      const { groups } = await told({ by: ['model'], sinceMs: HOUR, untilMs: HOUR + 1 });
      assert.deepEqual(
        groups.map((group) => [group.values[0], group.unpriced, group.cost_nano_usd, group.charge_nano_usd]),
        [
          ['gpt-5-mini', 0, 112n, 112n],
          ['unpriced', 0, 40n, 50n],
        ],
      );
      await verified();
    });

    it('tells what it has by day and model', async () => {
      const days = await books.ownDays(['openai', 'other'], { sinceMs: HOUR, untilMs: HOUR + 1 });
      assert.deepEqual(
        days
          .map((day) => [day.day, day.model, day.receipts, day.estimated, day.costNanoUsd])
          .toSorted(([, a = ''], [, b = '']) => (a < b ? -1 : 1)),
        [
          ['2026-11-20', 'gpt-5-mini', 3, 0, 112n],
          ['2026-11-20', 'other', 1, 0, 11n],
          ['2026-11-20', 'unpriced', 1, 0, 40n],
        ],
      );
      assert.deepEqual(await books.ownDays(['groq'], { sinceMs: HOUR, untilMs: HOUR + 1 }), []);
    });

    it('puts an alert once, and knows who was told', async () => {
      const alert = { kind: 'test', subject: 'a', atMs: HOUR, body: { of: 'a' } };
      assert.equal(await books.putAlert(alert), true);
      assert.equal(await books.putAlert(alert), false);
      assert.equal(await books.putAlert({ ...alert, threshold: 50 }), true);
      const { alerts } = await books.listAlerts({ kind: 'test', limitMax: 9 });
      assert.deepEqual(
        alerts.map(({ threshold, at, told_at }) => [threshold, at, told_at]),
        [
          [50, '2026-11-20T08:00:00.000Z', null],
          [0, '2026-11-20T08:00:00.000Z', null],
        ],
      );
      const first = alerts.at(-1)?.id ?? 0;
      const page = await books.listAlerts({ kind: 'test', limitMax: 1 });
      assert.deepEqual([page.alerts[0]?.threshold, page.next], [50, page.alerts[0]?.id]);
      const rest = await books.listAlerts({ kind: 'test', limitMax: 1, before: page.next ?? 0 });
      assert.deepEqual([rest.alerts[0]?.id, rest.next], [first, undefined]);
      await books.markTold([first], HOUR);
      await books.markTold([first], HOUR + 1);
      const [told_at] = (await books.listAlerts({ kind: 'test', limitMax: 9 })).alerts
        .map((row) => row.told_at)
        .toReversed();
      assert.equal(told_at, '2026-11-20T08:00:00.000Z');
      assert.equal((await books.listAlerts({ kind: 'test', isUntold: true, limitMax: 9 })).alerts.length, 1);
      const subjects = (await books.listAlerts({ kind: 'price-unknown', limitMax: 9 })).alerts.map(
        (row) => row.subject,
      );
      assert.deepEqual(subjects, ['openai/unpriced']);
    });

    it('sums days and the hours around them to what the receipts say, however the span is cut', async () => {
      const hours = [0, 23, 24, 25, 47, 48, 71, 73, 96];
      await written(hours.map((hour) => receipt(`day_${hour}`, { atMs: HOUR + hour * HOUR_MS, provider: 'days' })));
      for (const from of [-8, 0, 1, 16, 24, 40, 64])
        for (const until of [1, 16, 17, 40, 64, 88, 97]) {
          const span = { sinceMs: HOUR + from * HOUR_MS, untilMs: HOUR + until * HOUR_MS };
          const { groups } = await told({ by: ['provider'], ...span });
          const found = groups.find((group) => group.values[0] === 'days')?.receipts ?? 0;
          assert.equal(found, hours.filter((hour) => hour >= from && hour < until).length, `${from} to ${until}`);
        }
      await verified();
    });

    it('finds requests by what is narrow of them', async () => {
      const rows = Array.from({ length: 9 }, (_, index) => ({
        id: `req_${index}`,
        keyId: index % 2 === 0 ? 'key_a' : 'key_b',
        atMs: HOUR + index,
        outcome: index === 3 ? 'internal' : 'ok',
        route: `route_${index % 3}`,
        model: 'm',
        words: `req_${index} m ${index === 3 ? 'it said 100% _wrong_\\' : ''}`,
        body: JSON.stringify({ id: `req_${index}` }),
      }));
      await books.putRequests(rows);
      const ids = async (query: Omit<RequestQuery, 'limitMax'>, limitMax = 99): Promise<readonly unknown[]> =>
        (await books.listRequests({ limitMax, ...query })).records.map((record) => record['id']);
      assert.deepEqual(await ids({ keyId: 'key_b', route: 'route_1' }), ['req_7', 'req_1']);
      assert.deepEqual(await ids({ outcome: 'internal' }), ['req_3']);
      assert.deepEqual(await ids({ sinceMs: HOUR + 2, untilMs: HOUR + 4 }), ['req_3', 'req_2']);
      assert.deepEqual(await ids({ model: 'other' }), []);
      for (const search of ['100%', '_wrong_', '\\', 'SAID', 'req_3'])
        assert.deepEqual(await ids({ search }), ['req_3'], search);
      for (const search of ['%%%%%%%%', "'", '"', 'x'.repeat(10_240)])
        assert.deepEqual(await ids({ search }), [], search);
      assert.deepEqual(await ids({ search: 'Name of key_b', outcome: 'ok' }), ['req_7', 'req_5', 'req_1']);
      const { records, next } = await books.listRequests({ limitMax: 2, route: 'route_0' });
      assert.deepEqual(
        records.map((record) => record['id']),
        ['req_6', 'req_3'],
      );
      assert.deepEqual(await ids({ route: 'route_0', ...(next === undefined ? {} : { cursor: next }) }), ['req_0']);
    });

    it('makes the sums anew, the same', async () => {
      const before = await told({ by: ['hour', 'key', 'model'] });
      assert.equal(await books.rebuildUsage(), 13);
      assert.deepEqual(await told({ by: ['hour', 'key', 'model'] }), before);
      await verified();
    });

    it('lets receipts go by whole hours, and can still prove the ledger', async () => {
      // A journal that still stands would bring back what is gone: they go long before receipts do.
      for (let number = 1; number <= processes; number++) await books.endProcess(`p${number}`, HOUR);
      const before = await told({ by: ['day', 'model'] });
      const { receipts, spent_nano_usd } = await books.verify();
      const { groups, total_nano_usd } = await books.usage({ rowsMax: 0 });
      while (await books.dropReceipts(HOUR + 47 * HOUR_MS + MINUTE_MS));
      const left = await books.receiptPage({ limitMax: 99 });
      assert.deepEqual(
        left.map((row) => row.id),
        ['day_47', 'day_48', 'day_71', 'day_73', 'day_96'],
      );
      await verified();
      assert.deepEqual(await told({ by: ['day', 'model'] }), before);
      const proof = await books.verify();
      assert.deepEqual([proof.receipts, proof.spent_nano_usd], [receipts, spent_nano_usd]);
      const usage = await books.usage({ rowsMax: 0 });
      assert.deepEqual([new Set(usage.groups), usage.total_nano_usd], [new Set(groups), total_nano_usd]);
      await books.rebuildUsage();
      assert.deepEqual(await told({ by: ['day', 'model'] }), before);
      await books.endProcess(await written([receipt('late', { atMs: HOUR + 1, provider: 'late' })]), HOUR);
      await verified();
      assert.equal(await books.dropReceipts(HOUR + 2 * HOUR_MS), false);
      await verified();
      assert.equal((await books.receiptPage({ limitMax: 1 }))[0]?.id, 'day_47');
    });

    it('lets requests go from the oldest on', async () => {
      assert.equal(await books.dropRequests(HOUR + 4), false);
      const { records } = await books.listRequests({ limitMax: 99 });
      assert.deepEqual(
        records.map((record) => record['id']),
        ['req_8', 'req_7', 'req_6', 'req_5', 'req_4'],
      );
    });
  });
}
