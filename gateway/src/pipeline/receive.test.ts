import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ollama } from '../dialects/ollama.ts';
import { openaiChat } from '../dialects/openai-chat.ts';
import { receive } from './receive.ts';

const LINES = ['Hel', 'lo'].map((content) => JSON.stringify({ model: 'm', message: { content }, done: false }));
const LAST = { model: 'm', message: { content: '' }, done: true, done_reason: 'stop', eval_count: 2 };

/** What a client of OpenAI's wire gets of a provider that speaks in lines. */
function heard(text: string, wantsStream: boolean): readonly string[] {
  const calls: string[] = [];
  const receiver = receive({
    inbound: openaiChat,
    outbound: ollama,
    provider: 'p',
    wantsStream,
    context: { requestId: 'r1', model: 'm', nowS: 1, wantsStreamUsage: false },
    now: () => 1,
    startedMs: 0,
    to: {
      send: (bytes) => void calls.push(`send ${/"content":"(\w*)"/.exec(String(bytes))?.[1] ?? ''}`),
      finish: (last) => void calls.push(`finish ${/"content":"(\w*)"/.exec(String(last))?.[1] ?? ''}`.trim()),
      whole: (body) => void calls.push(`whole ${/"content":"(\w*)"/.exec(String(body))?.[1] ?? ''}`),
      fail: (of) => void calls.push(of.code),
      invalid: ({ reason }) => void calls.push(`invalid ${reason}`),
      enough: () => void calls.push('enough'),
    },
  });
  for (const piece of text.split(/(?<=\n)/)) receiver.data(Buffer.from(piece));
  receiver.end();
  return calls;
}

describe('a provider that streams in lines', () => {
  const stream = [...LINES, JSON.stringify(LAST)].join('\n');

  it('is heard line by line', () => {
    assert.deepEqual(heard(`${stream}\n`, true), ['send Hel', 'send lo', 'finish']);
  });

  it('is heard whole where a whole reply was asked for', () => {
    assert.deepEqual(heard(stream, false), ['whole Hello']);
  });

  it('is not taken for a reply where it breaks off', () => {
    assert.deepEqual(heard(`${LINES.join('\n')}\n`, false), ['upstream-invalid']);
    assert.deepEqual(heard(`${LINES.join('\n')}\n`, true), ['send Hel', 'send lo', 'upstream-cut']);
  });

  it('may refuse in one line, or answer in one', () => {
    assert.deepEqual(heard('{"error":"model \\"m\\" not found"}', true), ['upstream-not-found']);
    assert.deepEqual(heard(JSON.stringify({ ...LAST, message: { content: 'Hi' } }), true), ['send Hi', 'finish']);
  });
});
