/** The dialect `openai-completions` against every recording of text completions. What a round trip changes is listed, rule by rule. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { collect } from '../../src/chat/collect.ts';
import type { ChatResponse } from '../../src/chat/reply.ts';
import { openaiCompletions } from '../../src/dialects/openai-completions.ts';
import { asArray, asNumber, asRecord, isRecord, type JsonRecord } from '../../src/lib/json.ts';
import { sseSplitter } from '../../src/lib/sse.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { isSpoken, readIndex, type Recording } from './recordings.ts';
import {
  assertHonestWhenCut,
  assertReadsBack,
  assertSameInPieces,
  assertTapAgrees,
  bodyOf,
  classified,
  comparer,
  CONTEXT,
  decodeAll,
  recordingsOf,
  type Rules,
} from './suite.ts';

const SUITE = 'openai-completions';
const recordings = recordingsOf(openaiCompletions);
const accepted = recordings.filter((one) => one.status < 300);
const wholes = accepted.filter((one) => !one.isStream);
const streams = accepted.filter((one) => one.isStream);
const failures = recordings.filter((one) => one.status >= 400);

function without(body: JsonRecord, ...fields: readonly string[]): JsonRecord {
  return Object.fromEntries(Object.entries(body).filter(([field]) => !fields.includes(field)));
}

/** What an own request may look like after it was read and written. */
const REQUESTS: Rules = {
  'a list of one prompt is that prompt': (body) => {
    const list = asArray(body['prompt']);
    return list?.length === 1 && typeof list[0] === 'string' ? { ...body, prompt: list[0] } : body;
  },
  'a null is left out': (body) => Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null)),
  'not to stream, which is the default, is not said': (body) =>
    body['stream'] === false ? without(body, 'stream') : body,
  'one stop sequence is a list of one': (body) =>
    typeof body['stop'] === 'string' ? { ...body, stop: [body['stop']] } : body,
};

function inChoices(change: (choice: JsonRecord) => JsonRecord): (body: JsonRecord) => JsonRecord {
  return (body) => ({ ...body, choices: (asArray(body['choices']) ?? []).filter(isRecord).map(change) });
}

const REPLIES: Rules = {
  'the object is called as OpenAI calls it': (body) => ({ ...body, object: 'text_completion' }),
  'an empty list of prompts is left out': (body) =>
    asArray(body['prompt'])?.length === 0 ? without(body, 'prompt') : body,
  'the end is said in a word of OpenAI': inChoices((choice) =>
    choice['finish_reason'] === 'eos' ? { ...choice, finish_reason: 'stop' } : choice,
  ),
};

describe('openai-completions recordings', { skip: corpusSkip(SUITE) }, () => {
  it('are all taken in, but for those of other wires', () => {
    const corpus = corpusDir();
    const all = corpus === undefined ? [] : readIndex(corpus).filter(({ wire }) => wire === 'openai-completions');
    const left = all.filter((row) => !isSpoken(row)).map(({ id }) => id);
    console.log(`text completions: ${recordings.length} of ${all.length}; left out as other wires: ${left.join(', ')}`);
    assert.equal(recordings.length, 26);
  });
});

describe('openai-completions requests', { skip: corpusSkip(SUITE) }, () => {
  it('come back with the same meaning', () => {
    const same = comparer(REQUESTS);
    const asked = recordings.filter((one) => one.requestBody !== undefined);
    for (const { id, requestBody = {} } of asked) {
      const decoded = openaiCompletions.decodeRequest(requestBody, {});
      assert.ok(decoded.ok, `${id}: ${decoded.ok ? '' : decoded.error.message}`);
      const { body, losses } = openaiCompletions.encodeRequest(decoded.value, { model: decoded.value.model });
      assert.deepEqual(losses, [], id);
      same.same(body, requestBody, id);
    }
    same.check(`requests: ${asked.length} of ${recordings.length} exchanges, round trips, differences listed:`);
  });

  it('are taken apart into one for each prompt, and token numbers are not', () => {
    const counts = { one: 0, several: 0, tokens: 0 };
    for (const { id, requestBody } of recordings) {
      if (requestBody === undefined) continue;
      const apart = openaiCompletions.apart?.(requestBody);
      assert.ok(apart !== undefined);
      const prompt = asArray(requestBody['prompt']) ?? [requestBody['prompt']];
      if (!apart.ok) {
        assert.equal(apart.error.param, 'prompt');
        assert.ok(
          prompt.every((token) => typeof token === 'number'),
          id,
        );
        counts.tokens += 1;
        continue;
      }
      assert.deepEqual(
        apart.value.map((body) => asArray(body['prompt'])?.[0] ?? body['prompt']),
        prompt,
        id,
      );
      counts[apart.value.length > 1 ? 'several' : 'one'] += 1;
    }
    console.log('prompts', JSON.stringify(counts));
    assert.ok(counts.one > 10 && counts.several === 2 && counts.tokens === 2);
  });
});

describe('openai-completions replies', { skip: corpusSkip(SUITE) }, () => {
  it('come back with the same meaning', () => {
    const same = comparer(REPLIES);
    for (const recording of wholes) {
      const body = bodyOf(recording);
      const decoded = openaiCompletions.decodeResponse(body, 'p');
      assert.ok(decoded.ok, recording.id);
      const again = openaiCompletions.encodeResponse(decoded.value, CONTEXT);
      assert.deepEqual(again.losses, [], recording.id);
      same.same(again.body, body, recording.id);
      const glance = openaiCompletions.glance(body, 'p');
      assert.ok(glance.ok && glance.value.finish === decoded.value.choices[0]?.finish.raw, recording.id);
      assert.equal(glance.value.usage?.outputTokens, asNumber(asRecord(body['usage'])?.['completion_tokens']));
    }
    same.check(`replies: ${wholes.length} round trips, differences listed:`);
  });
});

/** Pieces that are done. */
function piecesOf(bytes: Buffer): readonly { readonly name: string; readonly data: Buffer; readonly raw: Buffer }[] {
  const splitter = sseSplitter();
  return [...splitter.push(bytes), ...splitter.end()];
}

function textOf({ bytes }: Recording): string {
  return piecesOf(bytes)
    .map(({ data }) => data.toString('utf8'))
    .filter((data) => data !== '[DONE]')
    .flatMap((data) => asArray((JSON.parse(data) as JsonRecord)['choices']) ?? [])
    .map((choice) => (isRecord(choice) ? choice['text'] : ''))
    .join('');
}

describe('openai-completions streams', { skip: corpusSkip(SUITE) }, () => {
  it('read the same however the network cuts them', () => {
    console.log(`streams: ${streams.length}, ${assertSameInPieces(openaiCompletions, streams)} runs in pieces`);
  });

  it('end honestly wherever they are cut off', () => {
    console.log(`streams: ${assertHonestWhenCut(openaiCompletions, streams, /\n\n/g)} cuts`);
  });

  it('say what the chunks say, put together', () => {
    for (const recording of streams) {
      const [choice] = collect(decodeAll(openaiCompletions, recording.bytes), 'openai-completions').choices;
      const said = choice?.parts.map((part) => (part.kind === 'text' ? part.text : '?')).join('');
      assert.equal(said, textOf(recording), recording.id);
      assert.ok(said !== '', recording.id);
    }
  });

  it('are read back as they were written', () => {
    assertReadsBack(openaiCompletions, streams, comparable);
  });

  it('are tapped as they are read', () => {
    console.log(`taps: ${assertTapAgrees(openaiCompletions, streams, piecesOf)} chunks agree`);
  });
});

/** The end in a word of OpenAI's. */
function comparable(reply: ChatResponse): unknown {
  return { ...reply, choices: reply.choices.map((choice) => ({ ...choice, finish: choice.finish.reason })) };
}

describe('openai-completions errors', { skip: corpusSkip(SUITE) }, () => {
  it('are classified', () => {
    assert.deepEqual(classified(openaiCompletions, failures), {
      'openai 400: upstream-refused (invalid_request_error)': 2,
      'openai 401: upstream-auth (-)': 1,
      'openai 401: upstream-auth (invalid_api_key)': 1,
      'openai 403: upstream-not-found (invalid_request_error)': 1,
    });
  });
});
