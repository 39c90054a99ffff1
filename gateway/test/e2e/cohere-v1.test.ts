/** A server that still answers in Cohere's first form, behind a client of the second: whole and streamed, what it reads is v2. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asArray, asRecord, parseJson } from '../../src/lib/json.ts';
import { startInside, type Said } from './inside.ts';

const REPLY = {
  response_id: 'r1',
  generation_id: 'g1',
  text: 'hello there',
  finish_reason: 'COMPLETE',
  meta: { billed_units: { input_tokens: 3, output_tokens: 2 }, tokens: { input_tokens: 60, output_tokens: 2 } },
};
const LINES = [
  { is_finished: false, event_type: 'stream-start', generation_id: 'g1' },
  { is_finished: false, event_type: 'text-generation', text: 'hello ' },
  { is_finished: false, event_type: 'text-generation', text: 'there' },
  { is_finished: true, event_type: 'stream-end', response: REPLY, finish_reason: 'COMPLETE' },
];
const CONFIG = 'providers: {cohere: {base_url: "https://old.example/v2", api_key: k}}\n';
const ASKED = { model: 'cohere/command-a-03-2025', messages: [{ role: 'user', content: 'hi' }] };

async function said(answer: Said, isStream: boolean): Promise<string> {
  const inside = await startInside({ config: CONFIG, answer: () => answer });
  try {
    const got = await inside.post('/v2/chat', { ...ASKED, stream: isStream });
    assert.equal(got.status, 200, got.text);
    return got.text;
  } finally {
    await inside.close();
  }
}

describe("Cohere's first form, for a client of the second", () => {
  it('is a message where it was whole', async () => {
    const body = asRecord(parseJson(await said({ body: JSON.stringify(REPLY) }, false)));
    const content = asArray(asRecord(body?.['message'])?.['content']) ?? [];
    assert.deepEqual(content, [{ type: 'text', text: 'hello there' }]);
    assert.deepEqual([body?.['finish_reason'], body?.['text']], ['COMPLETE', undefined]);
    assert.deepEqual(asRecord(body?.['usage'])?.['billed_units'], REPLY.meta.billed_units);
  });

  it('is a stream of events, whether it came in lines or whole', async () => {
    const lines = LINES.map((line) => `${JSON.stringify(line)}\n`).join('');
    const answers: readonly Said[] = [
      { headers: { 'content-type': 'application/stream+json' }, body: lines },
      { body: JSON.stringify(REPLY) },
    ];
    for (const answer of answers) {
      const text = await said(answer, true);
      const data = text.split('\n').map((line) => asRecord(parseJson(line.replace(/^data: /, ''))));
      const events = data.filter((event) => event !== undefined);
      const types = events.map((event) => event['type']);
      assert.ok(types.includes('message-start') && types.includes('message-end'), text);
      assert.ok(!text.includes('event_type'), text);
      const deltas = events.filter((event) => event['type'] === 'content-delta');
      const words = deltas.map(
        (event) => asRecord(asRecord(asRecord(event['delta'])?.['message'])?.['content'])?.['text'],
      );
      assert.equal(words.join(''), 'hello there');
    }
  });

  it('is a whole message also where lines came', async () => {
    const lines = LINES.map((line) => `${JSON.stringify(line)}\n`).join('');
    const body = asRecord(parseJson(await said({ body: lines }, false)));
    assert.deepEqual(asRecord(body?.['message'])?.['content'], [{ type: 'text', text: 'hello there' }]);
  });
});
