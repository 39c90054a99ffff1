import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { thread } from './thread.ts';

const user = (content: string) => ({ type: 'message', role: 'user', content });
const said = {
  type: 'message',
  id: 'msg_1',
  status: 'completed',
  role: 'assistant',
  content: [{ type: 'output_text', text: 'yes' }],
};
const reply = { id: 'resp_1', object: 'response', output: [said] };

describe('threads of the Responses API', () => {
  it('are kept unless the caller forbids it', () => {
    assert.deepEqual(
      [{}, { store: true }, { store: null }, { store: false }].map((body) => thread.asksToKeep(body)),
      [true, true, true, false],
    );
  });

  it('find the reply in a whole answer, and in the end of a stream', () => {
    const expected = { id: 'resp_1', input: [user('hi')], reply };
    const event = JSON.stringify({ type: 'response.completed', sequence_number: 4, response: reply });
    const delta = JSON.stringify({ type: 'response.output_text.delta', delta: 'yes' });
    const stream = `event: x\ndata: ${delta}\n\nevent: response.completed\ndata: ${event}\n\n`;
    for (const answer of [JSON.stringify(reply), stream, `${stream}data: [DONE]\n\n`])
      assert.deepEqual(thread.turnOf({ input: 'hi' }, answer), expected);
  });

  it('make no turn of an answer that holds no reply', () => {
    for (const answer of ['', '{', 'data: [DONE]\n\n', '{"error":{}}'])
      assert.equal(thread.turnOf({ input: 'hi' }, answer), undefined);
  });

  it('put earlier turns before the new input, without ids that only their provider knows', () => {
    const sealed = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'x' };
    const open = { type: 'reasoning', id: 'rs_2', summary: [] };
    const search = { type: 'web_search_call', id: 'ws_1', status: 'completed' };
    const turns = [{ id: 'resp_1', input: [user('hi')], reply: { ...reply, output: [sealed, open, search, said] } }];
    const { id: _, status: __, ...words } = said;
    assert.deepEqual(thread.withTurns({ model: 'm', input: 'go on', previous_response_id: 'resp_1' }, turns), {
      model: 'm',
      input: [user('hi'), { type: 'reasoning', summary: [], encrypted_content: 'x' }, search, words, user('go on')],
    });
  });
});
