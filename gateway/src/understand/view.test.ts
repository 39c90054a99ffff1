import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FACTS, isFactName, SENSITIVE } from '../policy/vocabulary.ts';
import { CONTENT_FACTS, textFacts, unreadContent } from './content.ts';
import type { Facts } from './facts.ts';
import { contentFactOf, ruleFacts } from './view.ts';

const facts: Facts = {
  model: 'desk',
  isStreaming: true,
  needs: ['tools', 'image'],
  inputTokensEstimate: 12,
  inputTokensMax: 40,
  inputTokensUsualMax: 20,
  choices: 1,
  callerRegion: 'eu',
};

describe('the facts as rules see them', () => {
  it('are the request’s own, and empty where nobody looked at the text', () => {
    const seen = ruleFacts(facts, { tags: ['vip'] });
    assert.deepEqual(
      [seen.model, seen.stream, seen.tools, seen.image, seen.audio, seen.region, seen.tags, seen.input_tokens],
      ['desk', true, true, true, false, 'eu', ['vip'], 12],
    );
    assert.deepEqual([seen.task, seen.language, seen.sensitive, seen.text], ['chat', '', [], '']);
  });

  it('are what the text tells, where somebody looked', () => {
    const content = textFacts(
      { texts: ['- a\n- b\nWrite a poem? Mail anna@firma.de'] },
      { detectLanguage: () => 'en' },
    );
    const seen = ruleFacts({ ...facts, content }, { tags: [], text: 'x' });
    assert.deepEqual(
      [seen.task, seen.language, seen.sensitive, seen.list_items, seen.questions, seen.stage, seen.turns, seen.text],
      ['creative', 'en', ['email'], 2, 1, 'single', 1, 'x'],
    );
    assert.equal(seen.characters, 40);
  });

  it('hold every kind of sensitive data where the text was not read', () => {
    const seen = ruleFacts({ ...facts, content: unreadContent('too long') }, { tags: [] });
    assert.deepEqual(seen.sensitive, SENSITIVE);
  });

  it('have each a fact to be computed, but for those that stand in the request itself', () => {
    const standing =
      'model region tags tools schema stream image audio document reasoning input_tokens output_tokens_max';
    const exempt = new Set([...standing.split(' '), 'text']);
    for (const name of Object.keys(FACTS).filter((one) => isFactName(one))) {
      const fact = contentFactOf(name);
      assert.equal(fact !== undefined && CONTENT_FACTS.includes(fact), !exempt.has(name), name);
    }
  });
});
