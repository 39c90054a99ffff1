import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { boundaryOf, multipartReader, type MultipartLimits } from './multipart.ts';

const LIMITS: MultipartLimits = { partsMax: 8, headerMaxBytes: 300, fieldMaxBytes: 40 };

interface Sent {
  readonly name: string;
  readonly filename?: string;
  readonly content: Buffer;
}

function encode(boundary: string, sent: readonly Sent[]): Buffer {
  const pieces = sent.flatMap(({ name, filename, content }) => [
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${filename === undefined ? '' : `; filename="${filename}"`}\r\n\r\n`,
    ),
    content,
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]);
}

function read(body: Buffer, boundary = 'b', cuts: readonly number[] = []) {
  const reader = multipartReader(boundary, LIMITS);
  const edges = [0, ...cuts.toSorted((a, b) => a - b), body.length];
  for (const [index, to] of edges.slice(1).entries()) reader.push(body.subarray(edges[index], to));
  return reader.end();
}

function text(body: string): ReturnType<typeof read> {
  return read(Buffer.from(body.replaceAll('\n', '\r\n')));
}

describe('multipart', () => {
  it('finds every part where it lies, wherever the network cuts the body', () => {
    const file = fc.record({
      name: fc.stringMatching(/^[a-z]{1,8}(\[\])?$/),
      filename: fc.stringMatching(/^[a-z]{1,8}\.wav$/),
      // Bytes that look like delimiters, nearly.
      content: fc
        .array(fc.constantFrom('\r', '\n', '-', '--', '--b', '\r\n--', '\r\n-b', 'x', '\u0000'))
        .map((bits) => Buffer.from(bits.join(''))),
    });
    const field = fc.record({
      name: fc.stringMatching(/^[a-z]{1,8}$/),
      content: fc.string({ maxLength: 9 }).map((value) => Buffer.from(value)),
    });
    const all = fc.array(fc.oneof(file, field), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(all, fc.array(fc.nat(2000)), (sent, at) => {
        fc.pre(sent.every(({ content }) => !Buffer.concat([Buffer.from('\r\n'), content]).includes('\r\n--bo')));
        const body = encode('bo', sent);
        const cuts = at.map((cut) => cut % body.length);
        const parts = read(body, 'bo', cuts);
        assert.ok(parts.ok);
        assert.deepEqual(
          parts.value.map((part) => [part.name, part.filename, body.subarray(part.start, part.end).toString('hex')]),
          sent.map((one) => [one.name, 'filename' in one ? one.filename : undefined, one.content.toString('hex')]),
        );
      }),
    );
  });

  it('says where a part can be cut out of the body', () => {
    const sent = ['one', 'two', 'three'].map((name) => ({ name, content: Buffer.from(`of ${name}`) }));
    const body = encode('b', sent);
    const parts = read(body);
    assert.ok(parts.ok);
    const [, second, third] = parts.value;
    assert.ok(second && third);
    const cut = Buffer.concat([body.subarray(0, second.from), body.subarray(third.from)]);
    assert.equal(
      cut.toString(),
      encode(
        'b',
        sent.filter(({ name }) => name !== 'two'),
      ).toString(),
    );
  });

  it('keeps type and filename as they were sent, quotes included', () => {
    const parts = text(
      '--b\nContent-Disposition: form-data; name="f"; filename="a \\"b\\".wav"\nContent-Type: audio/x-wav\nContent-Transfer-Encoding: binary\n\nRIFF\n--b--',
    );
    assert.ok(parts.ok);
    const [part] = parts.value;
    assert.deepEqual([part?.filename, part?.type], ['a "b".wav', 'audio/x-wav']);
  });

  const head = 'Content-Disposition: form-data; name="a"';
  const refused: readonly (readonly [string, string, RegExp])[] = [
    ['nothing', '', /ends before/],
    ['a preamble', `hello\n--b\n${head}\n\nx\n--b--`, /does not begin/],
    ['another boundary', `--c\n${head}\n\nx\n--c--`, /does not begin/],
    ['an epilogue', `--b\n${head}\n\nx\n--b--\nmore`, /follows its last boundary/],
    ['a cut end', `--b\n${head}\n\nx\n--b`, /ends before/],
    ['no end of a part', `--b\n${head}\n\nx`, /ends before/],
    ['text behind a boundary', `--bx\n${head}\n\nx\n--b--`, /neither/],
    ['a part without a name', '--b\nContent-Disposition: form-data\n\nx\n--b--', /name/],
    ['an empty name', '--b\nContent-Disposition: form-data; name=""\n\nx\n--b--', /name/],
    ['an attachment', '--b\nContent-Disposition: attachment; name="a"\n\nx\n--b--', /form-data/],
    ['a header twice', `--b\n${head}\n${head}\n\nx\n--b--`, /twice/],
    ['a folded header', `--b\n${head};\n filename="x"\n\nx\n--b--`, /header line/],
    ['base64', `--b\n${head}\nContent-Transfer-Encoding: base64\n\nx\n--b--`, /transfer encoding/],
    ['long headers', `--b\n${head}\nX: ${'y'.repeat(400)}\n\nx\n--b--`, /longer than 300/],
    ['endless headers', `--b\n${'y'.repeat(400)}`, /longer than 300/],
    ['a long field', `--b\n${head}\n\n${'y'.repeat(41)}\n--b--`, /longer than 40/],
    ['an endless field', `--b\n${head}\n\n${'y'.repeat(4100)}`, /longer than 40/],
    ['many parts', `${`--b\n${head}\n\nx\n`.repeat(9)}--b--`, /more than 8/],
    ['many spaces', `--b${' '.repeat(20)}\n${head}\n\nx\n--b--`, /spaces/],
  ];
  for (const [what, body, why] of refused) {
    it(`refuses ${what}`, () => {
      const parts = text(body);
      assert.ok(!parts.ok);
      assert.match(parts.error, why);
    });
  }

  it('stops at the first byte that is wrong, and keeps nothing', () => {
    const reader = multipartReader('b', LIMITS);
    assert.match(reader.push(Buffer.from('x'.repeat(10))) ?? '', /does not begin/);
    assert.match(reader.push(Buffer.alloc(1_000_000)) ?? '', /does not begin/);
  });

  it('knows the boundary of a content type', () => {
    const found = (type: string): string | undefined => {
      const boundary = boundaryOf(type);
      return boundary.ok ? boundary.value : undefined;
    };
    assert.equal(found('multipart/form-data; boundary=----formdata-undici-1'), '----formdata-undici-1');
    assert.equal(found('multipart/form-data; charset=utf-8; boundary="a b"'), 'a b');
    assert.equal(found(`multipart/form-data; boundary=${'x'.repeat(70)}`), 'x'.repeat(70));
    for (const bad of [
      '',
      '; boundary=',
      `; boundary=${'x'.repeat(71)}`,
      '; boundary="a "',
      '; boundary=a€',
      '; boundary="a',
    ])
      assert.equal(found(`multipart/form-data${bad}`), undefined, bad);
  });
});
