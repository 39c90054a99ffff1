/** The guide says what the code does: its examples are valid, and it leaves nothing out. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { parseChaos } from './chaos.ts';
import { parseSteps } from './step.ts';

const GUIDE = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'guide', 'simulator.md'), 'utf8');

function blocks(language: string): readonly string[] {
  return [...GUIDE.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map((match) => match[1] ?? '');
}

/** What an error says is known. */
function known(message: string): readonly string[] {
  return (/known are (.*)$/.exec(message)?.[1] ?? '').split(', ');
}

describe('the guide to the simulator', () => {
  it('shows scripts that are valid', () => {
    const scripts = blocks('yaml').filter((text) => !text.startsWith('providers:'));
    assert.equal(scripts.length, 2);
    for (const text of scripts) {
      const steps = parseSteps(parse(text));
      assert.ok(steps.ok, steps.ok ? '' : steps.error);
    }
  });

  it('shows chaos that is understood', () => {
    const shown = [...GUIDE.matchAll(/^\| ((?:`[^`]+`(?:, )?)+) +\|/gm)]
      .flatMap((row) => [...(row[1] ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''))
      .filter((text) => /^[a-z-]+(@|=)/.test(text) || ['garbage', 'close', 'silence', 'unfinished'].includes(text));
    assert.ok(shown.length >= 14, shown.join(' '));
    for (const text of shown) assert.deepEqual([text, parseChaos(text).ok], [text, true]);
  });

  it('names every directive and every key of a step', () => {
    const chaos = parseChaos('nothing');
    const steps = parseSteps([{ nothing: 1 }]);
    const match = parseSteps([{ match: { nothing: 1 } }]);
    const reply = parseSteps([{ reply: { nothing: 1 } }]);
    const all = [chaos, steps, match, reply].flatMap((result) => (result.ok ? [] : known(result.error)));
    assert.ok(all.length > 50, `${all.length} keys`);
    for (const key of all) {
      const word = key.replace('@N', '@');
      assert.ok(GUIDE.includes(`\`${word}`) || GUIDE.includes(`${word}:`), `${key} is not in the guide`);
    }
  });
});
