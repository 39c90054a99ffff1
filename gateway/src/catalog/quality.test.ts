/** Scores: in order, honest about what is not known, moved by what the operator and the callers say. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { logOdds } from './benchmarks.ts';
import { MEASURED_MODELS } from './measured.ts';
import type { Figure } from './measured.ts';
import { published, qualitiesOf, QUALITY_TASKS, qualityOf } from './quality.ts';
import type { QualityTask } from './quality.ts';

const ALL_FIGURES: readonly Figure[] = MEASURED_MODELS.flatMap(({ figures }) => figures);
const BENCHMARKS = [...new Map(ALL_FIGURES.map(({ benchmark }) => [benchmark.id, benchmark])).values()];
const SOURCE = { title: 'a test', url: 'https://example.com', asOf: '2026-01' };
const task = fc.constantFrom(...QUALITY_TASKS);
const share = fc.double({ min: 0, max: 1, noNaN: true });

/** Two models' figures of the same benchmarks: the second one's are no worse in any. */
const twoModels = fc.subarray(BENCHMARKS, { minLength: 1 }).chain((own) =>
  fc.tuple(
    ...own.map((benchmark) =>
      fc.tuple(fc.integer({ min: -50, max: 1600 }), fc.nat(200)).map(([value, more]): readonly [Figure, Figure] => [
        { benchmark, value: value / 10, source: SOURCE },
        { benchmark, value: (value + more) / 10, source: SOURCE },
      ]),
    ),
  ),
);

function scoreOf(id: string, of: QualityTask): number {
  const quality = qualityOf({ id }, of);
  assert.ok(quality !== undefined, `${id} has no score for ${of}`);
  return quality.score;
}

describe('the common scale', () => {
  it('rises with the figure, for every benchmark', () => {
    for (const { slope, noise } of BENCHMARKS) assert.ok(slope > 0 && noise > 0);
    fc.assert(
      fc.property(
        fc.constantFrom(...BENCHMARKS),
        fc.double({ min: 1, max: 99, noNaN: true }),
        share,
        (of, value, more) => {
          assert.ok(of.slope * logOdds(of.scale, value + more) >= of.slope * logOdds(of.scale, value));
        },
      ),
    );
    for (const scale of ['percent', 'rating', 'score'] as const) assert.ok(logOdds(scale, 60) > logOdds(scale, 50));
  });

  it('takes figures at and beyond the edges for what they are: as good as it gets', () => {
    assert.ok(Number.isFinite(logOdds('percent', 100)) && Number.isFinite(logOdds('percent', 0)));
    assert.ok(Math.abs(logOdds('percent', 100) + logOdds('percent', 0)) < 1e-9);
  });
});

describe('published', () => {
  it('never scores a model lower that is better in every benchmark of the task', () => {
    fc.assert(
      fc.property(twoModels, task, (pairs, of) => {
        const worse = published(
          pairs.map(([figure]) => figure),
          of,
        );
        const better = published(
          pairs.map(([, figure]) => figure),
          of,
        );
        assert.equal(worse === undefined, better === undefined);
        assert.ok((better?.score ?? 0) >= (worse?.score ?? 0));
      }),
    );
  });

  it('keeps to that among the real models with the same benchmarks', () => {
    let compared = 0;
    for (const of of QUALITY_TASKS) {
      for (const a of MEASURED_MODELS) {
        for (const b of MEASURED_MODELS.filter((other) => isBetter(other.figures, a.figures, of))) {
          const [low, high] = [published(a.figures, of), published(b.figures, of)];
          assert.ok((high?.score ?? 0) >= (low?.score ?? 0), `${b.name} is scored below ${a.name} in ${of}`);
          compared += 1;
        }
      }
    }
    assert.ok(compared > 1000, `${compared} pairs`);
  });

  it('lies between 0 and 1, with an uncertainty that falls with every figure added', () => {
    for (const { name, figures } of MEASURED_MODELS) {
      for (const of of QUALITY_TASKS) {
        const quality = published(figures, of);
        if (quality === undefined) continue;
        assert.ok(
          quality.score > 0 && quality.score < 1 && quality.uncertainty > 0.005 && quality.uncertainty < 0.3,
          name,
        );
      }
    }
    const [first, second] = BENCHMARKS.filter(({ tells }) => tells.math === 1);
    assert.ok(first !== undefined && second !== undefined);
    const middle = (of: (typeof BENCHMARKS)[number]): Figure => ({
      benchmark: of,
      value: 100 / (1 + Math.exp(of.offset / of.slope)),
      source: SOURCE,
    });
    const one = published([middle(first)], 'math');
    const two = published([middle(first), middle(second)], 'math');
    assert.ok(Math.abs((one?.score ?? 0) - 0.5) < 1e-9 && Math.abs((two?.score ?? 0) - 0.5) < 1e-9);
    assert.ok((two?.uncertainty ?? 1) < (one?.uncertainty ?? 0));
  });

  it('is drawn towards the average where little is known', () => {
    const [benchmark] = BENCHMARKS.filter(({ id }) => id === 'aime-2025');
    assert.ok(benchmark !== undefined);
    const figure = { benchmark, value: 99, source: SOURCE };
    const ability = benchmark.slope * logOdds('percent', 99) + benchmark.offset;
    const { score = 0 } = published([figure], 'math') ?? {};
    assert.ok(score > 0.5 && score < 1 / (1 + Math.exp(-1.2 * ability)) - 0.01);
  });
});

describe('qualityOf', () => {
  const ORDERS: readonly (readonly [task: QualityTask, ...best: readonly string[]])[] = [
    ['code', 'gpt-5', 'gpt-5-mini', 'gpt-5-nano', 'gpt-4o-mini'],
    ['code', 'claude-opus-4-7', 'claude-sonnet-4-5', 'claude-3-7-sonnet', 'claude-3-5-haiku'],
    ['math', 'gpt-5.5', 'gpt-5.1', 'gpt-5-mini', 'gpt-4.1', 'gpt-4o'],
    ['analysis', 'gemini-3.1-pro-preview', 'gemini-2.5-pro', 'gemini-2.5-flash', 'gemini-2.5-flash-lite'],
    ['chat', 'claude-opus-4-6', 'claude-sonnet-4-5', 'claude-3-haiku'],
    ['agent', 'claude-opus-4-5', 'claude-sonnet-4-5', 'claude-sonnet-4'],
    ['translation', 'gemini-3-pro-preview', 'qwen3.5-397b-a17b', 'gpt-oss-120b', 'llama-3.1-8b-instruct'],
    ['creative', 'gpt-5.5', 'deepseek-v4-pro', 'minimax-m2.7'],
  ];
  for (const [of, ...best] of ORDERS) {
    it(`knows the order in ${of}: ${best.join(', ')}`, () => {
      const scores = best.map((id) => scoreOf(id, of));
      assert.deepEqual(
        scores,
        scores.toSorted((a, b) => b - a),
      );
    });
  }

  it('leaves unknown what is unknown: no model, and no task, gets a zero', () => {
    for (const of of QUALITY_TASKS) assert.equal(qualityOf({ id: 'nobody/nothing' }, of), undefined);
    assert.equal(qualityOf({ id: 'ernie-5.1' }, 'code'), undefined);
    assert.deepEqual(qualitiesOf({ id: 'nobody/nothing' }), []);
  });

  it('says for every figure where it was published', () => {
    const { sources = [] } = qualityOf({ id: 'gpt-5.2' }, 'code') ?? {};
    assert.ok(sources.length >= 4);
    for (const source of sources)
      assert.ok(source.kind === 'benchmark' && source.figure.source.url.startsWith('https://'));
  });

  it('takes the operator’s own rating over every figure, for the task that it names', () => {
    const own = { code: 0.1 };
    const quality = qualityOf({ id: 'gpt-5.2' }, 'code', own);
    assert.equal(quality?.score, 0.1);
    assert.deepEqual(quality.sources, [{ kind: 'own', value: 0.1 }]);
    assert.equal(qualityOf({ id: 'gpt-5.2' }, 'math', own)?.score, scoreOf('gpt-5.2', 'math'));
    assert.equal(qualityOf({ id: 'house/llama' }, 'code', { code: 0 })?.score, 0);
  });

  it('takes a rating in general for every task that has none of its own', () => {
    const own = { code: 0.1, general: 0.9 };
    assert.equal(qualityOf({ id: 'gpt-5.2' }, 'math', own)?.score, 0.9);
    assert.deepEqual(
      qualitiesOf({ id: 'gpt-5.2' }, own).map(([of, { score }]) => [of, score]),
      QUALITY_TASKS.map((of) => [of, of === 'code' ? 0.1 : 0.9]),
    );
  });

  it('holds to a rating of the operator’s longer than to published figures, and to many figures longer than to few', () => {
    const own = qualityOf({ id: 'gpt-5.2' }, 'code', { code: 0.8 })?.count ?? 0;
    const many = qualityOf({ id: 'gpt-5.2' }, 'code')?.count ?? 0;
    const few = qualityOf({ id: 'command-r7b-12-2024' }, 'extraction')?.count ?? 0;
    assert.ok(own > many && many > few && few >= 1, `${own} ${many} ${few}`);
  });
});

/** Whether both have the same benchmarks of the task, and `b` is no worse in any. */
function isBetter(b: readonly Figure[], a: readonly Figure[], of: QualityTask): boolean {
  const telling = (figures: readonly Figure[]): readonly Figure[] =>
    figures.filter(({ benchmark }) => benchmark.tells[of] !== undefined);
  const theirs = new Map(telling(b).map(({ benchmark, value }) => [benchmark.id, value]));
  const ours = telling(a);
  return (
    ours.length > 0 &&
    ours.length === theirs.size &&
    ours.every(({ benchmark, value }) => (theirs.get(benchmark.id) ?? -Infinity) >= value)
  );
}
