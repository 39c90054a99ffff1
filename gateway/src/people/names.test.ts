import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isInWords } from './names.ts';

it('a name is something that can be shown, and nothing that is obeyed', () => {
  for (const name of ['Ann', '模型 🧑‍🚀', 'é', ' padded ', 'x'.repeat(200), 'שלום']) assert.ok(isInWords(name), name);
  const bad = ['', ' ', 'x'.repeat(201), 'a\nb', 'a\u001b[31m', 'a\u0000', 'a\u0085', 'a\u2028b', 'a\u2029b'];
  for (const name of [...bad, ...Array.from('\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069')])
    assert.ok(!isInWords(name.trim() === '' ? name : `${name}b`), JSON.stringify(name));
});
