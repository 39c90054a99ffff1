import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Json } from './json.ts';
import { valueInPieces } from './pieces.ts';
import type { Result } from './result.ts';
import type { Scan, ScanFault, ScanLimits } from './scan-types.ts';
import { scanInSteps, scanStrictly, type Steps } from './scan.ts';

const LIMITS: ScanLimits = { depthMax: 128, keysMax: 100_000, valuesMax: 100_000 };

function ran<T>(steps: Generator<undefined, T>): { readonly value: T; readonly yields: number } {
  for (let yields = 0; ; yields += 1) {
    const step = steps.next();
    if (step.done === true) return { value: step.value, yields };
  }
}

function scanned(text: string | Buffer, steps: Steps): Result<Scan, ScanFault> {
  return ran(scanInSteps(Buffer.from(text), LIMITS, steps)).value;
}

function read(text: string, steps: Steps): Json | undefined {
  const bytes = Buffer.from(text);
  const scan = scanned(bytes, steps);
  assert.ok(scan.ok, text);
  return scan.value.long === undefined ? undefined : ran(valueInPieces(bytes, scan.value.long, steps.pieceBytes)).value;
}

/** Texts of every width, with everything that a cut must not go through. */
const text = fc
  .array(
    fc.constantFrom(
      'a',
      'bc',
      'é',
      '模',
      '😀',
      '\n',
      '"',
      '\\',
      '\\\\',
      '\ud800',
      '\u0000',
      ' '.repeat(20),
      'x'.repeat(30),
    ),
    { maxLength: 60 },
  )
  .map((units) => units.join(''));
const { value: json } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium' },
    text,
    fc.constantFrom(null, true, false, 0, -1.5e-7, 123456789),
    fc.array(tie('value'), { maxLength: 12 }),
    fc.dictionary(
      text.filter((key) => !['__proto__', 'constructor', 'prototype'].includes(key)),
      tie('value'),
      { maxKeys: 12, noNullPrototype: true },
    ),
  ),
}));
const gaps = fc.constantFrom('', ' ', '\n  ', '\t'.repeat(40));
/** As small as they may be, so that a text of a screen has many pieces. */
const steps = fc.record({ stepBytes: fc.integer({ min: 1, max: 40 }), pieceBytes: fc.integer({ min: 16, max: 100 }) });

/** JSON with `gap` where the grammar allows it, and with escapes of six characters for some. */
function written(value: Json, gap: string): string {
  const quoted = (of: string): string => JSON.stringify(of).replaceAll('é', '\\u00e9');
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value))
    return `[${gap}${value.map((item: Json) => written(item, gap)).join(`${gap},${gap}`)}${gap}]`;
  const members = Object.entries(value).map(
    ([key, item]) => `${quoted(key)}${gap}:${gap}${written(item ?? null, gap)}`,
  );
  return `{${gap}${members.join(`${gap},${gap}`)}${gap}}`;
}

describe('valueInPieces', () => {
  it('builds what JSON.parse would, wherever the text is cut', () => {
    let pieces = 0;
    fc.assert(
      fc.property(json, gaps, steps, (value, gap, sizes) => {
        const source = written(value, gap);
        const built = read(source, sizes);
        if (built === undefined) assert.ok(Buffer.byteLength(source.trim()) < sizes.pieceBytes + 2);
        // Not with JSON.parse(source): it misreads keys, which is what the pieces are for.
        else assert.deepEqual(built, value, source);
        pieces += built === undefined ? 0 : 1;
      }),
      { numRuns: 1000 },
    );
    assert.ok(pieces > 300, `only ${pieces} of 1000 texts were long enough to be cut`);
  });

  it('takes a turn for each piece of a long text', () => {
    const source = JSON.stringify({
      messages: Array.from({ length: 2000 }, (_, index) => ({ role: 'user', content: `${index}`.repeat(40) })),
    });
    const bytes = Buffer.from(source);
    const scan = ran(scanInSteps(bytes, LIMITS, { stepBytes: 4096, pieceBytes: 4096 }));
    assert.ok(scan.value.ok && scan.value.value.long !== undefined);
    assert.ok(scan.yields >= bytes.length / 4096 - 2, `${scan.yields} yields while ${bytes.length} bytes were scanned`);
    const value = ran(valueInPieces(bytes, scan.value.value.long, 4096));
    assert.ok(value.yields >= bytes.length / 4096, `${value.yields} yields while they were parsed`);
    assert.deepEqual(value.value, JSON.parse(source));
  });

  it('reads keys with escapes as they are written, whatever keys were read before', () => {
    for (const [poison, source, key] of [
      ['{"model":"m","\\\\":0}', '{"model":"m","\\u006e":5}', 'n'],
      ['{"h":[],"\\\\":0}', '{"h":1,"\\"":5}', '"'],
      ['{"model":"m","max_token\\\\":0}', '{"model":"m","max_token\\u0073":5}', 'max_tokens'],
    ] as const) {
      for (let round = 0; round < 20; round += 1) {
        JSON.parse(poison);
        const built = read(source, { stepBytes: 65_536, pieceBytes: 131_072 });
        assert.deepEqual(Object.entries(Object(built))[1], [key, 5], source);
      }
    }
  });

  it('leaves short texts to JSON.parse', () => {
    const scan = scanned('{"model":"m","messages":[]}', { stepBytes: 8, pieceBytes: 100 });
    assert.ok(scan.ok && scan.value.long === undefined);
  });
});

describe('scanInSteps', () => {
  it('finds what the strict scan finds, wherever it is interrupted', () => {
    const damage = fc.record({
      at: fc.nat(200),
      cut: fc.nat(3),
      text: fc.constantFrom(
        '',
        ',',
        '"',
        '}',
        '[',
        ':',
        '\\',
        '\\\\',
        '0',
        '.',
        'e',
        ' ',
        '\u0001',
        '\\u12',
        'é',
        '"a":1,',
      ),
    });
    fc.assert(
      fc.property(json, fc.array(damage, { maxLength: 2 }), steps, (value, damages, sizes) => {
        let source = written(value, ' ');
        for (const { at, cut, text: put } of damages)
          source = source.slice(0, at % (source.length + 1)) + put + source.slice((at % (source.length + 1)) + cut);
        const bytes = Buffer.from(source);
        const strict = scanStrictly(bytes, LIMITS);
        const stepped = scanned(bytes, sizes);
        if (!stepped.ok) assert.deepEqual(stepped, strict, source);
        else {
          const { long: _, ...rest } = stepped.value;
          assert.deepEqual({ ok: true, value: rest }, strict, source);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
