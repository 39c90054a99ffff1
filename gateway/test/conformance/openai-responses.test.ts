/**
 * The dialect `openai-responses` against every recording of its wire and every recorded client of it.
 * What a round trip changes is listed in the differences, rule by rule; one that no recording needs any more fails the suite.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { collect, replay } from '../../src/chat/collect.ts';
import type { ChatEvent } from '../../src/chat/reply.ts';
import { openaiResponses } from '../../src/dialects/openai-responses.ts';
import { asArray, asRecord, asString, isRecord, parseJson, type Json, type JsonRecord } from '../../src/lib/json.ts';
import { sseSplitter } from '../../src/lib/sse.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { REPLY_DIFFERENCES, REQUEST_DIFFERENCES, STREAM_DIFFERENCES } from './openai-responses-differences.ts';
import { readIndex, readRecording, type Recording } from './recordings.ts';
import {
  assertRepliesComeBack,
  assertRequestsComeBack,
  assertSameInSmallPieces,
  assertTappedWhenCut,
  checkUsage,
  clientRequests,
  CONTEXT,
  comparer,
  decodeAll,
} from './suite.ts';

const SUITE = 'openai-responses';
const SEED = Number(process.env['TURNOUT_SEED'] ?? 20_261_127);

/** Answers of another operation (`/responses/compact`). */
const COMPACTED: ReadonlySet<string> = new Set(['openai-20fd2854ed81', 'openai-e63c403c340b']);
/** Streams that are not written again as they were recorded. */
const NOT_AGAIN: ReadonlyMap<string, string> = new Map([
  ['openai-37a922fb1ef4', 'it ends in an error'],
  ['openai-60b707be172f', 'it ran in the background'],
  ['openai-d3d7fad3f39d', 'four streams were recorded as one'],
  ['openai-d84aaa551d91', 'its authors shortened the arguments at their end, and not their pieces'],
  ['openai-d94780342276', 'its authors shortened the arguments at their end, and not their pieces'],
  ['openai-a43243663037', 'the seal of its program was made anew'],
  ['openrouter-8dead14b66b5', 'its reasoning ends after the text that follows it'],
  ['openai-024e1831fa30', 'three tools worked side by side; their items are written as they end'],
]);

const corpus = corpusDir();
const recordings: readonly Recording[] =
  corpus === undefined
    ? []
    : readIndex(corpus)
        .filter((row) => row.wire === SUITE)
        .map((row) => readRecording(corpus, row));
const accepted = recordings.filter(({ status }) => status < 300);
const wholes = accepted.flatMap((one) =>
  isRecord(one.json) && !COMPACTED.has(one.id) ? [{ ...one, body: one.json }] : [],
);
const streams = accepted.filter(({ isStream }) => isStream);
const failures = recordings.filter(({ status }) => status >= 400);

/** Work in the background is refused (`background: true`). */
const IN_BACKGROUND: ReadonlySet<string> = new Set(['openai-60b707be172f', 'openai-8759df9e61c1']);

/** A stored prompt names the model itself; here it has to be said. */
const NAMELESS: ReadonlySet<string> = new Set(['openai-87e996e43182', 'openai-ba8246519996']);

describe('openai-responses requests', { skip: corpusSkip(SUITE) }, () => {
  const asked = accepted.flatMap(({ id, requestBody }) =>
    requestBody === undefined || IN_BACKGROUND.has(id) || NAMELESS.has(id) ? [] : [[id, requestBody] as const],
  );

  it('takes every request that a provider answered, and every one of a recorded client', () => {
    const clients = clientRequests(SUITE);
    const refused = [...asked, ...clients].flatMap(([id, body]) => {
      const inspected = openaiResponses.inspect(body, {});
      return inspected.ok ? [] : [`${id}: ${inspected.error.message}`];
    });
    console.log(
      `inspect: ${asked.length} accepted requests and ${clients.length} of clients, ${refused.length} refused; left out: ${IN_BACKGROUND.size} in the background, ${NAMELESS.size} without a model`,
    );
    assert.ok(asked.length > 340 && clients.length >= 28);
    assert.deepEqual(refused, []);
  });

  it('refuses work in the background by name', () => {
    for (const { id, requestBody } of recordings.filter((one) => IN_BACKGROUND.has(one.id))) {
      const inspected = openaiResponses.inspect(requestBody ?? {}, {});
      assert.equal(inspected.ok ? undefined : inspected.error.param, 'background', id);
    }
  });

  it('gives every request back with the same meaning', () => {
    const bodies = [...asked, ...clientRequests(SUITE)].map(([id, body]) => ({ id, body }));
    assertRequestsComeBack(openaiResponses, bodies, { rules: REQUEST_DIFFERENCES });
  });
});

describe('openai-responses replies', { skip: corpusSkip(SUITE) }, () => {
  it('gives every reply back with the same meaning', () => {
    assertRepliesComeBack(openaiResponses, wholes, {
      rules: REPLY_DIFFERENCES,
      also: ({ usage }, { id, body }) => checkUsage(usage, asRecord(body['usage']), { output: 'output_tokens', id }),
    });
  });

  it('are the same after they were taken to pieces and put together', () => {
    for (const { id, provider, body } of wholes) {
      const decoded = openaiResponses.decodeResponse(body, provider);
      assert.ok(decoded.ok, id);
      assert.deepEqual(collect(replay(decoded.value), SUITE), decoded.value, id);
    }
  });

  it('are told by a glance as by a whole reading', () => {
    for (const { id, provider, body } of wholes) {
      const glanced = openaiResponses.glance(body, provider);
      const decoded = openaiResponses.decodeResponse(body, provider);
      assert.ok(glanced.ok && decoded.ok, id);
      assert.deepEqual(glanced.value.usage, decoded.value.usage, id);
      assert.equal(glanced.value.finish, decoded.value.choices[0]?.finish.raw, id);
    }
  });
});

/** The data of every event but the end mark that some providers add. */
function dataOf(wire: Buffer | string): readonly JsonRecord[] {
  const splitter = sseSplitter();
  const events = [...splitter.push(Buffer.from(wire)), ...splitter.end()];
  return events.flatMap(({ data }): readonly JsonRecord[] => {
    const body = parseJson(data.toString());
    return isRecord(body) ? [body] : [];
  });
}

/** Recorded streams that ended in an error of the provider's. */
const BROKEN = new Map([['openai-37a922fb1ef4', 'upstream-rate-limited']]);

describe('openai-responses streams', { skip: corpusSkip(SUITE) }, () => {
  it('reads every stream to its honest end', () => {
    for (const { id, bytes } of streams) {
      const events = decodeAll(openaiResponses, bytes);
      const last = events.at(-1);
      assert.equal(last?.type === 'error' ? last.fault.code : undefined, BROKEN.get(id), id);
      assert.equal(events.find((event) => event.type !== 'ping')?.type, 'start', id);
      assert.equal(
        events.some((event) => event.type === 'finish'),
        !BROKEN.has(id),
        id,
      );
    }
    console.log(`streams: ${streams.length}, of which ${BROKEN.size} end in a recorded error`);
  });

  it('says in pieces what the last event says as a whole', () => {
    for (const { id, bytes, provider } of streams.filter((one) => !NOT_AGAIN.has(one.id))) {
      const whole = asRecord(dataOf(bytes).at(-1)?.['response']) ?? {};
      const decoded = openaiResponses.decodeResponse(whole, provider);
      assert.ok(decoded.ok, id);
      const pieces = collect(decodeAll(openaiResponses, bytes), SUITE);
      assert.deepEqual(gist(pieces), gist(decoded.value), id);
      assert.deepEqual(pieces.usage, decoded.value.usage, id);
    }
  });

  it('reads the same events wherever the network cuts the bytes', () => {
    assertSameInSmallPieces(openaiResponses, streams, SEED);
  });

  it('gives a prefix of the events and an honest error wherever a stream is cut off', () => {
    const cuts = assertTappedWhenCut(openaiResponses, streams, { seed: SEED, isFinishLast: true });
    console.log(`streams: ${cuts} cuts, all honest (seed ${SEED})`);
  });

  it('writes the events of a stream again as they were', () => {
    const same = comparer(STREAM_DIFFERENCES, { countsOurs: true });
    let events = 0;
    for (const { id, bytes } of streams.filter((one) => !NOT_AGAIN.has(one.id))) {
      const encoder = openaiResponses.encoder(CONTEXT);
      const text = decodeAll(openaiResponses, bytes).map((event) => encoder.push(event));
      const again = dataOf(text.join('') + encoder.end());
      assert.deepEqual(encoder.losses(), [], id);
      checkSequence(again, id);
      same.same({ events: again }, { events: dataOf(bytes) }, id);
      events += again.length;
    }
    same.check(
      `streams: ${streams.length - NOT_AGAIN.size} written again, ${events} events, ${NOT_AGAIN.size} left out by name; differences listed:`,
    );
  });
});

function checkSequence(events: readonly JsonRecord[], id: string): void {
  assert.deepEqual(
    events.map((event) => event['sequence_number']),
    events.map((_, index) => index),
    id,
  );
}

/** What a reply says, without ids and what is repeated of the request. */
function gist(reply: ReturnType<typeof collect>): Json {
  const choice = reply.choices[0];
  const parts = (choice?.parts ?? []).map((part) => ({
    // A seal is made anew each time that it is asked for.
    ...(part.kind === 'reasoning' && part.signature !== undefined ? { ...part, signature: 'sealed' } : part),
    item: undefined,
  }));
  const plain: unknown = JSON.parse(
    JSON.stringify({ id: reply.id, model: reply.model, parts, finish: choice?.finish }),
  );
  return isRecord(plain) ? plain : null;
}

const CONTENT: ReadonlySet<ChatEvent['type']> = new Set<ChatEvent['type']>([
  'text-delta',
  'reasoning-delta',
  'refusal-delta',
  'tool-call-start',
  'tool-call-delta',
  'citation',
  'opaque',
]);

describe('openai-responses taps', { skip: corpusSkip(SUITE) }, () => {
  it('agrees with the decoder on content, finish, usage and errors', () => {
    let events = 0;
    for (const { id, bytes } of streams) {
      const tap = openaiResponses.tap('p');
      const decoder = openaiResponses.decoder('p');
      const splitter = sseSplitter();
      let hasContent = { tapped: false, decoded: false };
      for (const event of [...splitter.push(bytes), ...splitter.end()]) {
        if (event.isComment) continue;
        events += 1;
        const mark = tap.see(event.name, event.data);
        const nameless = tap.see('', event.data);
        assert.deepEqual(nameless, mark, `${id}: without its name`);
        const steps = decoder.push(event.raw);
        hasContent = {
          tapped: hasContent.tapped || mark.hasContent === true,
          decoded: hasContent.decoded || steps.some((step) => CONTENT.has(step.type)),
        };
        assert.equal(hasContent.tapped, hasContent.decoded, `${id}: content at ${event.name}`);
        assert.deepEqual(
          mark.usage,
          steps.flatMap((step) => (step.type === 'usage' ? [step.usage] : []))[0],
          `${id}: usage`,
        );
        if (mark.fault !== undefined) {
          assert.deepEqual(mark.fault, steps.flatMap((step) => (step.type === 'error' ? [step.fault] : []))[0], id);
          break;
        }
        assert.equal(
          mark.isFinished === true,
          steps.some((step) => step.type === 'finish'),
          `${id}: finish`,
        );
        if (mark.isLast === true) break;
      }
    }
    console.log(`taps: ${streams.length} streams, ${events} events agree`);
  });
});

describe('openai-responses errors', { skip: corpusSkip(SUITE) }, () => {
  it('classifies every recorded error', () => {
    const counts: Record<string, number> = {};
    for (const { provider, status, bytes } of failures) {
      const of = openaiResponses.decodeError({
        status,
        headers: {},
        body: bytes.toString('utf8'),
        provider,
        model: 'm',
        nowMs: 1_700_000_000_000,
      });
      const line = `${provider} ${status}: ${of.code} (${of.upstreamCode ?? '-'})`;
      counts[line] = (counts[line] ?? 0) + 1;
      assert.doesNotMatch(of.message, /sk-|org-|proj_/, provider);
      assert.equal(asString(asRecord(openaiResponses.encodeFault(of, CONTEXT)['error'])?.['message']), of.message);
    }
    console.log(`errors: ${failures.length} classified`);
    assert.deepEqual(counts, EXPECTED_ERRORS);
  });

  it('ends a broken stream with a failed response that an SDK raises on', () => {
    const broken = streams.find((one) => BROKEN.has(one.id));
    const last = decodeAll(openaiResponses, broken?.bytes ?? Buffer.alloc(0)).at(-1);
    assert.ok(last?.type === 'error');
    const [event] = dataOf(openaiResponses.encodeStreamFault(last.fault, { requestId: 'r1' }));
    assert.equal(event?.['type'], 'response.failed');
    const response = asRecord(event['response']) ?? {};
    assert.equal(response['status'], 'failed');
    assert.equal(asRecord(response['error'])?.['code'], 'rate_limit_exceeded');
    assert.deepEqual(asArray(response['output']), []);
  });
});

const EXPECTED_ERRORS: Readonly<Record<string, number>> = {
  'deepseek 400: upstream-refused (invalid_request_error)': 1,
  'openai 400: context-length (context_length_exceeded)': 1,
  'openai 400: upstream-not-found (model_not_found)': 3,
  'openai 400: upstream-refused (-)': 2,
  'openai 400: upstream-refused (decimal_below_min_value)': 1,
  'openai 400: upstream-refused (invalid_request_error)': 2,
  'openai 400: upstream-refused (invalid_value)': 1,
  'openai 400: upstream-refused (previous_response_not_found)': 1,
  'openai 400: upstream-refused (unsupported_file)': 1,
  'openai 401: upstream-auth (invalid_api_key)': 5,
  'xai 400: upstream-not-found (invalid-argument)': 1,
};
