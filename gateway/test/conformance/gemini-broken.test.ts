/** Recorded requests, replies and streams of the `gemini` wire with one piece broken: refused or read, and nothing ever throws. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gemini } from '../../src/dialects/gemini.ts';
import { isArray, isRecord, type Json } from '../../src/lib/json.ts';
import { dice } from '../../src/lib/dice.ts';
import {
  CONTEXT,
  decode,
  exchanges,
  faultOf,
  pathOf,
  pieces,
  print,
  record,
  replies,
  skip,
  streams,
  tally,
} from './gemini-recordings.ts';

const JUNK: readonly Json[] = [null, 1, -1, 1e17, true, '', 'x', [], {}, [null], { x: 1 }, ['x'], { parts: 3 }];

/** A copy of `value` in which one place, found by chance, holds something else. */
function broken(value: Json, random: () => number): Json {
  const keys = isArray(value) ? [...value.keys()].map(String) : isRecord(value) ? Object.keys(value) : [];
  const key = keys[Math.floor(random() * keys.length)];
  if (key === undefined || random() < 0.1) return JUNK[Math.floor(random() * JUNK.length)] ?? null;
  if (isArray(value)) return value.map((item, at) => (String(at) === key ? broken(item, random) : item));
  return isRecord(value) ? { ...value, [key]: broken(value[key] ?? null, random) } : value;
}

describe('gemini: broken shapes', { skip }, () => {
  it('answers a request with one piece broken, and never throws', () => {
    const random = dice(99);
    const counts = tally();
    for (const one of exchanges) {
      for (let round = 0; round < 20 && isRecord(one.request); round += 1) {
        const body = record(broken(one.request, random));
        const decoded = gemini.decodeRequest(body, pathOf(one));
        counts.add(decoded.ok ? 'taken' : 'refused');
        if (decoded.ok) JSON.stringify(gemini.encodeRequest(decoded.value, { model: 'gemini-3.5-flash' }));
        else
          assert.ok(
            decoded.error.param !== undefined && decoded.error.code.startsWith('field-'),
            JSON.stringify(decoded.error),
          );
      }
    }
    print('broken requests', counts.counts);
    assert.ok((counts.counts.get('refused') ?? 0) > 1000);
  });

  it('reads replies and streams with one piece broken, and never throws', () => {
    const random = dice(77);
    const counts = tally();
    for (const one of replies) {
      for (let round = 0; round < 20; round += 1) {
        const body = record(broken(record(one.response), random));
        const decoded = gemini.decodeResponse(body, 'gemini');
        counts.add(decoded.ok ? 'read' : decoded.error.code);
        if (decoded.ok) JSON.stringify(gemini.encodeResponse(decoded.value, CONTEXT));
        const glanced = gemini.glance(body, 'gemini');
        const usage = glanced.ok ? glanced.value.usage : undefined;
        for (const value of [usage?.inputTokens, usage?.outputTokens])
          assert.ok(value === undefined || Number.isSafeInteger(value));
      }
    }
    for (const one of streams) {
      for (let round = 0; round < 5; round += 1) {
        const lines = pieces(one.stream ?? '').map((piece) =>
          JSON.stringify(random() < 0.3 ? broken(piece, random) : piece),
        );
        const events = decode(Buffer.from(lines.map((line) => `data: ${line}\n\n`).join('')), []);
        const encoder = gemini.encoder(CONTEXT);
        for (const event of events) encoder.push(event);
        encoder.end();
        const tap = gemini.tap('gemini');
        const marks = lines.map((line) => tap.see('', Buffer.from(line)));
        if (marks.some((mark) => mark.isFinished === true)) counts.add('streams with a finish');
        counts.add(faultOf(events) ?? 'streams read');
      }
    }
    print('broken replies', counts.counts);
  });
});
