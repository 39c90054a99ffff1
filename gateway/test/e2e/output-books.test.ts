/** What emulation costs stands in the books: repairs, calls for choices, texts that were cut; and a budget is never exceeded by it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { asArray, asRecord, asString, type JsonRecord } from '../../src/lib/json.ts';
import { ROOT_KEY, runCli } from '../harness.ts';
import { attemptsOf, post, startOutputRig, textOf, type OutputRig } from './output-kit.ts';

const messages = [{ role: 'user', content: 'Who is it?' }];
const SCHEMA = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
const FORMAT = { type: 'json_schema', json_schema: { name: 'person', schema: SCHEMA } };
/** Both prices in the rig: 1 USD a million tokens in, 2 out. */
const NANO_IN = 1000;
const NANO_OUT = 2000;

let rig: OutputRig;

before(async () => {
  rig = await startOutputRig();
});

after(async () => {
  await rig.close();
});

async function admin(path: string, body?: JsonRecord): Promise<JsonRecord> {
  const reply = await fetch(`${rig.gateway.url}/admin/v1/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return asRecord(await reply.json()) ?? {};
}

async function keyOf(budgetUsd: string): Promise<{ readonly id: string; readonly key: string }> {
  const made = await admin('keys', { name: 'small', budget_usd: budgetUsd });
  return { id: asString(made['id']) ?? '', key: asString(made['key']) ?? '' };
}

async function spentNanoUsd(id: string): Promise<number> {
  const { spent_usd: spent, held_usd: held } = await admin(`keys/${id}`);
  assert.equal(held, '0');
  return Math.round(Number(spent) * 1e9);
}

describe('the books', () => {
  it('have a repair as a second attempt, each with what it used', async () => {
    const { id, key } = await keyOf('1');
    const usage = (input: number, output: number): JsonRecord => ({ input_tokens: input, output_tokens: output });
    rig.simulator.script([
      { reply: { text: 'No.', usage: usage(100, 10) } },
      { reply: { text: '{"name":"Ada"}', usage: usage(150, 20) } },
    ]);
    const posted = await post(rig, { model: 'cohere/words', messages, response_format: FORMAT }, key);
    assert.equal(textOf(posted), '{"name":"Ada"}');
    assert.equal(await spentNanoUsd(id), 250 * NANO_IN + 30 * NANO_OUT);
  });

  it('have an estimate of an answer that was not valid and told no usage', async () => {
    const { id, key } = await keyOf('1');
    const reply = { choices: [{ index: 0, message: { role: 'assistant', content: 'No.' }, finish_reason: 'stop' }] };
    rig.simulator.script([{ json: reply }]);
    const ask = { model: 'openai-chat/words', messages, response_format: FORMAT };
    const posted = await post(rig, { ...ask, turnout: { output: { invalid: 'refuse' } } }, key);
    assert.equal(posted.status, 502, posted.text);
    assert.ok((await spentNanoUsd(id)) > 0);
  });

  for (const stream of [false, true])
    it(`have the sum of the calls that choices took${stream ? ', streamed' : ''}`, async () => {
      const { id, key } = await keyOf('1');
      rig.simulator.script([{ times: 3, reply: { text: 'hi', usage: { input_tokens: 100, output_tokens: 10 } } }]);
      await post(rig, { model: 'anthropic-messages/m', messages, n: 3, max_tokens: 50, stream }, key);
      assert.equal(await spentNanoUsd(id), 300 * NANO_IN + 30 * NANO_OUT);
    });

  for (const stream of [false, true])
    it(`have each call that choices took at the price of a request, in the tier of its own input${stream ? ', streamed' : ''}`, async () => {
      const { id, key } = await keyOf('1');
      rig.simulator.script([{ times: 3, reply: { text: 'hi', usage: { input_tokens: 100, output_tokens: 10 } } }]);
      await post(rig, { model: 'anthropic-messages/tiered', messages, n: 3, max_tokens: 50, stream }, key);
      assert.equal(await spentNanoUsd(id), 300 * NANO_IN + 30 * NANO_OUT + 3 * 100_000_000);
    });

  it('hold the price of a request as often as one is sent: what would not fit is refused', async () => {
    const { key } = await keyOf('0.4');
    const ask = { messages, max_tokens: 20 };
    assert.equal((await post(rig, { ...ask, model: 'anthropic-messages/tiered', n: 5 }, key)).status, 402);
    assert.equal((await post(rig, { ...ask, model: 'openai-chat/tiered', n: 5 }, key)).status, 200);
  });

  it('have an estimate of a stream that was cut here, and its provider was told to stop', async () => {
    const { id, key } = await keyOf('1');
    rig.simulator.script([{ endless: { text: 'over END ' }, chunk_delay_ms: 5 }]);
    const posted = await post(rig, { model: 'openai-responses/m', messages, stop: ['END'], stream: true }, key);
    assert.equal(textOf(posted), 'over ');
    const sequence = rig.simulator.log.requests.at(-1)?.sequence;
    const seen = await rig.simulator.log.waitFor((one) => one.sequence === sequence && one.ended !== undefined, 5000);
    assert.equal(seen.ended, 'client-closed');
    assert.ok((await spentNanoUsd(id)) > 0);
  });

  it('hold the input as often as it is sent: what would not fit is refused', async () => {
    const { key } = await keyOf('0.0015');
    const ask = { messages, max_tokens: 20 };
    assert.equal((await post(rig, { ...ask, model: 'anthropic-messages/m', n: 8 }, key)).status, 402);
    assert.equal((await post(rig, { ...ask, model: 'openai-chat/m', n: 8 }, key)).status, 200);
  });

  it('never hold less than a repair can cost: it is not begun where the budget does not cover it', async () => {
    // The first attempt costs 2.3 million of 12 million nano-dollars. The request itself would fit again, the answer with it would not.
    const { id, key } = await keyOf('0.012');
    rig.simulator.script([
      { reply: { text: 'x'.repeat(4000), usage: { input_tokens: 500, output_tokens: 900 } } },
      { reply: { text: '{"name":"Ada"}', usage: { input_tokens: 1500, output_tokens: 10 } } },
    ]);
    const ask = { model: 'openai-chat/words', messages, response_format: FORMAT, max_tokens: 500 };
    const posted = await post(rig, ask, key);
    rig.simulator.script([]);
    assert.equal(posted.status, 402, posted.text);
    assert.equal((await attemptsOf(rig, posted)).length, 1);
    assert.equal(await spentNanoUsd(id), 500 * NANO_IN + 900 * NANO_OUT);
  });

  it('are proven by the ledger', async () => {
    const proof = await runCli(['ledger', 'verify', '--json', '--data', `${rig.gateway.dir}/data`], {
      cwd: rig.gateway.dir,
    });
    assert.equal(proof.code, 0, proof.stdout + proof.stderr);
  });
});

describe('an explanation', () => {
  it('says how the form is asked for, and in how many calls', async () => {
    const explained = async (model: string, fields: JsonRecord): Promise<JsonRecord> => {
      const reply = await fetch(`${rig.gateway.url}/v1/explain`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model, messages, ...fields }),
      });
      return asRecord(asArray(asRecord(await reply.json())?.['plan'])?.[0]) ?? {};
    };
    const format = { response_format: FORMAT };
    assert.equal((await explained('openai-chat/m', format))['output'], undefined);
    assert.equal((await explained('gemini/tools', format))['output'], 'by tool');
    assert.equal((await explained('gemini/words', format))['output'], 'by instruction');
    assert.equal((await explained('cohere/m', { n: 4 }))['calls'], 4);
  });
});
