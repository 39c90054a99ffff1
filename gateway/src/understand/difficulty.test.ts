import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { structureDifficulty } from './difficulty.ts';
import { SINGLE, type Stage } from './stage.ts';
import { shapeOf } from './structure.ts';
import { taskOf } from './task.ts';

function difficulty(text: string, stage: Stage = SINGLE): number {
  const shape = shapeOf(text);
  const { task } = taskOf({ ...shape, system: '', stage, hasTools: false, hasSchema: false });
  return structureDifficulty.score({ ...shape, task, stage });
}

describe('difficulty by structure', () => {
  it('puts a greeting below a question, and a question below a problem', () => {
    const steps = [
      'hi',
      'What is the capital of France?',
      'Which of the following is not true of every group whose order is a prime, and why does it follow from the theorem of Lagrange?',
      `Compare the two designs. If the network parts, which one keeps its promises, and which does not? Assume that clocks drift, that messages are lost, and that no node can be trusted unless it proves itself; then say, step by step, what each node must do before it answers. ${'Every node keeps a log, and each entry has a term. '.repeat(8)}`,
    ].map((text) => difficulty(text));
    assert.deepEqual(
      steps,
      steps.toSorted((a, b) => a - b),
    );
    assert.ok((steps[0] ?? 1) < 0.15 && (steps[3] ?? 0) > 0.85, String(steps));
  });

  it('does not take material for difficulty', () => {
    const page = 'The council met on Tuesday, and spoke of trams. '.repeat(100);
    assert.ok(difficulty(`Translate into German:\n${page}`) < 0.5);
  });

  it('is higher for an agent that is stuck', () => {
    const stuck = { ...SINGLE, kind: 'agent-stuck' } as const;
    const step = { ...SINGLE, kind: 'agent-step' } as const;
    assert.ok(difficulty('fix the tests', stuck) > difficulty('fix the tests', step));
  });

  it('is between 0 and 1, also for nothing and for very much', () => {
    for (const text of ['', 'x '.repeat(200_000), 'not '.repeat(10_000)]) {
      const score = difficulty(text);
      assert.ok(score >= 0 && score <= 1, String(score));
    }
  });
});
