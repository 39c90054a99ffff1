/** What every database behind the store must do, whatever it is. Each adapter runs this same suite. */
import type { Payer } from '../src/store/ports.ts';
import { after, before, describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { openJournal, type Journal, type JournalPosition } from '../src/store/journal.ts';
import { discardedText, interruptedReceipt, lineOf, receiptText } from '../src/store/journal-entry.ts';
import type { Books } from '../src/store/books/form.ts';
import { takeLock } from '../src/store/books/process-lock.ts';
import { opening, receipt } from './store-kit.ts';
import type { MadePlace, StorePlace, TestStore } from './stores.ts';

const AT = 1_795_000_000_000;
const START: JournalPosition = { segment: 1, offset: 0 };

/** Registers the suite for one adapter over one database. `open` is called once. */
export function booksContract(
  { name, kind }: { readonly name: string; readonly kind: TestStore },
  open: (place: StorePlace) => Promise<Books>,
): void {
  describe(`books: ${name}`, { skip: kind.skip }, () => {
    let store: MadePlace;
    let dataDir = '';
    let books: Books;
    let made = 0;

    before(async () => {
      store = await kind.make();
      ({ dataDir } = store.place);
      books = await open(store.place);
    });
    after(async () => {
      await books.close();
      await store.remove();
    });

    const newKey = async (budgetNanoUsd?: bigint): Promise<string> => {
      made += 1;
      const id = `key_${made}`;
      await books.createKey({
        id,
        name: `key ${made}`,
        isRoot: false,
        createdAtMs: AT + made,
        tags: ['a'],
        hash: `hash ${made}`,
        ...(budgetNanoUsd === undefined ? {} : { budgetNanoUsd }),
      });
      return id;
    };
    const draw = async (keyId: string, need: bigint, more: { processId?: string; least?: bigint } = {}) =>
      books.draw({
        processId: more.processId ?? 'p1',
        purseId: keyId,
        needNanoUsd: need,
        leastNanoUsd: more.least ?? need,
        atMs: AT,
      });
    const journalOf = (processId: string, lines: readonly string[]): Journal => {
      const journal = openJournal(dataDir, processId);
      for (const line of lines) assert.ok(journal.append(line));
      return journal;
    };
    const verified = async (): Promise<void> => assert.deepEqual((await books.verify()).problems, []);

    it('remembers a key, and tells those who ask of every change to it', async () => {
      const known = (await books.keyChanges(0n)).at(-1)?.revision ?? 0n;
      const id = await newKey(5n);
      const [created] = await books.keyChanges(known);
      assert.equal(created?.id, id);
      assert.equal(created?.budgetNanoUsd, 5n);
      assert.deepEqual(created?.tags, ['a']);
      const changed = await books.changeKey(
        id,
        { isDisabled: true, budgetNanoUsd: null, allowedModels: ['openai/*'], expiresAtMs: 7, region: 'eu' },
        { atMs: AT },
      );
      assert.equal(changed?.isDisabled, true);
      assert.equal(changed?.budgetNanoUsd, undefined);
      assert.equal(changed?.region, 'eu');
      assert.equal((await books.changeKey(id, { region: null }, { atMs: AT }))?.region, undefined);
      assert.deepEqual(
        (await books.keyChanges(created?.revision ?? 0n)).map((row) => row.id),
        [id],
      );
      const removed = await books.removeKey(id, { atMs: AT });
      assert.equal(removed?.hash, undefined);
      assert.deepEqual(
        (await books.keyChanges(changed?.revision ?? 0n)).map((row) => row.hash),
        [undefined],
      );
      assert.equal(await books.removeKey(id, { atMs: AT }), undefined);
      assert.equal(await books.changeKey(id, { name: 'x' }, { atMs: AT }), undefined);
      assert.equal(await books.changeKey('nobody', { name: 'x' }, { atMs: AT }), undefined);
      await verified();
    });

    it('finds a key made, and its token changed, where the answer to the first call was lost', async () => {
      const key = { id: 'key_again', name: 'again', isRoot: false, createdAtMs: AT, tags: [], hash: 'hash 1 again' };
      const made = await books.createKey(key);
      assert.deepEqual(await books.createKey(key), made);
      const tokens = { hash: 'hash 2 again', oldUntilMs: AT + 1000 };
      const deed = { atMs: AT, ifRevision: made.revision.toString() };
      const rotated = await books.rotateKey(key.id, tokens, deed);
      assert.deepEqual([rotated?.hash, rotated?.oldHash], ['hash 2 again', 'hash 1 again']);
      assert.deepEqual(await books.rotateKey(key.id, tokens, deed), rotated);
      const { entries } = await books.audit({ limitMax: 10, subject: key.id });
      assert.deepEqual(
        entries.map(({ action }) => action),
        ['key.rotated', 'key.created'],
      );
      await verified();
    });

    it('hands out what is needed, and an eighth of the rest in reserve while there is plenty', async () => {
      const id = await newKey(8000n);
      assert.equal((await draw(id, 10n)).givenNanoUsd, 1000n);
      assert.equal((await draw(id, 2000n)).givenNanoUsd, 2000n);
      const balances = await books.balances(id, 'p1');
      assert.deepEqual(balances, {
        limitNanoUsd: 8000n,
        spentNanoUsd: 0n,
        leasedHereNanoUsd: 3000n,
        leasedElsewhereNanoUsd: 0n,
      });
      await verified();
    });

    it('hands out what is left where it helps somebody, and nothing where it helps nobody', async () => {
      const id = await newKey(100n);
      assert.equal((await draw(id, 500n, { least: 101n })).givenNanoUsd, 0n);
      assert.equal((await draw(id, 500n, { least: 100n })).givenNanoUsd, 100n);
      assert.equal((await draw(id, 1n)).givenNanoUsd, 0n);
      await verified();
    });

    it('never hands out more than the budget to several processes', async () => {
      const id = await newKey(1000n);
      let given = 0n;
      for (let i = 0; i < 60; i++) given += (await draw(id, 37n, { processId: `p${i % 3}`, least: 1n })).givenNanoUsd;
      assert.equal(given, 1000n);
      await verified();
    });

    it('calls money back from others when somebody lacks it', async () => {
      const id = await newKey(100n);
      await draw(id, 90n, { processId: 'rich' });
      const { revision } = await books.recalls(0n);
      await draw(id, 50n, { processId: 'poor' });
      assert.deepEqual((await books.recalls(revision)).purseIds, [id]);
    });

    it('takes back what is returned, and never more than was handed out', async () => {
      const id = await newKey(100n);
      await draw(id, 60n);
      await books.giveBack({ processId: 'p1', purseId: id, amountNanoUsd: 20n, atMs: AT });
      assert.equal((await books.balances(id, 'p1')).leasedHereNanoUsd, 40n);
      await books.giveBack({ processId: 'p1', purseId: id, amountNanoUsd: 70n, atMs: AT });
      await books.giveBack({ processId: 'p1', purseId: id, amountNanoUsd: 'all', atMs: AT });
      assert.equal((await books.balances(id, 'p1')).leasedHereNanoUsd, 0n);
      assert.equal((await draw(id, 100n)).givenNanoUsd, 100n);
      await verified();
    });

    it('takes in each receipt once, however often its journal is read', async () => {
      const id = await newKey(10_000n);
      await draw(id, 1500n, { processId: 'pa' });
      const lines = [1, 2, 3].map((n) =>
        receiptText('settled', receipt(`once_${n}`, { keyId: id, costNanoUsd: 500n })),
      );
      const journal = journalOf('pa', lines);
      const first = await books.takeIn('pa', START, AT);
      assert.equal(first.receipts, 3);
      assert.equal((await books.takeIn('pa', START, AT)).receipts, 0);
      const second = await books.takeIn('pa', first.to, AT);
      assert.deepEqual([second.isEnd, second.receipts], [true, 0]);
      assert.deepEqual(await books.balances(id, 'pa'), {
        limitNanoUsd: 10_000n,
        spentNanoUsd: 1500n,
        leasedHereNanoUsd: 0n,
        leasedElsewhereNanoUsd: 0n,
      });
      journal.close();
      await verified();
    });

    it('records what was spent also where no lease covers it', async () => {
      const unlimited = await newKey();
      const tight = await newKey(100n);
      const cost = (keyId: string, n: bigint): string =>
        receiptText('settled', receipt(`over_${keyId}`, { keyId, costNanoUsd: n }));
      journalOf('pb', [cost(unlimited, 700n), cost(tight, 130n), cost('root', 9n)]).close();
      await books.takeIn('pb', START, AT);
      assert.equal((await books.balances(unlimited, 'pb')).spentNanoUsd, 700n);
      assert.equal((await books.balances(tight, 'pb')).spentNanoUsd, 130n);
      assert.equal((await draw(tight, 1n)).givenNanoUsd, 0n);
      await verified();
    });

    it('keeps what was spent when a budget is set, raised, lowered or taken away', async () => {
      const id = await newKey();
      journalOf('pc', [receiptText('settled', receipt('change_1', { keyId: id, costNanoUsd: 300n }))]).close();
      await books.takeIn('pc', START, AT);
      await books.changeKey(id, { budgetNanoUsd: 1000n }, { atMs: AT });
      assert.equal((await draw(id, 701n)).givenNanoUsd, 0n);
      assert.equal((await draw(id, 700n)).givenNanoUsd, 700n);
      await books.changeKey(id, { budgetNanoUsd: 200n }, { atMs: AT });
      assert.equal((await draw(id, 1n)).givenNanoUsd, 0n);
      await verified();
      await books.changeKey(id, { budgetNanoUsd: null }, { atMs: AT });
      assert.equal((await draw(id, 50n)).givenNanoUsd, 50n);
      await books.changeKey(id, { budgetNanoUsd: 0n }, { atMs: AT });
      assert.equal((await draw(id, 1n)).givenNanoUsd, 0n);
      await verified();
    });

    it('bills attempts that died with their process by their estimate, and frees its leases', async () => {
      await books.recover(AT);
      const id = await newKey(1000n);
      await draw(id, 600n, { processId: 'dead' });
      const payer: Payer = { keyId: id, hard: [], booked: [], labels: {} };
      const lines = [
        receiptText('opened', interruptedReceipt('req_dead', payer, opening('dead_1'))),
        receiptText('opened', interruptedReceipt('req_dead', payer, opening('dead_2', { estimateNanoUsd: 70n }))),
        receiptText('opened', interruptedReceipt('req_dead', payer, opening('dead_3'))),
        receiptText('settled', receipt('dead_1', { keyId: id, costNanoUsd: 40n })),
        discardedText('dead_3'),
      ];
      journalOf('dead', lines).close();
      const torn = lineOf(receiptText('settled', receipt('dead_4', { keyId: id, costNanoUsd: 1n }))).slice(0, 80);
      appendFileSync(join(dataDir, 'journal-dead-1.log'), torn);
      assert.equal(await books.recover(AT), 1);
      const { rows } = await books.usage({ keyId: id });
      assert.deepEqual(
        rows.map((row) => [row.id, row.outcome, row.estimated, row.cost_nano_usd]),
        [
          ['dead_1', 'answered', false, 40n],
          ['dead_2', 'interrupted', true, 70n],
        ],
      );
      assert.deepEqual(await books.balances(id, 'dead'), {
        limitNanoUsd: 1000n,
        spentNanoUsd: 110n,
        leasedHereNanoUsd: 0n,
        leasedElsewhereNanoUsd: 0n,
      });
      assert.deepEqual(
        readdirSync(dataDir).filter((file) => file.includes('dead')),
        [],
      );
      assert.equal(await books.recover(AT), 0);
      await verified();
    });

    it('leaves the living alone', async () => {
      const id = await newKey(1000n);
      const lock = takeLock(dataDir, 'alive');
      await draw(id, 600n, { processId: 'alive' });
      const journal = journalOf('alive', [
        receiptText(
          'opened',
          interruptedReceipt('r', { keyId: id, hard: [], booked: [], labels: {} }, opening('alive_1')),
        ),
      ]);
      assert.equal(await books.recover(AT), 0);
      assert.equal((await books.balances(id, 'alive')).leasedHereNanoUsd, 600n);
      assert.deepEqual((await books.usage({ keyId: id })).rows, [], 'an attempt under way is not a cost yet');
      journal.close();
      lock?.drop();
      assert.deepEqual(
        (await books.usage({ keyId: id })).rows.map((row) => row.outcome),
        ['interrupted'],
        'counted before it is recovered',
      );
      assert.equal(await books.recover(AT), 1);
      await verified();
    });

    it('counts what still stands in a journal, once', async () => {
      const id = await newKey();
      const lines = [1, 2].map((n) =>
        receiptText('settled', receipt(`j_${n}`, { keyId: id, costNanoUsd: 11n, atMs: AT + n })),
      );
      const earlier = await books.verify();
      const journal = journalOf('pd', lines);
      const { rows, total_nano_usd, receipts, groups } = await books.usage({ keyId: id });
      assert.deepEqual([rows.map((row) => row.id), total_nano_usd, receipts], [['j_1', 'j_2'], 22n, 2]);
      assert.deepEqual(groups[0]?.receipts, 2);
      const during = await books.verify();
      assert.equal(during.spent_nano_usd - earlier.spent_nano_usd, 22n);
      assert.equal(during.receipts - earlier.receipts, 2);
      await books.takeIn('pd', START, AT);
      assert.deepEqual((await books.usage({ keyId: id })).total_nano_usd, 22n);
      assert.deepEqual(await books.verify(), during);
      journal.close();
    });

    it('reports usage since a time, the newest rows first to be kept', async () => {
      const id = await newKey();
      const lines = [1, 2, 3, 4].map((n) =>
        receiptText('settled', receipt(`s_${n}`, { keyId: id, costNanoUsd: BigInt(n), atMs: AT + n })),
      );
      journalOf('pe', lines).close();
      await books.endProcess('pe', AT);
      const since = await books.usage({ keyId: id, sinceMs: AT + 2 });
      assert.deepEqual([since.rows.map((row) => row.id), since.total_nano_usd], [['s_2', 's_3', 's_4'], 9n]);
      const newest = await books.usage({ keyId: id, rowsMax: 1 });
      assert.deepEqual([newest.rows.map((row) => row.id), newest.total_nano_usd, newest.receipts], [['s_4'], 10n, 4]);
    });

    it('keeps amounts exact beyond what a double holds, and unknown costs unknown', async () => {
      const id = await newKey();
      const big = 9_007_199_254_740_993n;
      const { costNanoUsd: _, ...unpriced } = receipt('big_2', { keyId: id });
      journalOf('pf', [
        receiptText('settled', receipt('big_1', { keyId: id, costNanoUsd: big })),
        receiptText('settled', unpriced),
      ]).close();
      await books.endProcess('pf', AT);
      const { rows, total_nano_usd, groups } = await books.usage({ keyId: id });
      assert.deepEqual(
        rows.map((row) => row.cost_nano_usd),
        [big, null],
      );
      assert.equal(total_nano_usd, big);
      assert.equal(groups[0]?.unpriced, 1);
      await verified();
    });

    it('keeps request records, newest first, page by page', async () => {
      const stored = [1, 2, 3, 4, 5].map((n) => ({
        id: `req_${n}`,
        keyId: n % 2 === 0 ? 'even' : 'odd',
        atMs: AT + n,
        outcome: n === 3 ? 'upstream_error' : 'ok',
        body: JSON.stringify({ id: `req_${n}`, n }),
      }));
      await books.putRequests(stored);
      await books.putRequests(stored.slice(0, 2));
      assert.deepEqual(await books.getRequest('req_2'), { keyId: 'even', body: { id: 'req_2', n: 2 } });
      assert.equal(await books.getRequest('req_9'), undefined);
      const first = await books.listRequests({ limitMax: 2 });
      const second = await books.listRequests({
        limitMax: 2,
        ...(first.next === undefined ? {} : { cursor: first.next }),
      });
      assert.deepEqual(
        [...first.records, ...second.records].map((record) => record['n']),
        [5, 4, 3, 2],
      );
      assert.deepEqual(
        (await books.listRequests({ limitMax: 9, keyId: 'odd', outcome: 'ok' })).records.map((record) => record['n']),
        [5, 1],
      );
      await books.pruneRequests(2);
      assert.deepEqual(
        (await books.listRequests({ limitMax: 9 })).records.map((record) => record['n']),
        [5, 4],
      );
      await books.pruneRequests(2);
      assert.equal((await books.listRequests({ limitMax: 9 })).records.length, 2);
    });

    const ROOM = { bytesMax: 100, filesMax: 3 };
    const file = (id: string, keyId: string, bytes = 10): Parameters<Books['putFile']>[0] => ({
      id,
      keyId,
      purpose: 'batch',
      filename: `${id}.jsonl`,
      bytes,
      createdAtMs: AT,
      expiresAtMs: AT + 1000,
    });
    const SEEN = { callerRegion: 'de', callerRegionFrom: 'address' } as const;
    const newBatch = async (id: string, keyId: string, inputFileId = 'file_none') =>
      books.putBatch(
        {
          id,
          keyId,
          form: 'openai',
          endpoint: '/v1/embeddings',
          inputFileId,
          keepMs: 5,
          createdAtMs: AT,
          expiresAtMs: AT,
          seen: SEEN,
        },
        3,
      );
    const END = { status: 'completed', endedAtMs: AT } as const;
    const RUNNING_NOW = ['validating', 'in_progress', 'finalizing', 'cancelling'] as const;

    it('makes a batch once, also where the answer was lost and it is made again', async () => {
      const ids = ['batch_again', 'batch_again_2', 'batch_again_3'];
      const [made] = await Promise.all(ids.map(async (id) => newBatch(id, 'key_again')));
      assert.deepEqual(await newBatch('batch_again', 'key_again'), made);
      assert.equal(await newBatch('batch_again_4', 'key_again'), undefined);
      for (const id of ids) await books.changeBatch(id, END, RUNNING_NOW);
    });

    it('keeps files within the room of their key, and forgets them by time', async () => {
      assert.ok(await books.putFile(file('file_1', 'key_f', 60), ROOM));
      assert.ok(!(await books.putFile(file('file_2', 'key_f', 41), ROOM)));
      assert.ok(await books.putFile(file('file_2', 'key_f', 40), ROOM));
      assert.ok(await books.putFile(file('file_3', 'key_f', 0), ROOM));
      assert.ok(!(await books.putFile(file('file_4', 'key_f', 0), ROOM)));
      assert.ok(await books.hasRoom('key_g', 100, ROOM));
      assert.ok(!(await books.hasRoom('key_f', 0, ROOM)));
      assert.deepEqual(await books.getFile('file_1'), file('file_1', 'key_f', 60));
      assert.deepEqual(await books.knownFiles(['file_1', 'file_9']), ['file_1']);
      assert.deepEqual(await books.expiredFiles(AT + 999), []);
      await newBatch('batch_f', 'key_f', 'file_1');
      assert.deepEqual(await books.expiredFiles(AT + 1000), ['file_2', 'file_3']);
      assert.equal(await books.removeFile('file_1'), 'used');
      await books.changeBatch('batch_f', END, RUNNING_NOW);
      assert.equal(await books.removeFile('file_1'), 'removed');
      assert.equal(await books.removeFile('file_1'), 'unknown');
    });

    it('lists files and batches page by page, in both directions, by key', async () => {
      for (const id of ['batch_1', 'batch_2', 'batch_3']) assert.ok((await newBatch(id, 'key_p')) !== undefined);
      assert.equal(await newBatch('batch_4', 'key_p'), undefined);
      const ids = async (query: Omit<Parameters<Books['listBatches']>[0], 'keyId'>): Promise<readonly unknown[]> => {
        const { rows, hasMore } = await books.listBatches({ keyId: 'key_p', ...query });
        return [...rows.map((row) => row.id.slice(-1)), hasMore];
      };
      assert.deepEqual(await ids({ limitMax: 2 }), ['3', '2', true]);
      assert.deepEqual(await ids({ limitMax: 2, after: 'batch_2' }), ['1', false]);
      assert.deepEqual(await ids({ limitMax: 1, before: 'batch_1' }), ['2', true]);
      assert.deepEqual(await ids({ limitMax: 9, before: 'batch_1' }), ['3', '2', false]);
      assert.deepEqual(await ids({ limitMax: 9, isOldestFirst: true, after: 'batch_1' }), ['2', '3', false]);
      assert.deepEqual(await ids({ limitMax: 9, after: 'batch_none' }), [false]);
      assert.deepEqual(await ids({ limitMax: 9, form: 'anthropic' }), [false]);
      const none = await books.listFiles({ keyId: 'key_p', purposes: [], limitMax: 9 });
      assert.deepEqual(none, { rows: [], hasMore: false });
      for (const id of ['batch_1', 'batch_2', 'batch_3']) await books.changeBatch(id, END, RUNNING_NOW);
    });

    it('changes a batch only from where it should be, and removes it only when it has ended', async () => {
      await newBatch('batch_c', 'key_c');
      const begun = { status: 'in_progress', total: 7, startedAtMs: AT } as const;
      assert.equal((await books.changeBatch('batch_c', begun, ['validating']))?.status, 'in_progress');
      assert.equal(
        (await books.changeBatch('batch_c', { status: 'cancelling' }, ['validating']))?.status,
        'in_progress',
      );
      const { total, seen } = (await books.getBatch('batch_c')) ?? {};
      assert.deepEqual([total, seen], [7, SEEN]);
      assert.ok(!(await books.removeBatch('batch_c')));
      await books.changeBatch('batch_c', END, RUNNING_NOW);
      assert.ok(await books.removeBatch('batch_c'));
      assert.equal(await books.getBatch('batch_c'), undefined);
    });

    it('forgets a batch when its output is gone', async () => {
      for (const id of ['batch_old', 'batch_runs']) await newBatch(id, 'key_o');
      await books.changeBatch('batch_old', END, RUNNING_NOW);
      await books.pruneBatches(AT + 4);
      assert.ok((await books.getBatch('batch_old')) !== undefined);
      await books.pruneBatches(AT + 5);
      assert.equal(await books.getBatch('batch_old'), undefined);
      assert.ok((await books.getBatch('batch_runs')) !== undefined);
      await books.changeBatch('batch_runs', END, RUNNING_NOW);
    });

    it('takes one result of a line, whatever comes after, and counts it once', async () => {
      await newBatch('batch_r', 'key_r');
      const result = (line: number, state: 'succeeded' | 'errored', text = `${line}`) => ({ line, state, text });
      await books.putResults('batch_r', [result(3, 'succeeded'), result(1, 'errored')]);
      const again = await books.putResults('batch_r', [result(3, 'errored', 'other'), result(2, 'succeeded')]);
      assert.deepEqual([again?.succeeded, again?.errored], [2, 1]);
      assert.deepEqual(await books.resultLines('batch_r'), [1, 2, 3]);
      assert.deepEqual(await books.readResults('batch_r', 1), [result(2, 'succeeded'), result(3, 'succeeded')]);
      assert.deepEqual(await books.readResults('batch_r', 3), []);
      const long = 'x'.repeat(3_000_000);
      await books.putResults(
        'batch_r',
        [4, 5, 6].map((line) => result(line, 'succeeded', long)),
      );
      assert.deepEqual(
        (await books.readResults('batch_r', 3)).map(({ line }) => line),
        [4],
      );
      assert.ok(!(await books.dropResults()));
      await books.changeBatch('batch_r', END, RUNNING_NOW);
      assert.ok(await books.dropResults());
      assert.deepEqual(await books.resultLines('batch_r'), []);
    });

    it('keeps what was in force as it was at first', async () => {
      const first = { id: 'snap', atMs: AT, release: '1.2.3', catalog: 'c', settings: { attempts: 3 } };
      assert.equal(await books.getSnapshot('snap'), undefined);
      await books.putSnapshot(first);
      await books.putSnapshot({ ...first, atMs: AT + 1, settings: {} });
      assert.deepEqual(await books.getSnapshot('snap'), first);
    });

    it('reads the log page by page in its order, with what was said, and no further than it was', async () => {
      const row = (at: number) => ({
        id: `req_l${at}`,
        keyId: 'key_l',
        atMs: AT + at,
        outcome: 'ok',
        body: `{"n":${at}}`,
      });
      await books.putRequests(
        Array.from({ length: 450 }, (_, at) => ({ ...row(at), ...(at < 50 ? {} : { route: 'r' }) })),
      );
      const word = { requestId: 'req_l60', keyId: 'key_l', atMs: AT, target: 'l/m', task: 'code', score: 0.5 };
      await books.putFeedback(word);
      await books.putFeedback({ ...word, requestId: 'req_l61', keyId: 'another' });
      const stretch = { sinceMs: AT + 40, route: 'r' };
      const { rows, last: upTo } = await books.logExtent(stretch);
      assert.equal(rows, 400);
      await books.putRequests([{ ...row(450), route: 'r' }]);
      const read = [];
      for (let after = 0n; ; after = read.at(-1)?.seq ?? 0n) {
        const page = await books.readLog({ ...stretch, upTo, after });
        if (page.length === 0) break;
        read.push(...page);
      }
      assert.deepEqual(
        read.map(({ body }) => body['n']),
        Array.from({ length: 400 }, (_, at) => at + 50),
      );
      const said = read.filter(({ feedback }) => feedback !== undefined);
      assert.deepEqual(
        said.map(({ body, feedback, keyId }) => [body['n'], feedback, keyId]),
        [[60, { score: 0.5, task: 'code', target: 'l/m' }, 'key_l']],
      );
      assert.deepEqual(await books.logExtent({ sinceMs: AT + 9999 }), { rows: 0, last: 0n });
    });

    it('sums what was said by day, target and task, and knows each last word', async () => {
      const word = { requestId: 'req_f', keyId: 'key_f', atMs: AT, target: 'p/m', task: 'code', score: 0.25 };
      assert.equal(await books.putFeedback(word), undefined);
      const later = { ...word, score: 0.5 };
      assert.deepEqual(await books.putFeedback(later), word);
      await books.putFeedback({ ...word, requestId: 'req_g', score: 1 });
      assert.deepEqual(await books.getFeedback('req_f'), later);
      const day = Math.floor(AT / 86_400_000);
      const sums = [{ day, target: 'p/m', task: 'code', count: 2, sum: 1.5 }];
      const found = await books.feedbackSums(day);
      assert.deepEqual(
        found.filter(({ target }) => target === 'p/m'),
        sums,
      );
      assert.deepEqual(await books.feedbackSums(day + 1), []);
    });

    it('takes back what a process holds that is gone for good, and from no other', async () => {
      const id = await newKey(1000n);
      const letGo = await kind.live(store.place, 'lessee');
      await draw(id, 600n, { processId: 'lessee', least: 600n });
      const held = async () => (await books.lessees()).find(({ processId }) => processId === 'lessee');
      assert.deepEqual(await held(), { processId: 'lessee', leasedNanoUsd: 600n, state: 'alive' });
      assert.deepEqual(await books.release('lessee', { atMs: AT }), { refused: 'alive' });
      await letGo();
      const spent = receiptText('settled', receipt('late_1', { keyId: id, costNanoUsd: 50n }));
      const journal = journalOf('lessee', [spent]);
      assert.deepEqual(await books.release('lessee', { atMs: AT }), { refused: 'journal-here' });
      const away = join(dataDir, 'elsewhere');
      renameSync(join(dataDir, 'journal-lessee-1.log'), away);
      assert.deepEqual(await books.release('lessee', { atMs: AT, by: 'cli' }), { releasedNanoUsd: 600n });
      assert.deepEqual(await books.release('lessee', { atMs: AT }), { refused: 'no-lease' });
      assert.equal((await draw(id, 1000n)).givenNanoUsd, 1000n);
      const [entry] = (await books.audit({ limitMax: 1 })).entries;
      assert.deepEqual([entry?.action, entry?.subject, entry?.by], ['process.released', 'lessee', 'cli']);
      journal.close();
      renameSync(away, join(dataDir, 'journal-lessee-1.log'));
      await books.endProcess('lessee', AT);
      assert.equal((await books.balances(id, 'p1')).spentNanoUsd, 50n, 'what came back late is booked all the same');
      await verified();
    });

    it('gives batches of nobody and of the dead to whoever asks, and leaves those of the living', async () => {
      await newBatch('batch_w', 'key_w');
      const letGo = await kind.live(store.place, 'living');
      assert.deepEqual(
        (await books.claimBatches('living')).map((batch) => batch.id),
        ['batch_w'],
      );
      assert.deepEqual(await books.claimBatches('other'), []);
      await letGo();
      assert.deepEqual(
        (await books.claimBatches('other')).map((batch) => batch.id),
        ['batch_w'],
      );
      await books.changeBatch('batch_w', END, RUNNING_NOW);
      assert.deepEqual(await books.claimBatches('other'), []);
    });
  });
}
