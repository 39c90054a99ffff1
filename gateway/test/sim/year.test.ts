/** A leap year of 2,000 keys with budgets by the day, week and month, in time zones all over the world, with a clock that steps. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dice } from '../../src/lib/dice.ts';
import type { BudgetRow } from '../../src/store/budget-ports.ts';
import { isHold, type Payer } from '../../src/store/ports.ts';
import { openStore } from '../../src/store/store.ts';
import { opening, receipt, valueOf } from '../store-kit.ts';
import { inStore, look } from '../stores.ts';

const KEYS = 2000;
const SPENDS = 12_000;
const FROM = Date.UTC(2028, 0, 1);
const YEAR_MS = 366 * 86_400_000;
const PERIODS = ['day', 'week', 'month'] as const;
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/Havana',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Asia/Beirut',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'Pacific/Apia',
  'America/St_Johns',
];

type Period = (typeof PERIODS)[number];

/** What a calendar on the wall calls the period, told by other means than ours: the date as it is written there. */
function labelOf(period: Period, timeZone: string, atMs: number): string {
  const [year = '', month = '', day = ''] = dateOf(timeZone, atMs).split('-');
  if (period === 'day') return `${year}-${month}-${day}`;
  if (period === 'month') return `${year}-${month}`;
  // Days since a Monday that nobody remembers.
  const days = Math.round(Date.UTC(Number(year), Number(month) - 1, Number(day)) / 86_400_000);
  return `week ${Math.floor((days + 3) / 7)}`;
}

const DATES = new Map<string, Intl.DateTimeFormat>();

function dateOf(timeZone: string, atMs: number): string {
  const format = DATES.get(timeZone) ?? new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' });
  DATES.set(timeZone, format);
  return format.format(atMs);
}

describe('a year of budgets', () => {
  it('resets each at its moment, and once', async (context) => {
    const seed = Date.now() % 100_000;
    context.diagnostic(`seed ${seed}`);
    const random = dice(seed);
    const below = (limit: number): number => Math.floor(random() * limit);
    await inStore(async (place) => {
      let nowMs = FROM;
      const store = await openStore({ ...place, now: () => nowMs });
      const budgets = new Map<string, BudgetRow>();
      for (let at = 0; at < KEYS; at++) {
        const subject = `key_${at}`;
        const made = await store.budgets.create({
          scope: 'end-user',
          subject,
          limitNanoUsd: 10n ** 12n,
          period: PERIODS[at % 3] ?? 'day',
          timeZone: ZONES[at % ZONES.length] ?? 'UTC',
        });
        budgets.set(subject, valueOf(made));
      }
      const key = valueOf(await store.keys.create({ name: 'k' })).row;
      const expected = new Map<string, bigint>();
      const purses = new Map<string, string>();
      let steps = 0;
      for (let at = 0; at < SPENDS; at++) {
        nowMs = FROM + Math.floor((at / SPENDS) * YEAR_MS) + below(60_000);
        // A clock that was wrong is put right: forwards or back by up to three days.
        if (below(20) === 0) {
          nowMs += below(6 * 86_400_000) - 3 * 86_400_000;
          steps += 1;
        }
        const endUser = `key_${below(KEYS)}`;
        const budget = budgets.get(endUser);
        assert.ok(budget !== undefined && PERIODS.some((period) => period === budget.period));
        const { hard, booked } = store.budgets.purses({ keyId: key.id, endUser, tags: [] }, nowMs);
        const [purse] = hard;
        assert.ok(purse?.resetsAtMs !== undefined && hard.length === 1);
        const period = PERIODS.find((one) => one === budget.period) ?? 'day';
        const label = `${endUser} ${labelOf(period, budget.timeZone, nowMs)}`;
        // One purse for what the calendar calls one period, and no other.
        assert.equal(purses.get(label) ?? purse.id, purse.id, label);
        purses.set(label, purse.id);
        const last = labelOf(period, budget.timeZone, purse.resetsAtMs - 1);
        assert.equal(`${endUser} ${last}`, label, 'its last moment');
        assert.notEqual(labelOf(period, budget.timeZone, purse.resetsAtMs), last, 'the moment after');
        const amount = BigInt(1 + below(9));
        expected.set(purse.id, (expected.get(purse.id) ?? 0n) + amount);
        const payer: Payer = { keyId: key.id, hard, booked, labels: { endUser } };
        const hold = await store.ledger.hold(payer, amount, `req_${at}`);
        assert.ok(isHold(hold));
        store.ledger.open(hold, opening(`att_${at}`, { worstNanoUsd: amount }));
        store.ledger.settle(hold, receipt(`att_${at}`, { keyId: key.id, costNanoUsd: amount, atMs: nowMs }));
        store.ledger.release(hold);
      }
      assert.equal(new Set(purses.values()).size, purses.size, 'no two periods share a purse');
      await store.ledger.flush();
      const rows = await look(
        place,
        `select purse_id, balance from accounts where kind = 'spent' and purse_id like 'bud_%'`,
      );
      const spent = new Map(rows.map((row) => [String(row['purse_id']), BigInt(String(row['balance']))]));
      assert.deepEqual(spent, expected);
      assert.deepEqual(valueOf(await store.verify()).problems, []);
      context.diagnostic(`${purses.size} periods of ${KEYS} budgets, ${steps} steps of the clock`);
      await store.close();
    });
  });
});
