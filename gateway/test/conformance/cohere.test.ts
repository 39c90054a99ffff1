/** The dialect `cohere` against every recording of `/v2/chat` and `/v1/chat`. What a round trip changes is listed, rule by rule. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { collect } from '../../src/chat/collect.ts';
import type { ChatResponse } from '../../src/chat/reply.ts';
import { cohere } from '../../src/dialects/cohere.ts';
import { asArray, asRecord, isRecord, parseJson, type Json, type JsonRecord } from '../../src/lib/json.ts';
import { sseSplitter } from '../../src/lib/sse.ts';
import { odd } from '../../src/providers/index.ts';
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
  decodeAll,
  recordingsOf,
  type Rules,
} from './suite.ts';

const SUITE = 'cohere';
const recordings = recordingsOf(cohere);
const accepted = recordings.filter((one) => one.status < 300);
const wholes = accepted.filter((one) => !one.isStream);
const streams = accepted.filter((one) => one.isStream);
const failures = recordings.filter((one) => one.status >= 400);

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}

function filled(record: JsonRecord): JsonRecord {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => !isEmpty(value)));
}

function inMessages(change: (message: JsonRecord) => JsonRecord): (body: JsonRecord) => JsonRecord {
  return (body) => ({ ...body, messages: (asArray(body['messages']) ?? []).filter(isRecord).map(change) });
}

function plainText(content: Json | undefined): Json | undefined {
  const [only, ...others] = asArray(content) ?? [];
  return isRecord(only) && only['type'] === 'text' && others.length === 0 ? only['text'] : content;
}

const REQUESTS: Rules = {
  'v1: the history and the message become messages': (body) => {
    const { message, chat_history: history, ...rest } = body;
    if (message === undefined) return body;
    const before = (asArray(history) ?? []).filter(isRecord).map((turn) => ({
      role: turn['role'] === 'CHATBOT' ? 'assistant' : 'user',
      content: turn['message'],
    }));
    return { ...rest, messages: [...before, { role: 'user', content: message }] };
  },
  'a model that v1 chooses itself is named': (body) =>
    body['model'] === undefined ? { ...body, model: 'named' } : body,
  'no stream is the default': (body) => {
    const { stream, ...rest } = body;
    return stream === false ? rest : body;
  },
  'a field that says nothing is left out': filled,
  'a content of one text is that text': inMessages((message) => ({
    ...message,
    content: plainText(message['content']),
  })),
  'an empty field of a message is left out': inMessages(filled),
};

const REPLIES: Rules = {
  'v1: a text becomes a message': (body) => {
    if (body['text'] === undefined) return body;
    const { text, response_id: id, meta, finish_reason: finish = 'COMPLETE', citations, ...rest } = body;
    const { generation_id: _, chat_history: __, documents, ...others } = rest;
    const cited = citations === undefined ? {} : { citations: withDocuments(citations, documents) };
    return {
      ...others,
      id,
      message: { role: 'assistant', content: [{ type: 'text', text }], ...cited },
      finish_reason: finish,
      usage: meta,
    };
  },
  'a field that says nothing is left out': filled,
};

/** v1 names documents by their ids. */
function withDocuments(citations: Json, documents: Json | undefined): readonly JsonRecord[] {
  const known = (asArray(documents) ?? []).filter(isRecord);
  return (asArray(citations) ?? []).filter(isRecord).map(({ document_ids: ids, ...citation }) => ({
    ...citation,
    sources: (asArray(ids) ?? []).map((id) => ({
      type: 'document',
      id,
      document: known.find((document) => document['id'] === id) ?? null,
    })),
  }));
}

/** A model that v1 chooses itself. */
const NAMED = { model: 'named' };

describe('cohere requests', { skip: corpusSkip(SUITE) }, () => {
  it('come back with the same meaning', () => {
    const asked = accepted.flatMap(({ id, requestBody: body }) =>
      body === undefined ? [] : [{ id, body, path: NAMED }],
    );
    assertRequestsComeBack(cohere, asked, {
      rules: REQUESTS,
      also: (written, { id, body }) => {
        assert.ok(cohere.inspect(written, {}).ok, id);
        assert.equal(odd.cohere.needsAmend?.(body), false, id);
      },
    });
  });
});

describe('cohere replies', { skip: corpusSkip(SUITE) }, () => {
  it('come back with the same meaning', () => {
    assertRepliesComeBack(
      cohere,
      wholes.map((one) => ({ ...one, body: bodyOf(one) })),
      { rules: REPLIES },
    );
  });

  it('are counted as they are billed, thoughts included', () => {
    let counted = 0;
    for (const recording of wholes) {
      const body = bodyOf(recording);
      const raw = asRecord(body['usage']) ?? asRecord(body['meta']) ?? {};
      const billed = asRecord(raw['billed_units']) ?? {};
      const decoded = cohere.decodeResponse(body, 'cohere');
      const usage = decoded.ok ? decoded.value.usage : undefined;
      assert.deepEqual([usage?.inputTokens, usage?.outputTokens], [billed['input_tokens'], billed['output_tokens']]);
      assert.ok((usage?.reasoningTokens ?? 0) <= (usage?.outputTokens ?? 0), recording.id);
      counted += 1;
    }
    console.log(`replies: ${counted} counted as billed`);
  });

  it('have citations that stand where they say', () => {
    let placed = 0;
    for (const recording of accepted) {
      const reply = recording.isStream
        ? collect(decodeAll(cohere, recording.bytes), SUITE)
        : replyOf(bodyOf(recording));
      for (const part of reply.choices.flatMap((choice) => choice.parts)) {
        if (part.kind !== 'text') continue;
        for (const { start, end, raw } of part.citations ?? []) {
          assert.equal(part.text.slice(start, end), raw['text'], recording.id);
          placed += 1;
        }
      }
    }
    console.log(`citations: ${placed} placed`);
    assert.ok(placed >= 16);
  });
});

function replyOf(body: JsonRecord): ChatResponse {
  const decoded = cohere.decodeResponse(body, 'cohere');
  assert.ok(decoded.ok);
  return decoded.value;
}

function eventsOf(bytes: Buffer): readonly { readonly name: string; readonly data: Buffer; readonly raw: Buffer }[] {
  const splitter = sseSplitter();
  return [...splitter.push(bytes), ...splitter.end()];
}

const events = streams.filter((one) => one.wire === 'cohere-v2-chat');

describe('cohere streams', { skip: corpusSkip(SUITE) }, () => {
  it('read the same however the network cuts them', () => {
    console.log(`streams: ${streams.length}, ${assertSameInPieces(cohere, streams)} runs in pieces`);
  });

  it('end honestly wherever they are cut off', () => {
    const lines = streams.filter((one) => one.wire === 'cohere-v1-chat');
    const cuts = assertHonestWhenCut(cohere, events, /\n\n/g) + assertHonestWhenCut(cohere, lines, /\n/g);
    console.log(`streams: ${events.length} of v2 and ${lines.length} of v1, ${cuts} cuts`);
  });

  it('say what the events say, put together', () => {
    for (const { id, bytes } of events) {
      const said = { text: '', thinking: '', plan: '', calls: '' };
      let end: JsonRecord = {};
      for (const { data } of eventsOf(bytes)) {
        const body = asRecord(parseJson(data.toString('utf8'))) ?? {};
        const delta = asRecord(body['delta']) ?? {};
        const message = asRecord(delta['message']) ?? {};
        if (body['type'] === 'message-end') end = delta;
        if (body['type'] === 'message-start') continue;
        const content = asRecord(message['content']) ?? {};
        const call = asRecord(asRecord(message['tool_calls'])?.['function']) ?? {};
        said.text += String(content['text'] ?? '');
        said.thinking += String(content['thinking'] ?? '');
        said.plan += String(message['tool_plan'] ?? '');
        said.calls += `${String(call['name'] ?? '')}${String(call['arguments'] ?? '')}`;
      }
      const reply = collect(decodeAll(cohere, bytes), SUITE);
      const [choice] = reply.choices;
      const parts = choice?.parts ?? [];
      const read = {
        text: parts.map((part) => (part.kind === 'text' ? part.text : '')).join(''),
        thinking: parts.map((part) => (part.kind === 'reasoning' && part.isSummary !== true ? part.text : '')).join(''),
        plan: parts.map((part) => (part.kind === 'reasoning' && part.isSummary === true ? part.text : '')).join(''),
        calls: parts.map((part) => (part.kind === 'tool-call' ? part.name + part.arguments : '')).join(''),
      };
      assert.deepEqual(read, said, id);
      assert.equal(choice?.finish.raw, end['finish_reason'], id);
      assert.deepEqual(reply.usage?.raw, end['usage'], id);
    }
  });

  it('are read back as they were written', () => {
    assertReadsBack(cohere, streams, comparable);
  });

  it('are tapped as they are read', () => {
    console.log(`taps: ${assertTapAgrees(cohere, events, eventsOf)} events agree`);
  });
});

/** What v1 says of its searches is of v1 alone. */
function comparable(reply: ChatResponse): unknown {
  return {
    ...reply,
    extra: undefined,
    choices: reply.choices.map((choice) => ({ ...choice, finish: choice.finish.reason })),
  };
}

describe('cohere errors', { skip: corpusSkip(SUITE) }, () => {
  it('are classified', () => {
    assert.deepEqual(classified(cohere, failures), {
      'cohere 400: context-length (TOO_MANY_TOKENS)': 1,
      'cohere 401: upstream-auth (-)': 1,
      'cohere 404: upstream-not-found (-)': 1,
      'cohere 429: upstream-rate-limited (-)': 1,
    });
  });
});
