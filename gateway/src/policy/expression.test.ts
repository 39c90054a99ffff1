import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Expression } from './expression.ts';
import { NO_FACTS, compileExpression } from './expression.ts';
import { anyFacts } from './facts.fixture.ts';
import type { OwnValues, RuleFacts } from './vocabulary.ts';

function compiled(source: string, own?: OwnValues): Expression {
  const result = compileExpression(source, own);
  assert.ok(result.ok, result.ok ? '' : `${source}: ${result.error.message}`);
  return result.value;
}

function refusal(source: string): { readonly message: string; readonly offset: number } {
  const result = compileExpression(source);
  assert.ok(!result.ok, `${source} was taken`);
  return result.error;
}

const SUPPORT: RuleFacts = {
  ...NO_FACTS,
  model: 'support',
  task: 'code',
  difficulty: 0.7,
  language: 'de',
  intent: 'refund',
  topics: ['legal'],
  sensitive: ['email', 'health'],
  tags: ['gold', 'beta'],
  tools: true,
  input_tokens: 1200,
  turns: 3,
  text: 'Ich möchte mein Geld zurück 😀, Rechnung 2024-11-27!',
};

describe('a rule expression', () => {
  const cases: readonly (readonly [string, boolean])[] = [
    ['facts.task == "code" && facts.difficulty > 0.6', true],
    ['facts.task != "code" || facts.turns >= 4', false],
    ['facts.sensitive.exists(s, s == "health")', true],
    ['"iban" in facts.sensitive', false],
    ['facts.language in ["de", "fr"]', true],
    ['facts.tags.all(t, t.size() == 4)', true],
    ['facts.tags.exists_one(t, t.startsWith("g"))', true],
    ['facts.tags.filter(t, t != "gold").size() == 1', true],
    ['facts.tags.map(t, t + "!")[1] == "beta!"', true],
    ['size(facts.tags) + facts.turns * 2 == 8', true],
    ['facts.turns / 2 == 1 && facts.turns % 2 == 1 && -7 / 2 == -3', true],
    ['double(facts.turns) / 2.0 > 1.4', true],
    ['int(facts.difficulty * 10.0) == 7', true],
    ['facts.difficulty < 1', true],
    ['facts.text.matches("\\\\b20[0-9]{2}-[0-9]{2}\\\\b")', true],
    ['facts.text.lowerAscii().contains("rechnung")', true],
    ['facts.text.matches(r"(?i)RECHNUNG \\d+")', true],
    ['size("😀ü") == 2', true],
    ['facts.tools ? facts.turns > 2 : facts.turns > 5', true],
    ['!(facts.image || facts.audio)', true],
    ['facts.image || facts.tools', true],
    ['facts.tools && facts.image', false],
    ['string(facts.turns) == "3" && facts.model < "z"', true],
    ['facts.tags.exists(t, facts.topics.exists(t, t == "legal") && t == "gold")', true],
    ['facts.tags.exists(a, facts.tags.exists(a, facts.tags.exists(b, b == "beta" && a == "gold")))', true],
    ['[1, 2, 3].exists(n, n == facts.turns)', true],
  ];
  for (const [source, expected] of cases) {
    it(`reads ${source}`, () => {
      assert.deepEqual(compiled(source).evaluate(SUPPORT), { ok: true, value: expected });
    });
  }

  it('says which facts it reads, and which value it always has', () => {
    assert.deepEqual([...compiled('facts.task == "code" || facts.tags.exists(t, t == facts.model)').reads].toSorted(), [
      'model',
      'tags',
      'task',
    ]);
    assert.equal(compiled('1 < 2').constant, true);
    assert.equal(compiled('facts.tools').constant, undefined);
  });

  it('lets the side that decides stand where the other fails, in either order', () => {
    for (const source of [
      'facts.turns / 0 == 1 || facts.tools',
      'facts.tools || facts.turns / 0 == 1',
      '!(facts.turns / 0 == 1 && !facts.tools)',
      'facts.tags.exists(t, facts.tags[size(t)] == "x" || t == "gold")',
    ])
      assert.deepEqual(compiled(source).evaluate(SUPPORT), { ok: true, value: true }, source);
  });

  it('ends in a fault, never in a throw or a guess, where nothing decides', () => {
    for (const [source, fault] of [
      ['facts.turns / (facts.turns - 3) == 1', /divides by zero/],
      ['facts.turns / 0 == 1 && facts.tools', /divides by zero/],
      ['facts.tags[7] == "x"', /item that the list does not have/],
      ['facts.tags.exists(t, facts.tags[7] == t)', /item that the list does not have/],
      ['facts.turns * 9007199254740991 > 1', /beyond 2\^53/],
      ['facts.tags.filter(t, facts.tags[5] == t).size() == 0', /item that the list does not have/],
    ] as const) {
      const result = compiled(source).evaluate(SUPPORT);
      assert.match(result.ok ? `${source} is ${result.value}` : result.error, fault);
    }
  });

  it('calls a fact of another type a fault: rules see what was promised, or nothing', () => {
    const broken = JSON.parse('{"difficulty":"high"}') as RuleFacts;
    const result = compiled('facts.difficulty > 0.5').evaluate(broken);
    assert.match(result.ok ? 'taken' : result.error, /facts\.difficulty/);
  });
});

describe('what a rule may not say', () => {
  const cases: readonly (readonly [string, number, RegExp])[] = [
    ['task == "code"', 0, /Did you mean `facts.task`\?/],
    ['facts.taks == "code"', 6, /Did you mean `facts.task`\?/],
    ['facts.task = "code"', 11, /write `==`/],
    ['facts.tools and facts.image', 12, /`&&`/],
    ['facts.tools &&', 14, /ends too early/],
    ['(facts.tools', 12, /ends too early: `\)` is missing/],
    ['', 0, /is empty/],
    ['facts.turns', 6, /a rule asks for true or false/],
    ['facts.difficulty > "high"', 0, /order of a number and a text/],
    ['facts.difficulty * 2 > 1.0', 0, /Write `2.0`/],
    ['"x" in facts.text', 0, /facts.text.contains/],
    ['facts.text.contain("x")', 0, /Did you mean `contains`\?/],
    ['has(facts.task)', 0, /always there/],
    ['facts.tags == []', 14, /size/],
    ['facts.text.matches(facts.model)', 25, /written out/],
    ['facts.text.matches("(?=a)b")', 19, /no RE2 expression/],
    ['facts.turns.exists(x, x > 1)', 0, /wants a list/],
    ['facts.tags.exists("t", true)', 18, /invalid/],
    ['1 / 0 == 1', 0, /always fails/],
    ['{"a": 1} == {"a": 1}', 0, /maps/],
    ['null == null', 0, /no fact has/],
    ['facts.turns == 99999999999999999999', 15, /beyond 2\^53/],
    ['facts == 1', 0, /facts.task/],
    ['facts.constructor == "x"', 6, /no fact/],
    ['facts.text.toString() == "x"', 0, /no function/],
  ];
  for (const [source, offset, message] of cases) {
    it(`refuses ${source === '' ? 'nothing' : source}`, () => {
      const error = refusal(source);
      assert.match(error.message, message);
      assert.equal(error.offset, offset, error.message);
    });
  }
});

describe('values that a fact never has', () => {
  it('are doubted, with the one that was meant', () => {
    for (const [source, suggestion] of [
      ['facts.task == "coding"', 'code'],
      ['facts.sensitive.exists(s, s == "helth")', 'health'],
      ['"emial" in facts.sensitive', 'email'],
      ['facts.stage in ["single", "agent_step"]', 'agent-step'],
      ['"refnd" == facts.intent', 'refund'],
    ] as const) {
      const { doubts } = compiled(source, { intent: ['refund', 'cancel'] });
      assert.equal(doubts.length, 1, source);
      assert.equal(doubts[0]?.suggestion, suggestion);
    }
  });

  it('are taken where a fact is open, empty, or right', () => {
    for (const source of ['facts.model == "anything"', 'facts.task == "code"', 'facts.language == ""'])
      assert.deepEqual(compiled(source).doubts, [], source);
  });
});

/** The best of three: what else runs on the machine is not ours to judge. */
function quickestMs(work: () => void): number {
  const tookMs = [0, 1, 2].map(() => {
    const fromMs = performance.now();
    work();
    return performance.now() - fromMs;
  });
  return Math.min(...tookMs);
}

// B62 of the list of faults: a rule is refused when the file is read, or stops soon.
describe('a rule made to hurt', () => {
  const LONG = 'c' + Array.from({ length: 32_766 }, (_, at) => ((at * at * 7919) % 13 < 6 ? 'a' : 'b')).join('') + 'Z';
  const list = `[${Array.from({ length: 300 }, (_, at) => at).join(',')}]`;
  const facts = { ...NO_FACTS, text: LONG, tags: Array.from({ length: 1000 }, (_, at) => `tag-${at}`) };

  it('is refused at once where it is too long, too deep or too large', () => {
    for (const source of [
      '('.repeat(5000),
      '['.repeat(2000),
      `${'('.repeat(2000)}1${')'.repeat(2000)} == 1`,
      '!'.repeat(4000),
      '-'.repeat(4000),
      'x'.repeat(1_000_000),
      `"${'x'.repeat(1_000_000)}" == facts.text`,
      '1+'.repeat(1500),
      'true?'.repeat(800),
      'a.'.repeat(2000),
    ]) {
      const tookMs = quickestMs(() => refusal(source));
      assert.ok(tookMs < 50, `${source.slice(0, 20)}: ${tookMs.toFixed(1)} ms`);
    }
  });

  it('stops after its steps, whatever it walks over', () => {
    const nested = `${list}.exists(a, ${list}.exists(b, ${list}.exists(c, a + b + c < 0)))`;
    assert.match(refusal(nested).message, /took more than/);
    for (const source of [
      'facts.tags.exists(a, facts.tags.exists(b, facts.tags.exists(c, a + b == c)))',
      'facts.tags.all(a, facts.tags.filter(b, b == a).size() < 9 || true || a == "x" || facts.tags.map(c, c + a)[0] == a)',
      'facts.tags.map(a, facts.tags.filter(b, b.contains(a)).size()).exists(n, n > 5000)',
      'facts.tags.exists(a, facts.text.contains(a + facts.text)) || facts.tags.exists(a, facts.text.contains(a))',
    ]) {
      const result = compiled(source).evaluate(facts);
      const tookMs = quickestMs(() => compiled(source).evaluate(facts));
      assert.match(result.ok ? `${source} is ${result.value}` : result.error, /took more than|grew beyond/);
      assert.ok(tookMs < 50, `${source}: ${tookMs.toFixed(1)} ms`);
    }
  });

  it('has a pattern that reads 32 KB within milliseconds, or is refused', () => {
    for (const pattern of [
      '(a+)+$',
      '(a|a)*$',
      '(a|ab|b)*Z',
      '^(.*a)*c$',
      '(?i)([ab]+)*z',
      '(.*)(.*)(.*)(.*)[^abcZ]',
    ]) {
      const rule = compiled(`facts.text.matches("${pattern}")`);
      const tookMs = quickestMs(() => rule.evaluate(facts));
      assert.ok(tookMs < 50, `${pattern}: ${tookMs.toFixed(1)} ms`);
    }
    for (const pattern of [
      '[ab]*a[ab]{14}c',
      '.*a.{200}$',
      '(x{30}){30}{30}',
      '(.{0,100}){10}z',
      'x{1001}',
      '(a)\\\\1',
    ])
      assert.match(refusal(`facts.text.matches("${pattern}")`).message, /could be slow|too large|no RE2/);
  });
});

describe('any text', () => {
  it('is taken or refused with a place inside it, and gives the same answer twice', () => {
    const word = fc.constantFrom(
      'facts.',
      'task',
      'turns',
      'tags',
      'text',
      '==',
      '&&',
      '||',
      '!',
      '(',
      ')',
      '[',
      ']',
      '"a"',
      '1',
      '0.5',
      '/',
      '-',
      'in',
      '.exists(',
      't',
      ',',
      '.size()',
      '?',
      ':',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 25 }), anyFacts, (words, facts) => {
        const source = words.join('');
        const result = compileExpression(source);
        if (!result.ok) return result.error.offset >= 0 && result.error.offset <= source.length;
        assert.deepEqual(result.value.evaluate(facts), result.value.evaluate(facts));
        return true;
      }),
      { numRuns: 2000 },
    );
  });
});
