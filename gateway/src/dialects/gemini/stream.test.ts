import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { collect } from '../../chat/collect.ts';
import { fault } from '../../chat/fault.ts';
import type { ChatEvent, ChatResponse } from '../../chat/reply.ts';
import { isArray, isRecord, parseJson, type Json, type JsonRecord } from '../../lib/json.ts';
import type { EncodeContext } from '../dialect.ts';
import { gemini } from '../gemini.ts';
import { decodeUsage } from './usage.ts';

const CONTEXT: EncodeContext = { requestId: 'req_1', model: 'alias', nowS: 0, wantsStreamUsage: true };

function sse(...pieces: readonly Json[]): string {
  return pieces.map((piece) => `data: ${JSON.stringify(piece)}\n\n`).join('');
}

function candidate(fields: JsonRecord, rest: JsonRecord = {}): JsonRecord {
  return { candidates: [{ index: 0, ...fields }], ...rest };
}

function said(text: string): JsonRecord {
  return { content: { role: 'model', parts: [{ text }] } };
}

function decode(wire: string, cuts: readonly number[] = []): readonly ChatEvent[] {
  const decoder = gemini.decoder('google');
  const bytes = Buffer.from(wire);
  const edges = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b), bytes.length];
  const events = edges.slice(1).flatMap((to, at) => decoder.push(bytes.subarray(edges[at], to)));
  return [...events, ...decoder.end()];
}

function whole(wire: string): ChatResponse {
  return collect(decode(wire), 'gemini');
}

function encode(events: readonly ChatEvent[], isJsonArray: boolean = false): string {
  const encoder = gemini.encoder({ ...CONTEXT, isJsonArray });
  return events.map((event) => encoder.push(event)).join('') + encoder.end();
}

const USAGE = { usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 5 } };
const WIRE = sse(
  candidate(
    { content: { role: 'model', parts: [{ text: 'Hm…', thought: true }] } },
    { responseId: 'r/1', modelVersion: 'gemini-x' },
  ),
  candidate(said('Grüße 🙂 ')),
  candidate({
    content: {
      parts: [{ text: 'aus Oslo' }, { functionCall: { name: 'f', args: { a: '"}]' } }, thoughtSignature: 'c2ln' }],
    },
  }),
  candidate({ ...said(''), finishReason: 'STOP' }, USAGE),
);

describe('gemini: a stream read', () => {
  it('gives the same events wherever the network cuts the bytes', () => {
    const array = `[${WIRE.trim()
      .split('\n\n')
      .map((event) => event.slice(6))
      .join('\n,\r\n')}\n]\n`;
    for (const wire of [WIRE, array, WIRE.replaceAll('\n', '\r\n'), `\ufeff: hello\n\n${WIRE}`]) {
      const expected = decode(WIRE);
      assert.deepEqual(decode(wire), expected);
      fc.assert(
        fc.property(fc.array(fc.nat(Buffer.byteLength(wire))), (cuts) =>
          assert.deepEqual(decode(wire, cuts), expected),
        ),
      );
    }
  });

  it('makes ids for calls that have none, unique by the id of the reply', () => {
    const [choice] = whole(WIRE).choices;
    const call = choice?.parts.at(-1);
    assert.deepEqual(call, {
      kind: 'tool-call',
      id: 'call_r_1_0',
      name: 'f',
      arguments: '{"a":"\\"}]"}',
      signature: { origin: 'gemini', value: 'c2ln' },
    });
    assert.deepEqual(choice?.finish, { reason: 'tool-calls', raw: 'STOP' });
  });

  it('ends a stream without a finish, or without anything, with upstream-cut', () => {
    for (const wire of ['', ' \n', sse(candidate(said('Hi'))), '[', '[{"candidates":[']) {
      const last = decode(wire).at(-1);
      assert.equal(last?.type === 'error' && last.fault.code, 'upstream-cut', wire);
    }
  });

  it('waits for every candidate to finish', () => {
    const piece = {
      candidates: [
        { ...said('a'), finishReason: 'STOP' },
        { index: 1, ...said('b') },
      ],
      ...USAGE,
    };
    const last = decode(sse(piece)).at(-1);
    assert.equal(last?.type === 'error' && last.fault.code, 'upstream-cut');
    const both = whole(sse(piece, { candidates: [{ index: 1, finishReason: 'MAX_TOKENS' }], ...USAGE }));
    assert.deepEqual(
      both.choices.map((choice) => choice.finish.reason),
      ['stop', 'length'],
    );
  });

  it('takes a finish without usage back when content follows, as older servers send it', () => {
    const events = decode(
      sse(candidate({ ...said('a'), finishReason: 'STOP' }), candidate({ ...said('b'), finishReason: 'MAX_TOKENS' })),
    );
    assert.deepEqual(
      events.filter((event) => event.type === 'finish'),
      [{ type: 'finish', choice: 0, finish: { reason: 'length', raw: 'MAX_TOKENS' } }],
    );
    assert.equal(events.at(-1)?.type, 'finish');
    const open = decode(sse(candidate({ ...said('a'), finishReason: 'STOP' }), candidate(said('b'))));
    assert.equal(open.at(-1)?.type, 'error');
  });

  it('keeps a blocked prompt as a filtered, empty reply, and words of tomorrow as they are', () => {
    const blocked = whole(sse({ promptFeedback: { blockReason: 'SAFETY' } }));
    assert.deepEqual(blocked.choices, [{ index: 0, parts: [], finish: { reason: 'content-filter', raw: 'SAFETY' } }]);
    const strange = whole(sse(candidate({ ...said('a'), finishReason: 'MOON_PHASE' }, USAGE)));
    assert.deepEqual(strange.choices[0]?.finish, { reason: 'other', raw: 'MOON_PHASE' });
    for (const [raw, reason] of [
      ['RECITATION', 'content-filter'],
      ['MALFORMED_FUNCTION_CALL', 'error'],
      ['NO_IMAGE', 'other'],
    ] as const) {
      assert.deepEqual(whole(sse(candidate({ finishReason: raw }, USAGE))).choices[0]?.finish, { reason, raw });
    }
  });

  it('puts arguments together that come by path', () => {
    const call = (functionCall: JsonRecord): JsonRecord => candidate({ content: { parts: [{ functionCall }] } });
    const wire = sse(
      call({ name: 'f', willContinue: true }),
      call({ partialArgs: [{ jsonPath: '$.city', stringValue: 'Os', willContinue: true }], willContinue: true }),
      call({
        partialArgs: [
          { jsonPath: '$.city', stringValue: 'lo' },
          { jsonPath: "$.days[0]['n']", numberValue: 3 },
        ],
        willContinue: true,
      }),
      call({
        partialArgs: [
          { jsonPath: '$.days[1]', nullValue: 'NULL_VALUE' },
          { jsonPath: '$.__proto__.x', boolValue: true },
          { jsonPath: '$.ok', boolValue: false },
        ],
        willContinue: true,
      }),
      call({}),
      call({ name: 'g' }),
      candidate({ finishReason: 'STOP' }, USAGE),
    );
    const parts = whole(wire).choices[0]?.parts ?? [];
    assert.deepEqual(
      parts.map((part) => part.kind === 'tool-call' && [part.name, part.arguments]),
      [
        ['f', '{"city":"Oslo","days":[{"n":3},null],"ok":false}'],
        ['g', '{}'],
      ],
    );
  });

  it('stops at an error, at garbage, and at a piece beyond the limit', () => {
    const error = { error: { code: 429, message: 'Quota', status: 'RESOURCE_EXHAUSTED' } };
    const codes = [
      sse(candidate(said('a')), error, candidate(said('b'))),
      sse(candidate(said('a'))) + 'data: {"x\n\n',
      `data: ${'x'.repeat(9_000_000)}`,
      `[{"text":"${'x'.repeat(9_000_000)}"}]`,
    ].map((wire) => {
      const last = decode(wire).at(-1);
      return last?.type === 'error' && last.fault.code;
    });
    assert.deepEqual(codes, ['upstream-rate-limited', 'upstream-invalid', 'upstream-too-big', 'upstream-too-big']);
  });

  it('reads usage of strings, negative and absurd numbers as none (F15)', () => {
    const usage = { promptTokenCount: '7', candidatesTokenCount: -1, thoughtsTokenCount: 1e17, totalTokenCount: 0.5 };
    assert.equal(decodeUsage(usage), undefined);
    assert.equal(
      whole(sse(candidate({ ...said('a'), finishReason: 'STOP' }, { usageMetadata: usage }))).usage,
      undefined,
    );
  });

  it('counts sound, cached and tool tokens', () => {
    const raw = {
      promptTokenCount: 10,
      toolUsePromptTokenCount: 4,
      cachedContentTokenCount: 6,
      candidatesTokenCount: 3,
      thoughtsTokenCount: 2,
      totalTokenCount: 19,
      promptTokensDetails: [
        { modality: 'AUDIO', tokenCount: 7 },
        { modality: 'TEXT', tokenCount: 3 },
      ],
      candidatesTokensDetails: [{ modality: 4, tokenCount: 1 }],
    };
    assert.deepEqual(decodeUsage(raw), {
      inputTokens: 14,
      cachedInputTokens: 6,
      inputAudioTokens: 7,
      outputTokens: 5,
      reasoningTokens: 2,
      outputAudioTokens: 1,
      raw,
    });
    assert.equal(decodeUsage({ promptTokenCount: 10, totalTokenCount: 10 })?.outputTokens, 0);
    assert.equal(decodeUsage({ trafficType: 'ON_DEMAND' }), undefined);
  });
});

const CALL_START: Extract<ChatEvent, { type: 'tool-call-start' }> = {
  type: 'tool-call-start',
  choice: 0,
  call: 0,
  id: 'a',
  name: 'f',
};
const FINISH: ChatEvent = { type: 'finish', choice: 0, finish: { reason: 'tool-calls', raw: 'tool_calls' } };

describe('gemini: a stream written', () => {
  it('gives a call whole, however its arguments were cut', () => {
    const args = JSON.stringify({ city: 'Tromsø', list: [1, { deep: '"}' }] });
    fc.assert(
      fc.property(fc.array(fc.nat(args.length)), (cuts) => {
        const edges = [0, ...cuts.toSorted((a, b) => a - b), args.length];
        const deltas = edges.slice(1).map((to, at): ChatEvent => ({
          type: 'tool-call-delta',
          choice: 0,
          call: 0,
          arguments: args.slice(edges[at], to),
        }));
        const part = whole(encode([CALL_START, ...deltas, FINISH])).choices[0]?.parts[0];
        assert.deepEqual(part, { kind: 'tool-call', id: 'a', name: 'f', arguments: args });
      }),
    );
  });

  it('puts finish and usage into the last piece', () => {
    const wire = encode([
      { type: 'start', id: 'x', model: 'm' },
      { type: 'text-delta', choice: 0, text: 'a' },
      { type: 'finish', choice: 0, finish: { reason: 'length', raw: 'max_tokens' } },
      { type: 'usage', usage: { inputTokens: 3, outputTokens: 2 } },
    ]);
    assert.equal(
      wire,
      sse(
        {
          candidates: [{ content: { parts: [{ text: 'a' }], role: 'model' }, index: 0 }],
          modelVersion: 'm',
          responseId: 'x',
        },
        {
          candidates: [{ content: { parts: [{ text: '' }], role: 'model' }, finishReason: 'MAX_TOKENS', index: 0 }],
          usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 5 },
          modelVersion: 'm',
          responseId: 'x',
        },
      ),
    );
  });

  it('is valid JSON as an array: whole, empty, or ended by an error', () => {
    const text: ChatEvent = { type: 'text-delta', choice: 0, text: 'a' };
    const error: ChatEvent = { type: 'error', fault: fault('upstream-cut', { provider: 'p' }) };
    for (const events of [[text, text, FINISH], [], [text, error], [error]]) {
      const read = parseJson(encode(events, true));
      assert.ok(isArray(read), encode(events, true));
      const last = read.at(-1);
      assert.equal(isRecord(last) && last['error'] !== undefined, events.at(-1)?.type === 'error');
    }
  });

  it('writes nothing after an error, and no half calls', () => {
    const encoder = gemini.encoder(CONTEXT);
    assert.equal(
      encoder.push(CALL_START) + encoder.push({ type: 'tool-call-delta', choice: 0, call: 0, arguments: '{"a"' }),
      '',
    );
    const error = encoder.push({ type: 'error', fault: fault('upstream-cut', { provider: 'p' }) });
    assert.equal(error, gemini.encodeStreamFault(fault('upstream-cut', { provider: 'p' }), { requestId: 'req_1' }));
    assert.equal(encoder.push({ type: 'text-delta', choice: 0, text: 'late' }) + encoder.end(), '');
  });

  it('writes a call that comes after a first finish too', () => {
    const second: ChatEvent = { ...CALL_START, call: 1, id: 'b', name: 'g' };
    const parts = whole(encode([CALL_START, FINISH, second, FINISH])).choices[0]?.parts ?? [];
    assert.deepEqual(
      parts.map((part) => part.kind === 'tool-call' && part.id),
      ['a', 'b'],
    );
  });

  it('holds back no endless arguments', () => {
    const encoder = gemini.encoder(CONTEXT);
    encoder.push(CALL_START);
    let out = '';
    for (let at = 0; at < 9 && out === ''; at += 1)
      out = encoder.push({ type: 'tool-call-delta', choice: 0, call: 0, arguments: 'x'.repeat(1024 * 1024) });
    assert.match(out, /"error"/);
  });

  it('carries reasoning and signatures of other providers so that they come back', () => {
    const events: readonly ChatEvent[] = [
      { type: 'reasoning-delta', choice: 0, text: 'Hm' },
      { type: 'signature', choice: 0, of: 'reasoning', signature: { origin: 'anthropic-messages', value: 'a+/b==' } },
      { type: 'reasoning-encrypted', choice: 0, encrypted: { origin: 'openai-responses', value: 'sealed' } },
      { type: 'text-delta', choice: 0, text: 'Hi' },
      { type: 'finish', choice: 0, finish: { reason: 'stop' } },
    ];
    const wire = encode(events);
    for (const found of wire.matchAll(/"thoughtSignature":"([^"]*)"/g))
      assert.match(found[1] ?? '', /^[A-Za-z0-9+/]+=*$/);
    assert.deepEqual(whole(wire).choices[0]?.parts, [
      { kind: 'reasoning', text: 'Hm', isSummary: true, signature: { origin: 'anthropic-messages', value: 'a+/b==' } },
      { kind: 'reasoning', text: '', encrypted: { origin: 'openai-responses', value: 'sealed' } },
      { kind: 'text', text: 'Hi' },
    ]);
  });

  it('says what it cannot say', () => {
    const encoder = gemini.encoder(CONTEXT);
    const part = { kind: 'opaque', origin: 'anthropic-messages', name: 'server_tool_use', value: {} } as const;
    encoder.push({ type: 'opaque', choice: 0, part });
    encoder.push({ type: 'opaque', choice: 0, part });
    encoder.push({ type: 'extra', extra: { system_fingerprint: 'fp' } });
    encoder.push({ type: 'audio-delta', choice: 0, transcript: 'Hi' });
    assert.deepEqual(
      encoder.losses().map((loss) => `${loss.field} ${loss.weight}`),
      ['server_tool_use meaning', 'system_fingerprint hint', 'audio.transcript hint'],
    );
  });

  it('grounds citations of other providers in bytes', () => {
    const citation = {
      origin: 'openai-chat',
      url: 'https://a.example',
      title: 'A',
      start: 0,
      end: 3,
      raw: {},
    } as const;
    const wire = encode([
      { type: 'text-delta', choice: 0, text: 'ü: ' },
      { type: 'part-break', choice: 0 },
      { type: 'text-delta', choice: 0, text: 'Øst' },
      { type: 'citation', choice: 0, citation },
      { type: 'finish', choice: 0, finish: { reason: 'stop' } },
    ]);
    const [part] = whole(wire).choices[0]?.parts ?? [];
    const [found] = part?.kind === 'text' ? (part.citations ?? []) : [];
    assert.equal(found?.citedText, 'Øst');
    assert.equal(part?.kind === 'text' && part.text.slice(found?.start, found?.end), 'Øst');
  });
});
