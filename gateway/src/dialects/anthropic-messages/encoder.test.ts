import fc from 'fast-check';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { collect, replay } from '../../chat/collect.ts';
import type { Part } from '../../chat/part.ts';
import type { ChatEvent, ChatResponse } from '../../chat/reply.ts';
import { asArray, asRecord, parseJson, type JsonRecord } from '../../lib/json.ts';
import { sseSplitter } from '../../lib/sse.ts';
import type { EncodeContext, StreamEncoder } from '../dialect.ts';
import { decoder } from './decoder.ts';
import { encoder } from './encoder.ts';
import { decodeResponse, encodeResponse } from './response.ts';
import { HOME } from './words.ts';

const CONTEXT: EncodeContext = { requestId: 'req_1', model: 'm', nowS: 0, wantsStreamUsage: true };
const STOP: ChatEvent = { type: 'finish', choice: 0, finish: { reason: 'tool-calls' } };

function start(call: number, more: Partial<Extract<ChatEvent, { type: 'tool-call-start' }>> = {}): ChatEvent {
  return { type: 'tool-call-start', choice: 0, call, id: `c${call}`, name: `f${call}`, ...more };
}

function piece(call: number, json: string): ChatEvent {
  return { type: 'tool-call-delta', choice: 0, call, arguments: json };
}

function text(words: string): ChatEvent {
  return { type: 'text-delta', choice: 0, text: words };
}

function write(events: readonly ChatEvent[], into: StreamEncoder = encoder(CONTEXT)): string {
  return events.map((event) => into.push(event)).join('') + into.end();
}

function wireEvents(sse: string): readonly JsonRecord[] {
  return sseSplitter()
    .push(Buffer.from(sse))
    .map((event) => {
      const body = asRecord(parseJson(event.data.toString('utf8'))) ?? {};
      assert.equal(event.name, body['type']);
      return body;
    });
}

function read(sse: string): ChatResponse {
  const from = decoder('test');
  return collect([...from.push(Buffer.from(sse)), ...from.end()], HOME);
}

/** Every block begins, grows and ends before the next one, counted from 0. */
function assertInOrder(sse: string): void {
  let open: number | undefined;
  let next = 0;
  for (const event of wireEvents(sse)) {
    if (event['type'] === 'content_block_start') {
      assert.equal(open, undefined);
      assert.equal(event['index'], next);
      open = next;
      next += 1;
    } else if (event['type'] === 'content_block_delta') assert.equal(event['index'], open);
    else if (event['type'] === 'content_block_stop') {
      assert.equal(event['index'], open);
      open = undefined;
    } else if (event['type'] === 'message_stop') assert.equal(open, undefined);
  }
}

describe('encoder of a Messages stream', () => {
  it('begins with the count that there is: the provider’s, or our own', () => {
    const told: ChatEvent = { type: 'usage', usage: { inputTokens: 7 } };
    const counts = (events: readonly ChatEvent[]): readonly unknown[] =>
      wireEvents(write([...events, STOP], encoder({ ...CONTEXT, inputTokensEstimate: 5 }))).flatMap((event) => {
        const usage = asRecord(event['usage']) ?? asRecord(asRecord(event['message'])?.['usage']);
        return usage === undefined ? [] : [usage['input_tokens']];
      });
    assert.deepEqual(counts([text('hi'), told]), [5, 7]);
    assert.deepEqual(counts([told, text('hi')]), [7, 7]);
  });

  it('writes a call while it comes, and keeps a mixed one until the first is complete', () => {
    const into = encoder(CONTEXT);
    assert.match(into.push(start(0)), /"id":"c0"/);
    assert.match(into.push(piece(0, '{"a":')), /partial_json/);
    assert.equal(into.push(start(1)), '');
    assert.equal(into.push(piece(1, '{"b"')), '');
    assert.match(into.push(piece(0, '1}')), /content_block_stop.*"id":"c1".*\{\\"b\\"/s);
    assert.match(into.push(piece(1, ':2}')), /partial_json/);
    assert.match(write([STOP], into), /"stop_reason":"tool_use"/);
    assert.deepEqual(into.losses(), []);
  });

  it('writes the same calls however their pieces are mixed', () => {
    const calls = fc.array(fc.jsonValue({ maxDepth: 2 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(calls, fc.infiniteStream(fc.nat(1000)), (values, dice) => {
        const roll = (below: number): number => (dice.next().value ?? 0) % below;
        const left = values.map((value) => JSON.stringify({ value }));
        const sent = left.map(() => '');
        const events: ChatEvent[] = [];
        let begun = 0;
        while (begun < left.length || left.some((rest) => rest !== '')) {
          if (begun < left.length && (begun === 0 || roll(3) === 0)) events.push(start(begun++));
          const call = roll(begun);
          const rest = left[call] ?? '';
          const size = 1 + roll(4);
          if (rest !== '') events.push(piece(call, rest.slice(0, size)));
          sent[call] += rest.slice(0, size);
          left[call] = rest.slice(size);
        }
        const sse = write([...events, STOP]);
        assertInOrder(sse);
        const parts = read(sse).choices[0]?.parts ?? [];
        assert.deepEqual(
          parts.map((part) => (part.kind === 'tool-call' ? [part.id, part.arguments] : part)),
          sent.map((json, call) => [`c${call}`, json]),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('keeps text that comes behind an unfinished call in its place', () => {
    const sse = write([start(0), piece(0, '{'), text('then'), piece(0, '}'), text(' text'), STOP]);
    assertInOrder(sse);
    assert.deepEqual(
      read(sse).choices[0]?.parts.map((part) => part.kind),
      ['tool-call', 'text'],
    );
  });

  it('begins with no tokens where the provider tells them last, and tells all of them in message_delta', () => {
    const events = wireEvents(
      write([
        { type: 'start', id: 'x', model: 'gpt' },
        text('hi'),
        { type: 'finish', choice: 0, finish: { reason: 'stop' } },
        { type: 'usage', usage: { inputTokens: 10, cachedInputTokens: 4, outputTokens: 3, reasoningTokens: 1 } },
      ]),
    );
    assert.deepEqual(asRecord(events[0]?.['message'])?.['usage'], {
      input_tokens: 0,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      output_tokens: 0,
    });
    const last = events.at(-2);
    assert.deepEqual(last?.['usage'], {
      input_tokens: 6,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 4,
      output_tokens: 3,
      output_tokens_details: { thinking_tokens: 1 },
    });
    assert.deepEqual(last['delta'], { stop_reason: 'end_turn', stop_sequence: null, stop_details: null });
  });

  it('ends an error with its event and nothing after it', () => {
    const into = encoder(CONTEXT);
    into.push(text('so far'));
    const ending = into.push({ type: 'error', fault: { code: 'upstream-cut', message: 'it was cut' } });
    assert.match(ending, /^event: error\ndata: \{"type":"error","error":\{"type":"api_error","message":"it was cut"/);
    assert.equal(into.push(text('more')) + into.end(), '');
  });

  it('tells the first of several choices, and names the rest once', () => {
    const into = encoder(CONTEXT);
    const sse = write(
      [
        text('a'),
        { type: 'text-delta', choice: 1, text: 'b' },
        { type: 'logprobs', choice: 0, tokens: [] },
        { type: 'finish', choice: 1, finish: { reason: 'stop' } },
        STOP,
      ],
      into,
    );
    assert.deepEqual(read(sse).choices[0]?.parts, [{ kind: 'text', text: 'a' }]);
    assert.deepEqual(
      into.losses().map((loss) => loss.code),
      ['choices', 'logprobs'],
    );
  });

  it('says tool_use for a call after which OpenAI says stop, and refusal for words of refusal', () => {
    const stop: ChatEvent = { type: 'finish', choice: 0, finish: { reason: 'stop', raw: 'stop' } };
    assert.match(write([start(0), piece(0, '{}'), stop]), /"stop_reason":"tool_use"/);
    assert.match(write([{ type: 'refusal-delta', choice: 0, text: 'no' }, stop]), /"stop_reason":"refusal"/);
    assert.match(
      write([text('a'), { type: 'finish', choice: 0, finish: { reason: 'stop', stopSequence: 'END' } }]),
      /"stop_reason":"stop_sequence","stop_sequence":"END"/,
    );
  });

  it('gives a client Gemini’s signatures to send back, and knows them again', () => {
    const signature = (value: string) => ({ origin: 'gemini' as const, value });
    const parts: readonly Part[] = [
      { kind: 'reasoning', text: 'I think' },
      { kind: 'tool-call', id: 'a', name: 'f', arguments: '{}', signature: signature('one') },
      { kind: 'tool-call', id: 'b', name: 'f', arguments: '{}' },
      { kind: 'text', text: 'so', signature: signature('two') },
      { kind: 'tool-call', id: 'c', name: 'f', arguments: '{}', signature: signature('three') },
      { kind: 'text', text: 'done', signature: signature('four') },
    ];
    const response: ChatResponse = { origin: 'gemini', choices: [{ index: 0, parts, finish: { reason: 'stop' } }] };
    const whole = encodeResponse(response, CONTEXT);
    assert.deepEqual(asArray(whole.body['content'])?.slice(0, 2), [
      { type: 'thinking', thinking: 'I think', signature: 'turnout:gemini:one' },
      { type: 'tool_use', id: 'a', name: 'f', input: {} },
    ]);
    const again = decodeResponse(whole.body, 'turnout');
    assert.ok(again.ok);
    assert.deepEqual(again.value.choices[0]?.parts, parts);
    assert.deepEqual(read(write(replay(response))).choices[0]?.parts, parts);
  });

  it('shows a citation with an address as a search result, and a blob of thinking as redacted', () => {
    const raw = { url: 'https://a.b' };
    const sse = write([
      { type: 'reasoning-encrypted', choice: 0, encrypted: { origin: 'openai-responses', value: 'blob' } },
      text('x'),
      { type: 'citation', choice: 0, citation: { url: 'https://a.b', title: 't', raw, origin: 'openai-chat' } },
      STOP,
    ]);
    assert.match(sse, /"redacted_thinking","data":"turnout:openai-responses:blob"/);
    assert.match(sse, /"type":"web_search_result_location","url":"https:\/\/a.b","title":"t"/);
    const [hidden] = read(sse).choices[0]?.parts ?? [];
    assert.deepEqual(hidden, { kind: 'reasoning', text: '', encrypted: { origin: 'openai-responses', value: 'blob' } });
  });

  it('names the reasons that look like a normal end here', () => {
    const into = encoder(CONTEXT);
    assert.match(
      write([{ type: 'finish', choice: 0, finish: { reason: 'other', raw: 'MALFORMED' } }], into),
      /"stop_reason":"end_turn"/,
    );
    assert.deepEqual(
      into.losses().map((loss) => loss.code),
      ['finish'],
    );
    const own = encoder(CONTEXT);
    assert.match(
      write([{ type: 'finish', choice: 0, finish: { reason: 'other', raw: 'end_turn_v2' } }], own),
      /"stop_reason":"end_turn_v2"/,
    );
    assert.deepEqual(own.losses(), []);
  });
});
