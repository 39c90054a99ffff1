import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { intentTrainer } from './intents.ts';

const EXAMPLES = [
  'where is my parcel',
  'track my order',
  'when does it arrive',
  'the courier is late',
  'is it shipped',
];
const INTENTS = {
  delivery: { examples: EXAMPLES },
  refund: { examples: ['money back please', 'refund my payment', 'pay me back', 'i want a refund', 'return the sum'] },
};

describe('intentTrainer', () => {
  it('trains once for the same examples', async () => {
    const trainer = intentTrainer();
    const model = await trainer.train(INTENTS);
    assert.equal(await trainer.train(structuredClone(INTENTS)), model);
    assert.equal(trainer.trainNow(structuredClone(INTENTS)), model);
    assert.notEqual(await trainer.train({ ...INTENTS, other: { examples: ['x', 'y'] } }), model);
  });

  it('gives the same model in turns and at once', async () => {
    const [inTurns, atOnce] = [await intentTrainer().train(INTENTS), intentTrainer().trainNow(INTENTS)];
    assert.deepEqual(inTurns?.scores('where is the courier'), atOnce?.scores('where is the courier'));
    assert.equal(atOnce?.classify('where is the courier')?.name, 'delivery');
  });

  it('lets other work go first', async () => {
    const many = Array.from({ length: 40 }, (_, intent) => [
      `i${intent}`,
      { examples: EXAMPLES.map((text) => `${text} number ${intent}`) },
    ]);
    let count = 0;
    const other = setInterval(() => (count += 1), 1);
    await intentTrainer().train(Object.fromEntries(many));
    clearInterval(other);
    assert.ok(count > 1, `${count} turns of other work`);
  });

  it('has nothing to train without intents', async () => {
    assert.equal(await intentTrainer().train({}), undefined);
    assert.equal(intentTrainer().trainNow({}), undefined);
  });
});
