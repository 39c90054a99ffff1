import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compileExpression } from './expression.ts';
import { anyFacts } from './facts.fixture.ts';
import type { LintedRule, RuleFinding } from './lint.ts';
import { lintRules } from './lint.ts';
import type { OwnValues } from './vocabulary.ts';

function rule(when: string, own?: OwnValues): LintedRule {
  const result = compileExpression(when, own);
  assert.ok(result.ok, result.ok ? '' : `${when}: ${result.error.message}`);
  return { when: result.value };
}

function lint(sources: readonly string[], own?: OwnValues): readonly RuleFinding[] {
  return lintRules(
    sources.map((source) => rule(source, own)),
    own,
  );
}

/** `2 unreachable`: which rule, from 1, and what of it. */
function brief(sources: readonly string[], own?: OwnValues): readonly string[] {
  return lint(sources, own).map(({ rule: at, kind }) => `${at + 1} ${kind}`);
}

describe('the lint of rules', () => {
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['nothing to say', ['facts.task == "code"', 'facts.difficulty > 0.5', 'true'], []],
    ['a narrower rule after a wider', ['facts.difficulty > 0.5', 'facts.difficulty > 0.6'], ['2 unreachable']],
    ['a wider rule after a narrower', ['facts.difficulty > 0.6', 'facts.difficulty > 0.5'], []],
    ['equal bounds, open and closed', ['facts.difficulty >= 0.5', '0.5 < facts.difficulty'], ['2 unreachable']],
    ['equal bounds, closed and open', ['facts.difficulty > 0.5', 'facts.difficulty >= 0.5'], []],
    ['whole numbers between two', ['facts.turns > 3 && facts.turns < 4', 'facts.tools'], ['1 never']],
    ['numbers between two', ['facts.code > 0.3 && facts.code < 0.4'], []],
    ['a share above 1', ['facts.difficulty > 1'], ['1 never']],
    ['a count below 0', ['facts.turns < 0'], ['1 never']],
    ['the same in other words', ['facts.tools && !facts.image', '!(facts.image || !facts.tools)'], ['2 unreachable']],
    ['the same list asked two ways', ['"a" in facts.tags', 'facts.tags.exists(t, t == "a")'], ['2 unreachable']],
    ['one of several', ['facts.task in ["code", "math"]', 'facts.task == "math" && facts.tools'], ['2 unreachable']],
    ['halves that make a whole', ['facts.turns <= 4', 'facts.turns > 4', 'facts.tools'], ['3 unreachable']],
    ['true for all', ['facts.tools || !facts.tools', 'facts.image'], ['1 always', '2 unreachable']],
    ['two tasks at once', ['facts.task == "code" && facts.task == "math"'], ['1 never']],
    ['all stages, one by one', [...stages(), 'facts.tools'], ['7 unreachable']],
    [
      'a call it does not understand, twice',
      ['facts.text.contains("a")', 'facts.text.contains( "a" )'],
      ['2 unreachable'],
    ],
    ['calls it does not understand', ['facts.text.contains("a")', 'facts.text.contains("ab")'], []],
    ['a choice', ['facts.tools ? facts.turns > 2 : false', 'facts.tools && facts.turns > 3'], ['2 unreachable']],
    ['a truth compared', ['facts.tools == true', 'facts.tools'], ['2 unreachable']],
    ['an empty list', ['size(facts.tags) == 0', 'size(facts.tags) > 0', 'facts.tools'], ['3 unreachable']],
    ['what may have no answer', ['facts.turns / facts.questions > 1 || facts.tools', 'facts.tools'], ['2 unreachable']],
    ['that no answer is no', ['1 / facts.turns > 1 || !(1 / facts.turns > 1)', 'facts.tools'], []],
    ['a value that is none', ['facts.task == "coding"'], ['1 doubt']],
  ];
  for (const [name, sources, expected] of cases) {
    it(`knows ${name}`, () => assert.deepEqual(brief(sources), expected));
  }

  function stages(): readonly string[] {
    return ['', 'single', 'chat', 'agent-start', 'agent-step', 'agent-stuck'].map((each) => `facts.stage == "${each}"`);
  }

  it('says which rule stands in the way, by name and number', () => {
    const when = rule('facts.difficulty > 0.5').when;
    assert.ok(when !== undefined);
    const [finding] = lintRules([{ name: 'hard', when }, rule('facts.difficulty > 0.6 && facts.tools')]);
    assert.equal(finding?.message, 'is never reached: whatever meets it meets rule 1 (`hard`) before it. Put it first');
    assert.match(lint(['true', 'facts.tools'])[0]?.message ?? '', /takes every request/);
    assert.match(lint(['facts.tools', 'facts.tools'])[0]?.message ?? '', /asks the same as rule 1/);
  });

  it('takes a rule without `when` as one for all', () => {
    assert.deepEqual(
      lintRules([{}, rule('facts.tools')]).map((each) => each.kind),
      ['unreachable'],
    );
  });

  it('knows the values that only this configuration has', () => {
    const own = { intent: ['refund', 'cancel'] };
    assert.deepEqual(brief(['facts.intent != "refund" && facts.intent != "cancel" && facts.intent != ""'], own), [
      '1 never',
    ]);
    assert.deepEqual(brief(['facts.intent != "refund" && facts.intent != "cancel" && facts.intent != ""']), []);
  });

  it('says nothing rather than search for ever', () => {
    const wide = Array.from({ length: 60 }, (_, at) => `(facts.turns == ${at} || facts.questions == ${at})`).join(
      ' && ',
    );
    const many = Array.from(
      { length: 150 },
      (_, at) => `facts.text.contains("${at}") && (facts.turns > ${at} || facts.tools)`,
    );
    const fromMs = performance.now();
    lint([wide, ...many]);
    const tookMs = performance.now() - fromMs;
    assert.ok(tookMs < 20_000, `${tookMs.toFixed(0)} ms`);
  });
});

const atom = fc.constantFrom(
  'facts.tools',
  'facts.image',
  'facts.turns > 3',
  'facts.turns >= 4',
  'facts.turns < 4',
  'facts.turns == 7',
  'facts.turns != 7',
  '5 <= facts.turns',
  'facts.difficulty > 0.5',
  'facts.difficulty <= 0.5',
  'facts.difficulty == 0.5',
  'facts.task == "code"',
  'facts.task != "chat"',
  'facts.task in ["code", "chat", "math"]',
  '"a" in facts.tags',
  'facts.tags.exists(t, t in ["a", "b"])',
  'facts.tags.all(t, t == "a")',
  'facts.tags[0] == "a"',
  'facts.questions / facts.list_items > 1',
  'size(facts.tags) > 1',
  'facts.model == facts.text',
  'facts.text == "b"',
  'true',
);
const { source: anySource } = fc.letrec<{ source: string }>((tie) => ({
  source: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    atom,
    fc.tuple(tie('source'), fc.constantFrom('&&', '||'), tie('source')).map(([a, by, b]) => `(${a} ${by} ${b})`),
    tie('source').map((inner) => `!(${inner})`),
    fc.tuple(tie('source'), tie('source'), tie('source')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
  ),
}));

/** Which rule a request meets; undefined where none. One that has no answer does not hold. */
function firstMet(
  rules: readonly LintedRule[],
  facts: Parameters<NonNullable<LintedRule['when']>['evaluate']>[0],
): number | undefined {
  for (const [index, { when }] of rules.entries()) {
    const result = when?.evaluate(facts) ?? { ok: true, value: true };
    if (result.ok && result.value) return index;
  }
  return undefined;
}

describe('any rules', () => {
  it('are never called unreachable where a request reaches them', () => {
    let found = 0;
    fc.assert(
      fc.property(
        fc.array(anySource, { minLength: 1, maxLength: 4 }),
        fc.array(anyFacts, { minLength: 10, maxLength: 30 }),
        (sources, many) => {
          const rules = sources.map((source) => rule(source));
          const unreachable = new Set(
            lintRules(rules).flatMap(({ rule: at, kind }) => (kind === 'always' ? [] : [at])),
          );
          found += unreachable.size;
          for (const facts of many) {
            const met = firstMet(rules, facts);
            assert.ok(
              met === undefined || !unreachable.has(met),
              `rule ${met} of ${sources.join('; ')} is met by ${JSON.stringify(facts)}`,
            );
          }
        },
      ),
      { numRuns: 800 },
    );
    assert.ok(found > 100, `only ${found} findings: the property hardly looked`);
  });

  it('are not called always true where the question of a choice may have no answer', () => {
    const only = rule('facts.questions / facts.list_items > 1 ? true : true');
    assert.deepEqual(lintRules([only]), []);
  });

  it('are called always true only where every request meets them', () => {
    fc.assert(
      fc.property(anySource, fc.array(anyFacts, { minLength: 20, maxLength: 20 }), (source, many) => {
        const only = rule(source);
        if (!lintRules([only]).some(({ kind }) => kind === 'always')) return;
        for (const facts of many) assert.deepEqual(only.when?.evaluate(facts), { ok: true, value: true }, source);
      }),
      { numRuns: 800 },
    );
  });
});
