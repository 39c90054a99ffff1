/** The webhook of payments as its sender sees it: Stripe's own library signs, a real gateway answers. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { Stripe } from 'stripe';
import { asRecord, asString, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { runCli, startGateway, type TestGateway } from '../harness.ts';

const SECRETS = ['whsec_first_0123456789', 'whsec_second_0123456789'] as const;
const CONFIG = `providers: {house: {dialect: openai-chat, base_url: 'http://127.0.0.1:1/v1', models: {a: {}}}}
billing: {stripe: {webhook_secret: ["\${FIRST}", "\${SECOND}"]}}
`;
const { webhooks } = new Stripe('sk_test_none');

let gateway: TestGateway;
before(async () => {
  gateway = await startGateway({ config: CONFIG, env: { FIRST: SECRETS[0], SECOND: SECRETS[1] } });
});
after(async () => {
  assert.equal(await gateway.stop(), 0);
});

interface Answer {
  readonly status: number;
  readonly body: JsonRecord;
}

async function post(payload: string, header: string | undefined, to: TestGateway = gateway): Promise<Answer> {
  const response = await fetch(`${to.url}/webhooks/stripe`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(header === undefined ? {} : { 'stripe-signature': header }) },
    body: payload,
  });
  const text = await response.text();
  for (const secret of SECRETS) assert.ok(!text.includes(secret));
  return { status: response.status, body: asRecord(parseJson(text)) ?? {} };
}

const sign = (payload: string, more: { readonly secret?: string; readonly timestamp?: number } = {}): string =>
  webhooks.generateTestHeaderString({ payload, secret: SECRETS[0], ...more });

const eventText = (id: string, type: string, object: JsonRecord): string =>
  JSON.stringify({ id, object: 'event', type, created: 1, data: { object } }, null, 2);
const paid = (payment: string, cents: number, more: JsonRecord = {}): JsonRecord => ({
  id: payment,
  amount_received: cents,
  currency: 'usd',
  metadata: { org_id: 'default' },
  ...more,
});
const send = async (id: string, type: string, object: JsonRecord): Promise<string> => {
  const payload = eventText(id, type, object);
  const { status, body } = await post(payload, sign(payload));
  assert.equal(status, 200);
  return asString(body['outcome']) ?? '';
};

function rows(query: string): readonly JsonRecord[] {
  const database = new DatabaseSync(join(gateway.dir, 'data', 'turnout.db'), { readOnly: true });
  const found = database.prepare(query).all();
  database.close();
  return found.map((row) => asRecord(parseJson(JSON.stringify(row))) ?? {});
}

describe('the webhook of payments', () => {
  it('adds what was paid, once, whatever is told twice, late or at the same time', async () => {
    const session = {
      id: 'cs_1',
      payment_intent: 'pi_a',
      amount_total: 2000,
      currency: 'usd',
      payment_status: 'paid',
      metadata: { org_id: 'default' },
    };
    const outcomes = await Promise.all([
      send('evt_a1', 'checkout.session.completed', session),
      send('evt_a1', 'checkout.session.completed', session),
      send('evt_a2', 'payment_intent.succeeded', paid('pi_a', 2000)),
      send('evt_a2', 'payment_intent.succeeded', paid('pi_a', 2000)),
    ]);
    assert.deepEqual(outcomes.toSorted(), ['known', 'repeated', 'repeated', 'topped-up']);
    assert.deepEqual(rows(`select kind, amount_nano_usd, "by" from credit_grants where reference = 'pi_a'`), [
      { kind: 'top-up', amount_nano_usd: 20_000_000_000, by: 'stripe' },
    ]);
  });

  it('takes refunds back, also those that are told of before their payment', async () => {
    assert.match(
      await send('evt_b1', 'charge.refunded', {
        id: 'ch_b',
        payment_intent: 'pi_b',
        amount_refunded: 300,
        currency: 'usd',
      }),
      /not known yet/,
    );
    assert.equal(await send('evt_b2', 'payment_intent.succeeded', paid('pi_b', 1000)), 'topped-up');
    const refund = { id: 're_b', payment_intent: 'pi_b', amount: 300, currency: 'usd', status: 'succeeded' };
    assert.equal(await send('evt_b3', 'refund.created', refund), 'known');
    assert.equal(await send('evt_b4', 'refund.created', { ...refund, id: 're_c', amount: 200 }), 'refunded');
    const [sum] = rows(`select sum(amount_nano_usd) as sum from credit_grants where reference like 'pi_b%'`);
    assert.equal(sum?.['sum'], 5_000_000_000);
  });

  it('says 200 to what is no matter of ours, and tells operators of what they must look at', async () => {
    assert.match(await send('evt_c1', 'customer.created', { id: 'cus_1' }), /^ignored/);
    assert.equal(
      await send('evt_c2', 'payment_intent.succeeded', paid('pi_c', 5, { currency: 'eur' })),
      'payment-currency',
    );
    assert.equal(
      await send('evt_c3', 'payment_intent.succeeded', paid('pi_d', 5, { metadata: { org_id: 'nobody' } })),
      'payment-for-nobody',
    );
    const dispute = { id: 'dp_1', payment_intent: 'pi_a', amount: 2000, reason: 'fraudulent', currency: 'usd' };
    assert.equal(await send('evt_c4', 'charge.dispute.created', dispute), 'payment-disputed');
    assert.deepEqual(
      rows('select kind, subject from alerts order by subject').map(({ kind, subject }) => [subject, kind]),
      [
        ['evt_c2', 'payment-currency'],
        ['evt_c3', 'payment-for-nobody'],
        ['evt_c4', 'payment-disputed'],
      ],
    );
    assert.deepEqual(rows(`select id from credit_grants where reference in ('pi_c', 'pi_d')`), []);
  });

  it('B60 refuses what is not signed, wrongly signed, or signed long ago, and books nothing of it', async () => {
    const payload = eventText('evt_bad', 'payment_intent.succeeded', paid('pi_bad', 100_000));
    const nowS = Math.floor(Date.now() / 1000);
    const headers = [
      undefined,
      '',
      't=1,v1=',
      `t=${nowS},v1=${'0'.repeat(64)}`,
      sign(payload, { secret: 'whsec_wrong' }),
      sign(payload, { secret: ' ' }),
      sign(`${payload} `),
      sign(payload, { timestamp: nowS - 400 }),
    ];
    for (const header of headers) {
      const { status, body } = await post(payload, header);
      assert.equal(status, 401, header);
      assert.equal(asRecord(body['error'])?.['code'], 'webhook_unsigned');
    }
    assert.deepEqual(rows(`select id from webhook_events where id = 'evt_bad'`), []);
    assert.equal((await post(payload, sign(payload, { secret: SECRETS[1] }))).status, 200, 'the second secret is good');
    assert.equal((await post(payload, sign(payload, { secret: SECRETS[1] }))).body['outcome'], 'repeated');
  });

  it('B60 refuses 50 MB without reading them, and what is signed but no event', async () => {
    const status = await new Promise((resolve, reject) => {
      const asked = request(`${gateway.url}/webhooks/stripe`, {
        method: 'POST',
        headers: { 'content-length': 50 * 1024 * 1024, 'stripe-signature': 't=1,v1=00' },
      });
      asked.on('response', (response) => {
        resolve(response.statusCode);
        asked.destroy();
      });
      asked.on('error', reject);
      asked.flushHeaders();
    });
    assert.equal(status, 413);
    for (const payload of ['[]', 'no json', '{"id":"evt_1"}'])
      assert.equal((await post(payload, sign(payload))).status, 400, payload);
  });

  it('B60 reads few unsigned bodies at once, and serves again when their senders are gone', async () => {
    const head =
      'POST /webhooks/stripe HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\nstripe-signature: t=1,v1=00\r\ncontent-length: 1000\r\n\r\n';
    const sockets = Array.from({ length: 70 }, () => connect(gateway.port, '127.0.0.1'));
    const statuses = sockets.map(async (socket) => {
      socket.write(`${head}{`);
      const [piece]: unknown[] = await Promise.race([once(socket, 'data'), once(socket, 'close')]);
      return piece instanceof Buffer ? piece.toString().slice(9, 12) : undefined;
    });
    const payload = eventText('evt_few', 'payment_intent.succeeded', paid('pi_few', 100));
    const first = await Promise.race(statuses);
    assert.deepEqual([first, (await post(payload, sign(payload))).status], ['503', 503]);
    for (const socket of sockets) socket.destroy();
    const answers = await Promise.all(statuses);
    assert.equal(answers.filter((status) => status === '503').length, 6);
    let status = 503;
    for (let tries = 0; status === 503 && tries < 100; tries += 1) ({ status } = await post(payload, sign(payload)));
    assert.equal(status, 200);
  });

  it('B60 refuses everything where no secret is set, also what is signed with an empty one', async () => {
    const bare = await startGateway({ config: CONFIG.replace(/^billing.*$/m, '') });
    try {
      const payload = eventText('evt_1', 'payment_intent.succeeded', paid('pi_1', 1));
      for (const header of [sign(payload), sign(payload, { secret: '' }), undefined])
        assert.equal((await post(payload, header, bare)).status, 401);
    } finally {
      await bare.stop();
    }
    const checked = await runCli(['check', join(gateway.dir, 'turnout.yaml')], {
      cwd: gateway.dir,
      env: { FIRST: '', SECOND: '' },
    });
    assert.notEqual(checked.code, 0, 'an empty secret is an error of the configuration');
  });

  it('writes no secret into snapshots of the configuration', () => {
    const settings = JSON.stringify(rows('select settings from snapshots'));
    for (const secret of SECRETS) assert.ok(!settings.includes(secret));
    assert.ok(settings.includes('webhook_secret'));
  });
});
