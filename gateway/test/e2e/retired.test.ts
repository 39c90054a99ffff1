/** Models that are gone: refused with the name of what takes their place, where the provider itself would be asked, or says so. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { loadCatalog } from '../../src/cli/catalog-file.ts';
import { asArray, asRecord, asString, type JsonRecord } from '../../src/lib/json.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';

/** Ended on 2025-10-28, says the catalog; its family goes on. */
const GONE = 'claude-3-5-sonnet-20241022';

let upstream: Simulator;
let gateway: TestGateway;

before(async () => {
  upstream = await startSimulator();
  gateway = await startGateway({
    config: testConfig(
      {
        anthropic: '{api_key: sk-upstream}',
        proxy: `{like: anthropic, base_url: "${upstream.url}/anthropic", api_key: sk-upstream}`,
        kept: `{like: anthropic, base_url: "${upstream.url}/anthropic", api_key: sk-upstream, models: {${GONE}: {tags: [kept]}}}`,
      },
      `aliases: {old: anthropic/${GONE}}`,
    ),
  });
});

after(async () => {
  assert.equal(await gateway.stop(), 0);
  await upstream.close();
});

async function ask(path: string, model: string): Promise<{ status: number; body: JsonRecord }> {
  const response = await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] }),
  });
  return { status: response.status, body: asRecord(await response.json()) ?? {} };
}

function messageOf(body: JsonRecord): string {
  return asString(asRecord(body['error'])?.['message']) ?? '';
}

it('is refused at the address of its provider, with its successor, and warned of at the start', async () => {
  assert.equal(loadCatalog(gateway.dir).model(`anthropic/${GONE}`)?.retiresOn, '2025-10-28');
  for (const name of [`anthropic/${GONE}`, 'old']) {
    const { status, body } = await ask('/v1/messages', name);
    assert.equal(status, 404);
    assert.match(messageOf(body), /ended on 2025-10-28\. Its successor is anthropic\/claude-/);
  }
  assert.match(gateway.output(), new RegExp(`anthropic/${GONE}.*ended on 2025-10-28; its successor is`));
});

it('is asked for elsewhere, and refused in the same words once it is not found there', async () => {
  assert.equal((await ask('/v1/messages', `proxy/${GONE}`)).status, 200);
  const error = { type: 'error', error: { type: 'not_found_error', message: `model: ${GONE}` } };
  upstream.script([{ times: 'forever', status: 404, body: JSON.stringify(error) }]);
  const { status, body } = await ask('/v1/messages', `proxy/${GONE}`);
  assert.equal(status, 404);
  assert.match(messageOf(body), /ended on 2025-10-28\. Its successor is proxy\/claude-/);
  upstream.script([]);
});

it('counts as any other where the file has a row for it, and leaves a pool to those that still serve it', async () => {
  assert.equal((await ask('/v1/messages', `kept/${GONE}`)).status, 200);
  const { body } = await ask('/v1/explain', GONE);
  const candidates = asArray(body['candidates'])?.map(asRecord) ?? [];
  assert.deepEqual(
    candidates.find((one) => one?.['target'] === `anthropic/${GONE}`),
    { target: `anthropic/${GONE}`, eligible: false, reason: 'it ended on 2025-10-28' },
  );
  assert.equal(candidates.filter((one) => one?.['eligible'] === true).length, 2);
});
