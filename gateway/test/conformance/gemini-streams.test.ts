/** Every recorded stream of the `gemini` wire means the same however it is cut, and ends honestly where it is cut short. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { collect } from '../../src/chat/collect.ts';
import type { ChatEvent, ChatResponse } from '../../src/chat/reply.ts';
import { mergeUsage, type Usage } from '../../src/chat/usage.ts';
import { gemini } from '../../src/dialects/gemini.ts';
import { decodeUsage } from '../../src/dialects/gemini/usage.ts';
import { isArray, parseJson } from '../../src/lib/json.ts';
import { sseSplitter } from '../../src/lib/sse.ts';
import { dice } from '../../src/lib/dice.ts';
import {
  CONTEXT,
  decode,
  decodeAll,
  faultOf,
  list,
  pieces,
  print,
  record,
  skip,
  streams,
  tally,
  text,
  type Note,
} from './gemini-recordings.ts';

describe('gemini: recorded streams', { skip }, () => {
  it('reads every stream to its end', () => {
    const kinds = tally();
    for (const one of streams) {
      const events = decodeAll(one);
      assert.equal(faultOf(events), undefined, one.id);
      assert.ok(
        events.some((event) => event.type === 'finish'),
        one.id,
      );
      kinds.add(one.stream?.startsWith('[') === true ? 'JSON array' : 'SSE');
    }
    print(`streams: ${streams.length} complete`, kinds.counts);
    assert.equal(streams.length, 120);
  });

  it('reads the same text, calls and counts that stand in the pieces', () => {
    for (const one of streams) {
      const response = collect(decodeAll(one), 'gemini');
      const parts = pieces(one.stream ?? '').flatMap((piece) =>
        list(piece['candidates'], () => undefined).flatMap((candidate) =>
          list(record(record(candidate)['content'])['parts'], () => undefined).map(record),
        ),
      );
      const words = parts.filter((part) => part['thought'] !== true).map((part) => text(part['text']));
      const thoughts = parts.filter((part) => part['thought'] === true).map((part) => text(part['text']));
      const calls = parts.filter((part) => record(part['functionCall'])['name'] !== undefined).length;
      const read = response.choices.flatMap((choice) => choice.parts);
      assert.equal(read.map((part) => (part.kind === 'text' ? part.text : '')).join(''), words.join(''), one.id);
      assert.equal(
        read.map((part) => (part.kind === 'reasoning' ? part.text : '')).join(''),
        thoughts.join(''),
        one.id,
      );
      assert.equal(read.filter((part) => part.kind === 'tool-call').length, calls, one.id);
    }
  });

  it('reads the same events wherever the network cuts the bytes', () => {
    const random = dice(4711);
    for (const one of streams) {
      const bytes = Buffer.from(one.stream ?? '');
      const expected = decode(bytes, []);
      for (let round = 0; round < 3; round += 1) {
        const cuts = Array.from({ length: 40 }, () => Math.floor(random() * bytes.length)).toSorted((a, b) => a - b);
        assert.ok(isDeepStrictEqual(decode(bytes, cuts), expected), one.id);
      }
      if (bytes.length < 4000)
        assert.deepEqual(
          decode(
            bytes,
            Array.from({ length: bytes.length }, (_, at) => at),
          ),
          expected,
          one.id,
        );
    }
  });

  it('ends a stream that was cut with the events so far and an honest error', () => {
    const random = dice(815);
    let cutCount = 0;
    let completeCount = 0;
    for (const one of streams) {
      const whole = one.stream ?? '';
      const bytes = Buffer.from(whole);
      const expected = decode(bytes, []);
      const edges = [...whole.matchAll(/\r?\n\r?\n|\n\},?/g)].map((found) =>
        Buffer.byteLength(whole.slice(0, found.index + found[0].length)),
      );
      const cuts = [0, ...edges, ...Array.from({ length: 50 }, () => Math.floor(random() * bytes.length))];
      for (const cut of cuts) {
        const events = decode(bytes.subarray(0, cut), []);
        const isError = faultOf(events) === 'upstream-cut';
        const soFar = isError ? events.slice(0, -1) : events;
        if (isError) cutCount += 1;
        else {
          completeCount += 1;
          assert.match(
            bytes.toString('utf8', 0, cut),
            /"(?:finishReason|blockReason)"/,
            `${one.id} at ${cut} has no finish`,
          );
        }
        assert.ok(isPrefix(soFar, expected), `${one.id} cut at ${cut}`);
      }
    }
    console.log(`cuts: ${cutCount} end in upstream-cut, ${completeCount} came after the finish`);
    assert.ok(cutCount > 5000);
  });

  it('writes a stream that means the same when it is read again, as events and as an array', () => {
    const differences = tally();
    for (const one of streams) {
      const events = decodeAll(one);
      const whole = collect(events, 'gemini');
      const hasRaw = agrees(whole.usage);
      if (!hasRaw) differences.add('usage whose last piece contradicts an earlier one');
      const expected = comparable(whole, hasRaw, differences.add);
      for (const isJsonArray of [false, true]) {
        const encoder = gemini.encoder({ ...CONTEXT, isJsonArray });
        const written = events.map((event) => encoder.push(event)).join('') + encoder.end();
        if (isJsonArray) assert.ok(isArray(parseJson(written)), one.id);
        const again = decode(Buffer.from(written), []);
        assert.equal(faultOf(again), undefined, one.id);
        assert.deepEqual(
          comparable(collect(again, 'gemini'), hasRaw, () => undefined),
          expected,
          one.id,
        );
        assert.deepEqual(
          encoder.losses().map((loss) => `${loss.code} ${loss.field}`),
          [],
          one.id,
        );
      }
    }
    print(`streams: ${streams.length} come back the same in both forms; differences of writing`, differences.counts);
  });

  it('taps the same content, finish and usage that the decoder reads', () => {
    let marks = 0;
    for (const one of streams.filter((stream) => !(stream.stream ?? '').startsWith('['))) {
      const splitter = sseSplitter();
      const bytes = Buffer.from(one.stream ?? '');
      const tap = gemini.tap('gemini');
      const decoder = gemini.decoder('gemini');
      let tapped: Usage | undefined;
      let decoded: Usage | undefined;
      let isFinished = false;
      for (const event of [...splitter.push(bytes), ...splitter.end()]) {
        const mark = tap.see(event.name, event.data);
        const events = decoder.push(Buffer.concat([Buffer.from('data: '), event.data, Buffer.from('\n\n')]));
        marks += 1;
        assert.equal(
          mark.hasContent === true,
          events.some(isContent),
          `${one.id}: ${event.data.toString('utf8', 0, 200)}`,
        );
        for (const each of events) if (each.type === 'usage') decoded = mergeUsage(decoded, each.usage);
        if (mark.usage !== undefined) tapped = mergeUsage(tapped, mark.usage);
        if (mark.isFinished === true) isFinished = true;
      }
      const ending = decoder.end();
      assert.equal(isFinished, faultOf(ending) === undefined, one.id);
      assert.deepEqual(tapped, decoded, one.id);
    }
    console.log(`tap: ${marks} events agree`);
    assert.equal(marks, 307);
  });

  it('sees an error inside a stream in the tap as in the decoder', () => {
    const data = '{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}';
    const mark = gemini.tap('gemini').see('', Buffer.from(data));
    const events = decode(Buffer.from(`data: ${data}\n\n`), []);
    assert.equal(mark.fault?.code, 'upstream-overloaded');
    assert.deepEqual(events, [{ type: 'error', fault: mark.fault }]);
    assert.deepEqual(decode(Buffer.from(`[${data}]`), []), events);
  });
});

function isPrefix(events: readonly ChatEvent[], of: readonly ChatEvent[]): boolean {
  if (isDeepStrictEqual(events, of.slice(0, events.length))) return true;
  // A finish that waits for the end of the stream comes at the cut already.
  const without = events.filter((event, at) => event.type !== 'finish' || isDeepStrictEqual(event, of[at]));
  return events.at(-1)?.type === 'finish' && isDeepStrictEqual(without, of.slice(0, without.length));
}

function isContent(event: ChatEvent): boolean {
  return ['text-delta', 'reasoning-delta', 'tool-call-start', 'media', 'opaque'].includes(event.type);
}

/** A collected stream without what a second writing changes. */
function comparable(response: ChatResponse, hasRaw: boolean, note: Note): ChatResponse {
  if (response.id === undefined) note('reply id given by us');
  if (response.model === undefined) note('model named by us');
  const { usage, ...rest } = response;
  const { raw: _, ...counts } = usage ?? {};
  return {
    ...rest,
    choices: rest.choices.map((choice) => ({
      ...choice,
      parts: choice.parts.map((part) => (part.kind === 'tool-call' ? { ...part, id: sameId(part.id, note) } : part)),
    })),
    ...(usage === undefined ? {} : { usage: hasRaw ? usage : counts }),
    id: response.id ?? CONTEXT.requestId,
    model: response.model ?? CONTEXT.model,
  };
}

/** Ids that we make hold the reply's id, which a reply without one gets from us. */
function sameId(id: string, note: Note): string {
  const made = /^call_(?:req_1_)?(\d)$/.exec(id)?.[1];
  if (made === undefined) return id;
  note('made-up call id of a reply without an id');
  return made;
}

/** Whether the pieces' usage, laid over each other, still says what the last piece says. */
function agrees(usage: Usage | undefined): boolean {
  const read = decodeUsage(usage?.raw);
  return usage === undefined || (read?.inputTokens === usage.inputTokens && read?.outputTokens === usage.outputTokens);
}
