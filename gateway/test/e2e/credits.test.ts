/** Who pays first: what is sent is covered by credits, at every instant, whatever is paid in and taken back meanwhile. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, it } from 'node:test';
import { Stripe } from 'stripe';
import { asRecord, asString, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { creditPurseOf, type CreditBalance } from '../../src/store/billing-ports.ts';
import type { Books } from '../../src/store/books/form.ts';
import { DATABASE, openBooks } from '../../src/store/books/books.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';

const SECRET = 'whsec_credits_0123456789';
const AT_ONCE = 1000;
/** 10 and 10 tokens at 1 and 2 USD a million, and a tenth more. */
const CHARGE = 33_000n;
const CENT = 10_000_000n;
const { webhooks } = new Stripe('sk_test_none');

const dir = mkdtempSync(join(tmpdir(), 'turnout-credits-'));
let upstream: Simulator;
let gateway: TestGateway;
let books: Books;
let key = '';

before(async () => {
  upstream = await startSimulator({
    script: [
      { times: 'forever', reply: { text: 'fine', finish: 'stop', usage: { input_tokens: 10, output_tokens: 10 } } },
    ],
  });
  books = await openBooks({ dataDir: join(dir, 'data'), busyMs: 5000 });
  await books.changeOrg('default', { billing: 'prepaid' }, { atMs: Date.now(), by: 'cli' });
  const models = 'm: {price: {input: 1, output: 2}, limits: {output: 4096}}';
  const row = `{dialect: openai-chat, base_url: "${upstream.url}/openai/v1", api_key: sk-upstream, models: {${models}}}`;
  const billing = 'billing: {plan: [{models: p, basis_points: 1000}], stripe: {webhook_secret: "${SECRET}"}}';
  gateway = await startGateway({ config: testConfig({ p: row }, billing), env: { SECRET }, dir });
  key = asString((await call('/admin/v1/keys', ROOT_KEY, { name: 'prepaid' })).body['key']) ?? '';
});
after(async () => {
  await gateway.stop();
  await upstream.close();
  await books.close();
  rmSync(dir, { recursive: true, force: true });
});

async function call(path: string, token: string, body: JsonRecord): Promise<{ status: number; body: JsonRecord }> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(`${gateway.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: response.status, body: asRecord(parseJson(await response.text())) ?? {} };
}

const ask = async (): ReturnType<typeof call> =>
  call('/v1/chat/completions', key, { model: 'm', max_tokens: 10, messages: [{ role: 'user', content: 'hi' }] });

async function event(id: string, type: string, object: JsonRecord): Promise<void> {
  const payload = JSON.stringify({ id, type, data: { object: { currency: 'usd', ...object } } });
  const headers = {
    'content-type': 'application/json',
    'stripe-signature': webhooks.generateTestHeaderString({ payload, secret: SECRET }),
  };
  const response = await fetch(`${gateway.url}/webhooks/stripe`, { method: 'POST', headers, body: payload });
  assert.equal(response.status, 200, await response.text());
}
const pay = async (payment: string, cents: number): Promise<void> =>
  event(`evt_${payment}`, 'payment_intent.succeeded', {
    id: payment,
    amount_received: cents,
    metadata: { org_id: 'default' },
  });

async function balance(): Promise<CreditBalance> {
  const found = await books.creditBalance('default');
  assert.ok(found !== undefined);
  return found;
}

/** The least that was ever neither spent nor held: by every movement of the purse, one after the other. */
function leastFree(): bigint {
  const database = new DatabaseSync(join(dir, 'data', DATABASE), { readOnly: true, readBigInts: true });
  const moves = database
    .prepare(
      `select case t.to_account when a.id then t.amount else -t.amount end as moved from transfers t
       join accounts a on a.id in (t.from_account, t.to_account) and a.kind = 'funds' and a.purse_id = ? order by t.id`,
    )
    .all(creditPurseOf('default'));
  database.close();
  assert.ok(moves.length > 3);
  let free = 0n;
  let least = 0n;
  for (const { moved } of moves) {
    assert.ok(typeof moved === 'bigint');
    free += moved;
    if (free < least) least = free;
  }
  return least;
}

it('sends nothing without credits, and says whose are missing', async () => {
  const { status, body } = await ask();
  assert.equal(status, 402);
  const message = asString(asRecord(body['error'])?.['message']) ?? '';
  assert.match(message, /the credits of organisation "Default" .* a top-up \(`POST \/admin\/v1\/credits`\)/);
  assert.equal(upstream.log.requests.length, 0);
});

it('covers 1,000 requests at once from credits that are topped up and refunded meanwhile', async () => {
  await pay('pi_1', 1);
  // Who was refused is refused from memory for a quarter of a second.
  const paidMs = performance.now();
  while ((await ask()).status !== 200) assert.ok(performance.now() - paidMs < 2000, 'what was paid can be spent');
  const asked = Array.from({ length: AT_ONCE }, async () => ask());
  await pay('pi_2', 1);
  await event('evt_re', 'charge.refunded', { id: 'ch_1', payment_intent: 'pi_1', amount_refunded: 1 });
  const answers = await Promise.all(asked);
  const served = answers.filter(({ status }) => status === 200).length + 1;
  assert.equal(answers.filter(({ status }) => status !== 200 && status !== 402).length, 0);
  assert.equal(upstream.log.requests.length, served);
  const untilMs = performance.now() + 10_000;
  let now = await balance();
  // Receipts reach the database a moment after their replies.
  while (now.spentNanoUsd < CHARGE * BigInt(served) && performance.now() < untilMs) now = await balance();
  assert.equal(now.spentNanoUsd, CHARGE * BigInt(served));
  assert.ok(now.spentNanoUsd + now.heldNanoUsd <= now.grantedNanoUsd, `${served} served`);
  const { rows } = await books.creditHistory({ orgId: 'default', limitMax: 200 });
  assert.equal(
    rows.reduce((sum, row) => sum + row.amountNanoUsd, 0n),
    now.grantedNanoUsd,
  );
  const refund = rows.find((row) => row.kind === 'refund');
  assert.equal((refund?.leftNanoUsd ?? 0n) - (refund?.amountNanoUsd ?? 0n), CENT, 'taken, or told to be missing');
  assert.ok(leastFree() >= 0n, 'what is neither spent nor held was less than nothing');
  assert.deepEqual((await books.verify()).problems, []);
});
