import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { lineAt, linesOf, readLine, type ReadLine } from './lines.ts';

const LINE_MAX = 300_000;

async function linesIn(bytes: Buffer, lineMaxBytes = LINE_MAX): Promise<{ lines: ReadLine[]; again: Buffer[] }> {
  const dir = mkdtempSync(join(tmpdir(), 'turnout-lines-'));
  const path = join(dir, 'input');
  writeFileSync(path, bytes);
  const file = await open(path);
  try {
    const lines: ReadLine[] = [];
    for await (const line of linesOf(file, lineMaxBytes)) lines.push(line);
    const again = [];
    for (const line of lines) again.push(await lineAt(file, line));
    return { lines, again };
  } finally {
    await file.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

describe('the lines of a file', () => {
  it('are those between its line ends, empty ones counted and left out, and are read again by their place', async () => {
    // Longer than what is read at once, so that lines lie across.
    const text = fc.oneof(
      fc.constant(''),
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom(' \t', '\u00a0', '\u3000', ' '.repeat(100)),
      fc.nat(280_000).map((n) => 'x'.repeat(n)),
    );
    const plain = text.map((one) => one.replaceAll(/[\r\n]/g, '.'));
    await fc.assert(
      fc.asyncProperty(fc.array(plain, { maxLength: 6 }), fc.constantFrom('\n', '\r\n'), async (texts, end) => {
        const { lines, again } = await linesIn(Buffer.from(texts.join(end)));
        const expected = texts
          .map((one, index) => ({ one, line: index + 1 }))
          .filter(({ one }) => !/^[ \t\r]*$/.test(one));
        assert.deepEqual(
          lines.map(({ line, bytes }) => ({ one: bytes?.toString(), line })),
          expected,
        );
        assert.deepEqual(
          again.map(String),
          expected.map(({ one }) => one),
        );
      }),
      { numRuns: 40 },
    );
  });

  it('are told apart from one that is too long, whose bytes are not kept', async () => {
    const long = 'x'.repeat(600_000);
    const { lines } = await linesIn(Buffer.from(`a\n${long}\nb\n`), 1000);
    assert.deepEqual(
      lines.map(({ line, length, bytes }) => [line, length, bytes?.toString()]),
      [
        [1, 1, 'a'],
        [2, 600_000, undefined],
        [3, 1, 'b'],
      ],
    );
  });
});

describe('a line', () => {
  const openai = { form: 'openai', endpoint: '/v1/embeddings' } as const;

  it('gives its request as the bytes that stand in it', async () => {
    const text = '\ufeff{"custom_id":"a", "method":"POST","url":"/v1/embeddings","body": {"n":1.50, "x":[ 1 ]}}';
    const read = await readLine(Buffer.from(text), openai);
    assert.ok(read.ok);
    assert.equal(read.value.customId, 'a');
    assert.equal(read.value.body.toString(), '{"n":1.50, "x":[ 1 ]}');
  });

  it('of Anthropic has params, and an id of its rules', async () => {
    const anthropic = { form: 'anthropic', endpoint: '/v1/messages' } as const;
    const read = await readLine(Buffer.from('{"custom_id":"a_-1","params":{"model":"m"}}'), anthropic);
    assert.ok(read.ok && read.value.body.toString() === '{"model":"m"}');
    const bad = await readLine(Buffer.from('{"custom_id":"a.b","params":{}}'), anthropic);
    assert.ok(!bad.ok && bad.error.param === 'custom_id');
  });
});
