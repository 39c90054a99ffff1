/** The dialect `ollama` against every recording of `/api/chat` and `/api/generate`. What a round trip changes is listed, rule by rule. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ChatResponse } from '../../src/chat/reply.ts';
import { ollama } from '../../src/dialects/ollama.ts';
import { asArray, asRecord, isRecord, type JsonRecord } from '../../src/lib/json.ts';
import { lineSplitter } from '../../src/lib/lines.ts';
import { corpusSkip } from '../corpus.ts';
import {
  assertHonestWhenCut,
  assertRepliesComeBack,
  assertRequestsComeBack,
  assertReadsBack,
  assertSameInPieces,
  assertTapAgrees,
  bodyOf,
  classified,
  CONTEXT,
  decodeAll,
  recordingsOf,
  type Rules,
} from './suite.ts';

const SUITE = 'ollama';
const recordings = recordingsOf(ollama);
const accepted = recordings.filter((one) => one.status < 300);
const wholes = accepted.filter((one) => !one.isStream);
const streams = accepted.filter((one) => one.isStream);
const failures = recordings.filter((one) => one.status >= 400);

function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    value === '' ||
    (Array.isArray(value) && value.length === 0) ||
    (isRecord(value) && Object.keys(value).length === 0)
  );
}

function filled(record: JsonRecord): JsonRecord {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => !isEmpty(value)));
}

function inMessages(change: (message: JsonRecord) => JsonRecord): (body: JsonRecord) => JsonRecord {
  return (body) => ({ ...body, messages: (asArray(body['messages']) ?? []).filter(isRecord).map(change) });
}

/** What an own request may look like after it was read and written. */
const REQUESTS: Rules = {
  'a prompt becomes a message': (body) => {
    const { prompt, system, images, ...rest } = body;
    if (prompt === undefined) return body;
    const said = typeof system === 'string' && system !== '' ? [{ role: 'system', content: system }] : [];
    const pictures = isEmpty(images) ? {} : { images };
    return { ...rest, messages: [...said, { role: 'user', content: prompt, ...pictures }] };
  },
  'streaming is said, which is the default': (body) => ({ stream: true, ...body }),
  'a field that says nothing is left out': (body) =>
    filled({ ...body, options: filled(asRecord(body['options']) ?? {}) }),
  'an empty field of a message is left out': inMessages((message) => ({ content: '', ...filled(message) })),
  'the type of a call is said': inMessages((message) => {
    const calls = asArray(message['tool_calls']);
    return calls === undefined
      ? message
      : { ...message, tool_calls: calls.filter(isRecord).map((call) => ({ type: 'function', ...call })) };
  }),
  'a result without a name gets that of its call': inMessages((message) =>
    message['role'] === 'tool' && message['tool_name'] === undefined
      ? { ...message, tool_name: 'get_current_weather' }
      : message,
  ),
};

const REPLIES: Rules = {
  'the time is given in seconds': (body) => ({ ...body, created_at: 'then' }),
  'generated text stands in a message': (body) => {
    const { response, ...rest } = body;
    return response === undefined ? body : { ...rest, message: { role: 'assistant', content: response } };
  },
  'calls are numbered': (body) => {
    const message = asRecord(body['message']) ?? {};
    const calls = asArray(message['tool_calls'])?.filter(isRecord);
    const numbered = calls?.map((call, index) => ({ ...call, function: { index, ...asRecord(call['function']) } }));
    return calls === undefined ? body : { ...body, message: { ...message, tool_calls: numbered } };
  },
};

describe('ollama requests', { skip: corpusSkip(SUITE) }, () => {
  it('come back with the same meaning', () => {
    const asked = accepted.flatMap(({ id, requestBody: body }) => (body === undefined ? [] : [{ id, body }]));
    assertRequestsComeBack(ollama, asked, {
      rules: REQUESTS,
      also: (written, { id }) => assert.ok(ollama.inspect(written, {}).ok, id),
    });
  });

  it('join each result to its call, though neither has an id', () => {
    let results = 0;
    for (const { id, requestBody } of accepted) {
      const decoded = ollama.decodeRequest(requestBody ?? {}, {});
      if (!decoded.ok) continue;
      const parts = decoded.value.messages.flatMap((message) => message.parts);
      const calls = parts.flatMap((part) => (part.kind === 'tool-call' ? [part.id] : []));
      assert.equal(new Set(calls).size, calls.length, `${id}: ids are unique`);
      for (const part of parts) {
        if (part.kind !== 'tool-result') continue;
        results += 1;
        assert.ok(calls.includes(part.callId), `${id}: ${part.callId}`);
      }
    }
    console.log(`requests: ${results} results joined to their calls`);
    assert.ok(results >= 5);
  });
});

describe('ollama replies', { skip: corpusSkip(SUITE) }, () => {
  it('come back with the same meaning', () => {
    assertRepliesComeBack(
      ollama,
      wholes.map((one) => ({ ...one, body: bodyOf(one) })),
      {
        rules: REPLIES,
        also: ({ usage }, { id, body }) => {
          assert.deepEqual(
            [usage?.inputTokens, usage?.outputTokens],
            [body['prompt_eval_count'], body['eval_count']],
            id,
          );
        },
      },
    );
  });
});

/** Lines that are done. */
function linesOf(bytes: Buffer): readonly { readonly name: string; readonly data: Buffer; readonly raw: Buffer }[] {
  const splitter = lineSplitter(1 << 20);
  return [...splitter.push(bytes), ...splitter.end()].map((data) => ({
    name: '',
    data,
    raw: Buffer.concat([data, Buffer.from('\n')]),
  }));
}

describe('ollama streams', { skip: corpusSkip(SUITE) }, () => {
  it('read the same however the network cuts them', () => {
    console.log(`streams: ${streams.length}, ${assertSameInPieces(ollama, streams)} runs in pieces`);
  });

  it('end honestly wherever they are cut off', () => {
    console.log(`streams: ${assertHonestWhenCut(ollama, streams, /\n/g)} cuts`);
  });

  it('say what the lines say, put together', () => {
    for (const { id, bytes } of streams) {
      const decoder = ollama.decoder('p');
      const events = [...decoder.push(bytes), ...decoder.end()];
      const lines = linesOf(bytes).map(({ data }) => JSON.parse(data.toString('utf8')) as JsonRecord);
      const text = lines.map((line) => asRecord(line['message'])?.['content'] ?? line['response'] ?? '').join('');
      assert.equal(events.map((event) => (event.type === 'text-delta' ? event.text : '')).join(''), text, id);
      const calls = lines.flatMap((line) => asArray(asRecord(line['message'])?.['tool_calls']) ?? []);
      assert.equal(events.filter((event) => event.type === 'tool-call-start').length, calls.length, id);
      const last = events.at(-1);
      assert.equal(last?.type === 'finish' ? last.finish.raw : undefined, lines.at(-1)?.['done_reason'], id);
    }
  });

  it('are read back as they were written', () => {
    assertReadsBack(ollama, streams, comparable);
  });

  it('are line for line the same when they are written again, but for the time', () => {
    const lines = (bytes: Buffer): readonly JsonRecord[] =>
      linesOf(bytes).map(({ data }) => ({ ...(JSON.parse(data.toString('utf8')) as JsonRecord), created_at: 'then' }));
    let count = 0;
    for (const { id, bytes } of streams.filter(({ wire }) => wire === 'ollama-chat')) {
      const encoder = ollama.encoder(CONTEXT);
      const written = [...decodeAll(ollama, bytes).map((event) => encoder.push(event)), encoder.end()].join('');
      assert.deepEqual(encoder.losses(), [], id);
      assert.deepEqual(lines(Buffer.from(written)), lines(bytes), id);
      count += lines(bytes).length;
    }
    console.log(`streams: ${count} lines the same when they are written again`);
    assert.ok(count > 2000);
  });

  it('are tapped as they are read', () => {
    console.log(`taps: ${assertTapAgrees(ollama, streams, linesOf)} lines agree`);
  });
});

/** Numbers that only mean something in the reply they came in stay there: the tokens of its context. */
function comparable(reply: ChatResponse): unknown {
  return {
    ...reply,
    extra: undefined,
    choices: reply.choices.map((choice) => ({
      ...choice,
      finish: choice.finish.reason,
    })),
  };
}

describe('ollama errors', { skip: corpusSkip(SUITE) }, () => {
  it('are classified', () => {
    assert.deepEqual(classified(ollama, failures), { 'ollama 404: upstream-not-found (-)': 1 });
  });
});
