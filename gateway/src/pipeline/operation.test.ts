import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openaiChat } from '../dialects/openai-chat.ts';
import { embeddings } from '../dialects/operations/embeddings.ts';
import type { JsonRecord } from '../lib/json.ts';
import type { KeptTurns } from '../store/ports.ts';
import { parseBody } from './body.ts';
import type { Call } from './call.ts';
import { operationArrival } from './operation.ts';

/** Nothing is kept. */
const turns: KeptTurns = {
  put: () => undefined,
  get: () => undefined,
  remove: () => false,
  size: () => ({ turns: 0, bytes: 0 }),
};

function embedding(record: JsonRecord): Call {
  const body = parseBody(Buffer.from(JSON.stringify({ model: 'm', ...record })));
  assert.ok(body.ok);
  const call = operationArrival(embeddings, {
    requestId: 'req_1',
    wire: 'openai-embeddings',
    voice: openaiChat,
    path: {},
    headers: {},
    query: '',
    body: body.value,
    startedMs: 0,
  }).accept({ keyId: 'key_1', turns });
  assert.ok(call.ok);
  return call.value;
}

describe('what is told of a request that is no chat', () => {
  it('holds what goes out beside its inputs', () => {
    for (const beside of [{ user: 'anna@firma.de' }, { metadata: { of: 'anna@firma.de' } }])
      assert.deepEqual(embedding({ input: 'x', ...beside }).contentOf?.({})?.sensitive, ['email']);
  });

  it('says that inputs in numbers of a tokenizer were not read, to rules by the text too', () => {
    const call = embedding({ input: [[3842, 13]] });
    assert.deepEqual(call.contentOf?.({}).sensitive, ['unread']);
    assert.equal(call.ruleTextGap?.(), 'its inputs are no text');
    assert.equal(embedding({ input: 'x' }).ruleTextGap?.(), undefined);
  });
});
