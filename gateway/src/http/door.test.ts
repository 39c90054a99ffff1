import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fault } from '../chat/fault.ts';
import { gateDialects } from '../dialects/index.ts';
import { parseBody } from '../pipeline/body.ts';
import { doorOf } from './door.ts';

const door = doorOf(gateDialects);

describe('the door for lines of batches', () => {
  it('is where a path leads, in the words of its protocol', () => {
    for (const [path, operation, protocol] of [
      ['/v1/chat/completions', 'chat', 'openai-chat'],
      ['/v1/responses', 'chat', 'openai-responses'],
      ['/v1/messages', 'chat', 'anthropic-messages'],
      ['/v1/embeddings', 'embeddings', 'openai-embeddings'],
      ['/v1/moderations', 'moderations', 'openai-moderations'],
      ['/v1/images/generations', 'images', 'openai-images'],
    ] as const) {
      const doorway = door(path);
      const body = parseBody(Buffer.from('{"model":"m"}'));
      assert.ok(doorway !== undefined && body.ok, path);
      const arrival = doorway.arrival({ requestId: 'req_1', headers: {}, body: body.value, startedMs: 0 });
      assert.deepEqual([arrival.operation, arrival.protocol, arrival.requestId], [operation, protocol, 'req_1']);
      assert.ok('error' in doorway.encodeFault(fault('internal'), 'req_1'));
    }
  });

  it('is not where something else than a request is made, or a form is wanted', () => {
    for (const path of [
      '/v1/audio/transcriptions',
      '/v1/files',
      '/v1/messages/batches',
      '/v1/explain',
      '/admin/v1/keys',
      '/healthz',
      '/nowhere',
    ])
      assert.equal(door(path), undefined, path);
  });
});
