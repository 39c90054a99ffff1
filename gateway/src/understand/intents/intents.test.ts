import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { trainIntents } from './intents.ts';
import { parseWordVectors } from './word-vectors.ts';

const vectors = parseWordVectors(readFileSync(new URL('./word-vectors.bin', import.meta.url)));
assert.ok(vectors !== undefined);

const SHOP = {
  refund: [
    'i want my money back',
    'please refund my last order',
    'how do i get a refund for the shoes',
    'the parcel came broken, give me the money back',
    'refund the second payment, it was charged twice',
    'can you return what i paid',
    'when will the refund be on my account',
    'i cancelled, so pay me back',
  ],
  delivery: [
    'where is my parcel',
    'when does my order arrive',
    'the courier did not come today',
    'track the shipment of my shoes',
    'my package is late',
    'how long does delivery take to france',
    'has the order been shipped yet',
    'the tracking number does not work',
  ],
  password: [
    'i forgot my password',
    'how can i reset the login',
    'the account is locked after three tries',
    'change my password please',
    'i cannot sign in any more',
    'the reset mail never came',
    'my login does not work',
    'set a new pass phrase for my account',
  ],
} as const;

describe('trainIntents', () => {
  const model = trainIntents(SHOP, { vectors });

  it('finds the intent of a prompt that is no example', () => {
    assert.equal(model.classify('could you refund my order please')?.name, 'refund');
    assert.equal(model.classify('where is the shipment, it is late')?.name, 'delivery');
    assert.equal(model.classify('I forgot the password of my login')?.name, 'password');
  });

  it('refuses what has nothing to do with any', () => {
    for (const text of ['write a haiku about autumn leaves', 'integrate x squared from 0 to 3', 'qwertz', '', '🦊🦊'])
      assert.equal(model.classify(text), undefined, text);
  });

  it('reaches words that stand in no example by their vectors', () => {
    const examples = {
      health: ['the doctor gave me medicine', 'my throat hurts', 'i have a fever', 'is this pill safe', 'i feel ill'],
      music: [
        'play the next song',
        'turn up the volume',
        'who sings that',
        'skip to another album',
        'the band is loud',
      ],
    };
    const near = trainIntents(examples, { vectors });
    const bare = trainIntents(examples);
    for (const [word, name] of [
      ['hospital', 'health'],
      ['physician', 'health'],
      ['guitar', 'music'],
      ['concert', 'music'],
    ] as const) {
      assert.equal(near.scores(word)[0]?.name, name, word);
      assert.ok((near.scores(word)[0]?.confidence ?? 0) > 2 * (bare.scores(word)[0]?.confidence ?? 0), word);
    }
  });

  it('gives every intent a confidence, the likeliest first, and no more than 1 together', () => {
    const scores = model.scores('refund my order');
    assert.deepEqual(scores.map(({ name }) => name).toSorted(), ['delivery', 'password', 'refund']);
    assert.ok(scores.every((score, at) => at === 0 || score.confidence <= (scores[at - 1]?.confidence ?? 0)));
    assert.ok(scores.reduce((sum, { confidence }) => sum + confidence, 0) <= 1);
  });

  it('answers less often under a higher threshold, and always under none', () => {
    const strict = trainIntents(SHOP, { vectors, threshold: 1 });
    assert.equal(strict.classify('could you refund my order please'), undefined);
    assert.notEqual(trainIntents(SHOP, { vectors, threshold: 0 }).classify('qwertz'), undefined);
  });

  it('looks at the beginning and the end of a long text', () => {
    const filler = 'lorem ipsum dolor sit amet '.repeat(10_000);
    const found = (text: string): number => model.scores(text)[0]?.confidence ?? 0;
    assert.equal(found(`${filler} refund ${filler}`), found(`${filler} ${filler}`));
    assert.notEqual(found(`refund ${filler}`), found(filler));
    assert.notEqual(found(`${filler} refund`), found(filler));
  });

  it('learns in any script', () => {
    const model2 = trainIntents({
      退款: ['我要退款', '请把钱退给我', '怎么申请退款', '退款什么时候到账', '订单取消了请退钱', '我想退货退款'],
      物流: ['我的包裹在哪里', '快递什么时候到', '订单发货了吗', '怎么查物流信息', '包裹还没有送到', '快递单号查不到'],
    });
    assert.equal(model2.classify('请给我退款')?.name, '退款');
    assert.equal(model2.classify('我的快递到哪里了')?.name, '物流');
  });
});

describe('the warnings', () => {
  const texts = (examples: Readonly<Record<string, readonly string[]>>): readonly string[] =>
    trainIntents(examples, { vectors }).warnings.map(({ intent, message }) => `${intent ?? 'intents'} ${message}`);

  it('are none where all is well', () => assert.deepEqual(texts(SHOP), []));

  it('name an intent with too few different examples', () => {
    assert.deepEqual(texts({ ...SHOP, greeting: ['hello', ' hello', 'good morning', ''] }), [
      'greeting has 2 different examples: 10 to 20 are needed',
    ]);
  });

  it('name two intents with the same example', () => {
    const warnings = texts({ ...SHOP, delivery: [...SHOP.delivery, 'i want my money back'] });
    assert.equal(warnings[0], 'delivery has an example that `refund` has too: "i want my money back"');
  });

  it('name two intents that cannot be told apart', () => {
    const [even = [], odd = []] = [0, 1].map((rest) => SHOP.refund.filter((_, at) => at % 2 === rest));
    const { delivery, password } = SHOP;
    const warnings = texts({ delivery, password, refund: [...even, 'a refund'], return: [...odd, 'refund it'] });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /^refund is confused with `return` in \d of their 10 examples$/);
  });

  it('name an intent that stands alone', () => {
    assert.deepEqual(texts({ refund: SHOP.refund }), [
      'refund stands alone, and is never found: add another, such as `other` with prompts that are something else',
    ]);
    assert.equal(trainIntents({ refund: SHOP.refund }).classify('i want my money back'), undefined);
  });

  it('say what is left out of too many', () => {
    const many = Object.fromEntries(Array.from({ length: 201 }, (_, at) => [`i${String(at).padStart(3, '0')}`, []]));
    assert.equal(texts(many)[0], 'intents are more than are learned: the first 200 by name');
    const long = { ...SHOP, greeting: Array.from({ length: 201 }, (_, at) => `hello ${at}`) };
    assert.equal(texts(long)[0], 'greeting has more examples than are learned: the first 200');
  });
});

describe('any examples', () => {
  const texts = fc.array(
    fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.constantFrom('a', 'b c', '__proto__')),
    { maxLength: 8 },
  );
  const examples = fc.dictionary(fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('constructor', '1')), texts, {
    maxKeys: 6,
  });

  it('give a model that never throws, and never leaves the range', () => {
    fc.assert(
      fc.property(examples, fc.string({ unit: 'binary', maxLength: 60 }), (of, text) => {
        const model = trainIntents(of, { vectors });
        for (const { confidence } of model.scores(text)) assert.ok(confidence >= 0 && confidence <= 1, `${confidence}`);
        assert.ok(model.heldOut.right + model.heldOut.wrong <= 1);
        model.classify(text);
      }),
      { numRuns: 60 },
    );
  });

  it('give the same model in any order of the intents and of their examples', () => {
    fc.assert(
      fc.property(examples, fc.string({ maxLength: 40 }), (of, text) => {
        const turned = Object.fromEntries(
          Object.entries(of)
            .toReversed()
            .map(([name, own]) => [name, own.toReversed()]),
        );
        const [one, other] = [trainIntents(of, { vectors }), trainIntents(turned, { vectors })];
        assert.deepEqual(one.scores(text), other.scores(text));
        assert.deepEqual(one.warnings, other.warnings);
      }),
      { numRuns: 60 },
    );
  });
});
