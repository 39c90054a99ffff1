/** Packs the static table of Universal Sentence Encoder lite into the one file that ships. `node scripts/intents-vectors.ts FOLDER`, with `use-lite-*` in it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Of the table, and what is kept: its columns stand by variance, and the second half adds nothing that was measured. */
const DIMENSIONS = 128;
const KEPT = 64;
/** Ids below are control tokens, which stand for nothing that a text says. */
const CONTROL = 6;

const folder = process.argv[2];
if (folder === undefined) throw new Error('name the folder of use-lite-vocab.json and use-lite-static-8002x128.bin');
const vocab: readonly (readonly [string, number | null])[] = JSON.parse(
  readFileSync(join(folder, 'use-lite-vocab.json'), 'utf8'),
);
const table = readFileSync(join(folder, 'use-lite-static-8002x128.bin'));
const rowCount = table.length / (DIMENSIONS + 4);
/** What words in lower case can be made of: the rest would never be met. */
const PIECE = /^▁?[\p{L}\p{M}\p{N}']+$|^▁\?$/u;
const ids = vocab.flatMap(([piece, log], id) =>
  id >= CONTROL && log !== null && PIECE.test(piece) && piece === piece.toLowerCase() ? [id] : [],
);

const text = Buffer.from(ids.map((id) => vocab[id]?.[0] ?? '').join('\n'));
const header = Buffer.alloc(16);
header.write('TWV1');
header.writeUInt32LE(ids.length, 4);
header.writeUInt32LE(KEPT, 8);
header.writeUInt32LE(text.length, 12);
const padding = Buffer.alloc((4 - (text.length % 4)) % 4);
const logProbabilities = Buffer.alloc(ids.length * 4);
const scales = Buffer.alloc(ids.length * 4);
for (const [at, id] of ids.entries()) {
  logProbabilities.writeFloatLE(vocab[id]?.[1] ?? 0, at * 4);
  scales.writeFloatLE(table.readFloatLE(id * 4), at * 4);
}
const rows = ids.map((id) => {
  const from = rowCount * 4 + id * DIMENSIONS;
  return table.subarray(from, from + KEPT);
});
const here = dirname(fileURLToPath(import.meta.url));
const file = join(here, '..', 'gateway', 'src', 'understand', 'intents', 'word-vectors.bin');
writeFileSync(file, Buffer.concat([header, text, padding, logProbabilities, scales, ...rows]));
