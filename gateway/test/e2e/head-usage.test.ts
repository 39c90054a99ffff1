/** What Bedrock tells of tokens in the head of an answer reaches caller and bill, where the answer itself says nothing. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asArray, asRecord, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { startInside, type Said } from './inside.ts';

const HEADERS = { 'content-type': 'application/json', 'x-amzn-bedrock-input-token-count': '7' };
const PRICE = '{price: {input: 1, output: 2}}';
const CONFIG = `providers:
  text: {like: amazon-bedrock, dialect: bedrock-invoke, region: us-east-1, api_key: k, models: {mistral.mistral-7b: ${PRICE}}}
  amazon-bedrock: {region: us-east-1, api_key: k, models: {cohere.embed-v4:0: ${PRICE}}}
`;

function answer({ url }: { readonly url: string }): Said {
  if (url.includes('embed')) return { headers: HEADERS, body: JSON.stringify({ embeddings: { float: [[0.5]] } }) };
  const headers = { ...HEADERS, 'x-amzn-bedrock-output-token-count': '3' };
  return { headers, body: JSON.stringify({ outputs: [{ text: 'hello there', stop_reason: 'stop' }] }) };
}

describe('tokens that the head of an answer tells', () => {
  it('are the usage of a chat, and what is billed', async () => {
    const inside = await startInside({ config: CONFIG, answer });
    try {
      const asked = { model: 'text/mistral.mistral-7b', messages: [{ role: 'user', content: 'hi' }] };
      const got = await inside.post('/v1/chat/completions', asked);
      const usage = asRecord(asRecord(parseJson(got.text))?.['usage']);
      assert.deepEqual([usage?.['prompt_tokens'], usage?.['completion_tokens']], [7, 3], got.text);
      const embedded = await inside.post('/v1/embeddings', { model: 'amazon-bedrock/cohere.embed-v4:0', input: 'a' });
      assert.equal(embedded.status, 200, embedded.text);
      const rows = asArray(asRecord(parseJson((await inside.get('/admin/v1/usage?rows=true')).text))?.['rows']) ?? [];
      const billed = rows.map((row) => asRecord(row) ?? {});
      assert.deepEqual(billed.map(counts).toSorted(byOutput), [
        [7, 0, false, 7000],
        [7, 3, false, 13_000],
      ]);
    } finally {
      await inside.close();
    }
  });
});

function byOutput(a: readonly unknown[], b: readonly unknown[]): number {
  return Number(a[1]) - Number(b[1]);
}

function counts(row: JsonRecord): readonly unknown[] {
  return [row['input_tokens'], row['output_tokens'], row['estimated'], Number(row['cost_nano_usd'])];
}
