import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ChatEvent } from '../chat/reply.ts';
import { lineSplitter } from '../lib/lines.ts';
import { broken, eventDecoder, type Reading } from './event-decoder.ts';
import { fault } from '../chat/fault.ts';

const LINE_MAX = 8;

/** Lines as text; `end` ends the stream, `bad` breaks it, `done` makes it complete. */
function decoder(): { readonly read: (...chunks: readonly string[]) => readonly string[] } {
  const reading: Reading = { provider: 'p', isOver: false };
  let isComplete = false;
  const of = eventDecoder(lineSplitter(LINE_MAX), reading, {
    read: (line): readonly ChatEvent[] => {
      const text = line.toString();
      if (text === 'bad') return broken(fault('upstream-error', { provider: 'p', status: 500, reason: 'x' }), reading);
      if (text === 'end') reading.isOver = true;
      if (text === 'done') isComplete = true;
      return [{ type: 'text-delta', choice: 0, text }];
    },
    close: () => (isComplete ? [{ type: 'ping' }] : undefined),
    max: LINE_MAX,
  });
  return {
    read: (...chunks) =>
      [...chunks.flatMap((chunk) => of.push(Buffer.from(chunk))), ...of.end(), ...of.push(Buffer.from('a\n'))].map(
        (event) => (event.type === 'text-delta' ? event.text : event.type === 'error' ? event.fault.code : event.type),
      ),
  };
}

describe('a decoder of pieces', () => {
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['says that a stream without an end was cut', ['a\nb', '\n'], ['a', 'b', 'upstream-cut']],
    ['reads the last piece though its end is missing', ['a\nb'], ['a', 'b', 'upstream-cut']],
    ['reads nothing behind the end of the stream', ['a\nend\nb\n', 'c\n'], ['a', 'end']],
    ['reads nothing behind an error, and tells one', ['a\nbad\nb\n', 'bad\n'], ['a', 'upstream-error']],
    ['closes a stream that was complete', ['a\ndone\n'], ['a', 'done', 'ping']],
    ['closes nothing where the last piece was the end', ['done\nend'], ['done', 'end']],
    ['breaks at a piece that is too big', ['a\n', 'b'.repeat(LINE_MAX + 1)], ['a', 'upstream-too-big']],
  ];
  for (const [name, chunks, expected] of cases) it(name, () => assert.deepEqual(decoder().read(...chunks), expected));
});
