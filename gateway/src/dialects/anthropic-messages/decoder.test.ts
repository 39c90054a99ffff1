import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { collect } from '../../chat/collect.ts';
import type { ChatEvent } from '../../chat/reply.ts';
import { asString, type JsonRecord } from '../../lib/json.ts';
import { formatSse, SSE_EVENT_MAX_BYTES } from '../../lib/sse.ts';
import { decoder } from './decoder.ts';
import { tap } from './tap.ts';
import { HOME } from './words.ts';

const START: JsonRecord = {
  type: 'message_start',
  message: { id: 'm1', model: 'c', usage: { input_tokens: 7, cache_read_input_tokens: 3, output_tokens: 1 } },
};
const STOP: readonly JsonRecord[] = [
  { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 9 } },
  { type: 'message_stop' },
];

function sse(bodies: readonly JsonRecord[]): string {
  return bodies.map((body) => formatSse(JSON.stringify(body), asString(body['type']))).join('');
}

function read(text: string): readonly ChatEvent[] {
  const from = decoder('acme');
  return [...from.push(Buffer.from(text)), ...from.end()];
}

function block(index: number, content: JsonRecord, ...deltas: readonly JsonRecord[]): readonly JsonRecord[] {
  return [
    { type: 'content_block_start', index, content_block: content },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
    { type: 'content_block_stop', index },
  ];
}

function partsOf(...blocks: readonly (readonly JsonRecord[])[]): readonly unknown[] {
  return collect(read(sse([START, ...blocks.flat(), ...STOP])), HOME).choices[0]?.parts ?? [];
}

describe('decoder of a Messages stream', () => {
  it('adds the usage of the start to that of the end', () => {
    const response = collect(read(sse([START, ...STOP])), HOME);
    const { raw: _, ...usage } = response.usage ?? {};
    assert.deepEqual(usage, { inputTokens: 10, cachedInputTokens: 3, outputTokens: 9 });
    assert.deepEqual(response.choices[0]?.finish, { reason: 'stop', raw: 'end_turn' });
  });

  it('keeps blocks and deltas of tomorrow whole', () => {
    const deltas = [
      { type: 'compaction_delta', content: 'sum', encrypted_content: 'x' },
      { type: 'compaction_delta', content: 'mary', marks: [1] },
      { type: 'compaction_delta', marks: [2] },
    ];
    assert.deepEqual(partsOf(block(0, { type: 'compaction', content: null }, ...deltas)), [
      {
        kind: 'opaque',
        origin: HOME,
        name: 'compaction',
        value: { type: 'compaction', content: 'summary', encrypted_content: 'x', marks: [1, 2] },
      },
    ]);
    const odd = read(
      sse([
        START,
        ...block(0, { type: 'text', text: 'a' }, { type: 'sparkle_delta', glow: 3 }),
        { type: 'aurora', x: 1 },
        ...STOP,
      ]),
    );
    assert.deepEqual(collect(odd, HOME).choices[0]?.extra, { sparkle_delta: { type: 'sparkle_delta', glow: 3 } });
  });

  it('puts the input of a server tool together from its pieces', () => {
    const start = { type: 'server_tool_use', id: 's', name: 'web_search', input: {} };
    const pieces = ['', '{"query":', '"x"}'].map((text) => ({ type: 'input_json_delta', partial_json: text }));
    assert.deepEqual(partsOf(block(0, start, ...pieces)), [
      { kind: 'opaque', origin: HOME, name: 'server_tool_use', value: { ...start, input: { query: 'x' } } },
    ]);
  });

  it('reads arguments that come with the start, in pieces, or not at all', () => {
    const call = (id: string, input: JsonRecord): JsonRecord => ({
      type: 'tool_use',
      id,
      name: 'f',
      input,
      caller: { type: 'direct' },
    });
    const parts = partsOf(
      block(0, call('a', { x: 1 })),
      block(1, call('b', {}), { type: 'input_json_delta', partial_json: '{"y":2}' }),
      block(2, call('c', {})),
    );
    const expected = (id: string, json: string) => ({
      kind: 'tool-call',
      id,
      name: 'f',
      arguments: json,
      extra: { caller: { type: 'direct' } },
    });
    assert.deepEqual(parts, [expected('a', '{"x":1}'), expected('b', '{"y":2}'), expected('c', '{}')]);
  });

  it('gives citations that come before the words to the new text, not to the last one', () => {
    const citation = { type: 'char_location', cited_text: 'q', document_index: 0 };
    const parts = partsOf(
      block(0, { type: 'text', text: '' }, { type: 'text_delta', text: 'one' }),
      block(1, { type: 'web_search_tool_result', tool_use_id: 's', content: [] }),
      block(
        2,
        { type: 'text', text: '', citations: [] },
        { type: 'citations_delta', citation },
        { type: 'text_delta', text: 'two' },
      ),
    );
    assert.deepEqual(parts[0], { kind: 'text', text: 'one' });
    assert.deepEqual(parts[2], {
      kind: 'text',
      text: 'two',
      citations: [{ citedText: 'q', raw: citation, origin: HOME }],
    });
  });

  it('keeps two thoughts in a row apart, and one that is only signed', () => {
    const signed = (value: string): JsonRecord => ({ type: 'signature_delta', signature: value });
    const parts = partsOf(
      block(
        0,
        { type: 'thinking', thinking: '', signature: '' },
        { type: 'thinking_delta', thinking: 'a' },
        signed('s1'),
      ),
      block(1, { type: 'thinking', thinking: '', signature: '' }, signed('s2')),
      block(2, { type: 'redacted_thinking', data: 'blob' }),
    );
    assert.deepEqual(parts, [
      { kind: 'reasoning', text: 'a', signature: { origin: HOME, value: 's1' } },
      { kind: 'reasoning', text: '', signature: { origin: HOME, value: 's2' } },
      { kind: 'reasoning', text: '', encrypted: { origin: HOME, value: 'blob' } },
    ]);
  });

  const broken: readonly (readonly [string, string, string])[] = [
    ['ends before the finish', sse([START, ...block(0, { type: 'text', text: 'a' })]), 'upstream-cut'],
    ['ends inside an event', `${sse([START])}event: content_block_delta\ndata: {"type":"cont`, 'upstream-cut'],
    ['is empty', '', 'upstream-cut'],
    ['is a page of HTML', 'data: <html></html>\n\n', 'upstream-invalid'],
    [
      'holds an error event',
      sse([START, { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }]),
      'upstream-overloaded',
    ],
    [
      'holds an error of OpenAI’s form',
      `data: {"error":{"message":"boom","type":"server_error"}}\n\n`,
      'upstream-error',
    ],
    ['begins again inside', sse([START, { type: 'message_start', message: { id: 'm2' } }]), 'upstream-invalid'],
  ];
  for (const [what, text, code] of broken) {
    it(`ends with an honest error where the stream ${what}`, () => {
      const last = read(text).at(-1);
      assert.equal(last?.type === 'error' ? last.fault.code : last?.type, code);
    });
  }

  it('refuses an event that grows without end', () => {
    const from = decoder('acme');
    const events = from.push(Buffer.alloc(SSE_EVENT_MAX_BYTES + 10, 'data: x'));
    assert.equal(events[0]?.type === 'error' ? events[0].fault.code : '', 'upstream-too-big');
    assert.deepEqual(from.push(Buffer.from('\n\n')), []);
    assert.deepEqual(from.end(), []);
  });

  it('needs nothing after the finish, and reads nothing after the end', () => {
    const [delta = {}, stop = {}] = STOP;
    assert.equal(
      read(sse([START, delta])).some((event) => event.type === 'error'),
      false,
    );
    assert.deepEqual(
      read(sse([START, delta, stop, ...block(0, { type: 'text', text: 'late' })])),
      read(sse([START, delta, stop])),
    );
    assert.deepEqual(read(`${sse([START, delta])}data: [DONE]\n\n`), read(sse([START, delta])));
    assert.deepEqual(read(sse([START, stop])).at(-1), { type: 'finish', choice: 0, finish: { reason: 'stop' } });
  });

  it('reads a whole message where a stream was asked for', () => {
    const message = {
      type: 'message',
      id: 'm',
      model: 'c',
      role: 'assistant',
      content: [{ type: 'text', text: 'hi' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 1, output_tokens: 2 },
    };
    const response = collect(read(JSON.stringify(message).replace(/^/, 'data: ')), HOME);
    assert.deepEqual(response.choices[0]?.parts, [{ kind: 'text', text: 'hi' }]);
    assert.equal(response.usage?.outputTokens, 2);
  });
});

describe('tap of a Messages stream', () => {
  it('does not look into deltas once content was seen', () => {
    const along = tap('acme');
    assert.deepEqual(
      along.see(
        'content_block_delta',
        Buffer.from('{"type":"content_block_delta","delta":{"type":"text_delta","text":""}}'),
      ),
      {},
    );
    assert.deepEqual(
      along.see(
        'content_block_delta',
        Buffer.from('{"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}'),
      ),
      { hasContent: true },
    );
    assert.deepEqual(along.see('content_block_delta', Buffer.from('not even JSON')), { hasContent: true });
  });

  it('tells pings, comments, endings and errors apart', () => {
    const along = tap('acme');
    assert.deepEqual(along.see('ping', Buffer.from('{"type":"ping"}')), { isPing: true });
    assert.deepEqual(along.see('', Buffer.alloc(0)), { isPing: true });
    assert.deepEqual(along.see('message_stop', Buffer.from('{"type":"message_stop"}')), {
      isFinished: true,
      isLast: true,
    });
    assert.equal(
      along.see('error', Buffer.from('{"type":"error","error":{"type":"api_error","message":"x"}}')).fault?.code,
      'upstream-error',
    );
  });
});
