/** Answers in a form that was asked for, over every dialect, by a target's own field, by a tool, and in words. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { asRecord, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { whyInvalid } from '../../src/output/reshape.ts';
import { attemptsOf, DIALECT_NAMES, eventsOf, post, startOutputRig, textOf, type OutputRig } from './output-kit.ts';

const SCHEMA: JsonRecord = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer', minimum: 0 } },
  required: ['name', 'age'],
  additionalProperties: false,
};
const FORMAT = { type: 'json_schema', json_schema: { name: 'person', schema: SCHEMA, strict: true } };
const WANTED = { kind: 'json-schema', schema: SCHEMA } as const;
const messages = [{ role: 'user', content: 'Who is it?' }];

/** On these wires a schema is a matter of the model, and ours is none that they know. */
const KNOWN_MODELS_ONLY: ReadonlySet<string> = new Set(['anthropic-messages', 'bedrock-converse']);

let rig: OutputRig;

before(async () => {
  rig = await startOutputRig();
});

after(async () => {
  await rig.close();
});

describe('an answer under a schema', () => {
  for (const dialect of DIALECT_NAMES)
    for (const model of ['m', 'tools', 'words'])
      for (const stream of [false, true])
        it(`comes of ${dialect}/${model}${stream ? ', streamed' : ''}`, async () => {
          const posted = await post(rig, { model: `${dialect}/${model}`, messages, response_format: FORMAT, stream });
          assert.equal(posted.status, 200, posted.text);
          assert.equal(whyInvalid(textOf(posted), WANTED), undefined, posted.text);
          const adapted = posted.headers.get('x-turnout-adapted') ?? '';
          const isNative = model === 'm' && !KNOWN_MODELS_ONLY.has(dialect);
          assert.equal(adapted.includes('response_format'), !isNative, adapted);
          const last = stream
            ? eventsOf(posted.text).findLast((event) => JSON.stringify(event).includes('"finish_reason":"'))
            : posted.body;
          assert.match(JSON.stringify(last), /"finish_reason":"stop"/);
          const sent =
            asRecord(rig.simulator.log.requests.at(-1)?.body) ??
            parseJson(String(rig.simulator.log.requests.at(-1)?.bodyText));
          const text = JSON.stringify(sent);
          assert.equal(
            /one JSON value/.test(text),
            model === 'words' || (model === 'tools' && dialect === 'ollama'),
            text,
          );
        });
});

/** Scripts the next answers to wishes for that form: `tool …` as arguments of our tool, all else as text. */
function next(...answers: readonly string[]): void {
  rig.simulator.script(
    answers.map((answer) =>
      answer.startsWith('tool ')
        ? { match: { contains: '"person"' }, reply: { tool_calls: [{ name: 'person', arguments: answer.slice(5) }] } }
        : { match: { contains: 'one JSON value' }, reply: { text: answer } },
    ),
  );
}

const GOOD = '{"name":"Ada","age":36}';
const BAD = '{"name":"Ada","age":"old"}';

describe('an answer that is not valid', () => {
  for (const [model, bad, good] of [
    ['anthropic-messages/tools', `tool ${BAD}`, `tool ${GOOD}`],
    ['openai-chat/words', `Sure: ${BAD}`, `\`\`\`json\n${GOOD}\n\`\`\``],
    ['gemini/words', 'I would rather not.', GOOD],
  ] as const)
    it(`is mended once by ${model}, and both attempts are booked`, async () => {
      next(bad, good);
      const posted = await post(rig, { model, messages, response_format: FORMAT });
      assert.equal(posted.status, 200, posted.text);
      assert.equal(textOf(posted), GOOD);
      assert.equal(posted.headers.get('x-turnout-attempts'), '2');
      const attempts = await attemptsOf(rig, posted);
      assert.deepEqual(
        attempts.map(({ outcome, reason, target }) => [outcome, reason, target]),
        [
          ['broke', 'output_invalid', model],
          ['answered', undefined, model],
        ],
      );
      assert.ok(attempts.every(({ cost_nano_usd: cost }) => Number(cost) > 0));
      const sent = rig.simulator.log.requests.at(-1)?.bodyText ?? '';
      assert.match(sent, /That answer is not valid: /);
    });
});

describe('a stream that is not valid', () => {
  const ask = { model: 'openai-chat/words', messages, response_format: FORMAT, stream: true };

  it('ends with an error where its text is out already', async () => {
    next(BAD, GOOD);
    const posted = await post(rig, ask);
    assert.equal(posted.status, 200);
    assert.match(posted.text, /"code":"output[-_]invalid"/);
    assert.match(posted.text, /\$\.age/);
    assert.doesNotMatch(posted.text, /\[DONE\]/);
    const [attempt, ...others] = await attemptsOf(rig, posted);
    assert.deepEqual([attempt?.['when'], others.length], ['mid-stream', 0]);
    assert.ok(Number(attempt?.['cost_nano_usd']) > 0);
  });

  it('is mended unseen where nothing of it is out: no JSON began, or the caller asks to hold it', async () => {
    next('I would rather not.', GOOD);
    assert.equal(textOf(await post(rig, ask)), GOOD);
    next(BAD, GOOD);
    const held = await post(rig, { ...ask, turnout: { output: { hold: true } } });
    assert.equal(textOf(held), GOOD);
    assert.match(held.text, /\[DONE\]/);
  });
});

describe('the policy', () => {
  const ask = { model: 'openai-chat/words', messages, response_format: FORMAT };

  it('refuses at once, or looks at nothing, where the request says so', async () => {
    next(BAD, GOOD);
    const refused = await post(rig, { ...ask, turnout: { output: { invalid: 'refuse' } } });
    assert.equal(refused.status, 502);
    assert.match(refused.text, /output[-_]invalid.*|\$\.age` must be of type integer/);
    assert.equal(refused.headers.get('x-turnout-attempts'), '1');
    next(BAD);
    const unseen = await post(rig, { ...ask, turnout: { output: { validate: 'never' } } });
    assert.equal(textOf(unseen), BAD);
    const wrong = await post(rig, { ...ask, turnout: { output: { validate: 'sometimes' } } });
    assert.deepEqual([wrong.status, asRecord(wrong.body['error'])?.['param']], [400, 'turnout.output.validate']);
  });

  it('refuses after one repair, and says where it does not fit', async () => {
    next(BAD, BAD, GOOD);
    const posted = await post(rig, ask);
    assert.equal(posted.status, 502, posted.text);
    assert.match(String(asRecord(posted.body['error'])?.['message']), /`\$\.age` must be of type integer/);
    assert.equal((await attemptsOf(rig, posted)).length, 2);
  });

  it('asks another target after the repair', async () => {
    next(BAD, BAD);
    const posted = await post(rig, { ...ask, models: ['gemini/m'] });
    assert.equal(posted.status, 200, posted.text);
    assert.equal(posted.headers.get('x-turnout-provider'), 'gemini');
    assert.equal((await attemptsOf(rig, posted)).length, 3);
  });

  it('looks at native answers of the same protocol where all are looked at, and hands good ones on as they came', async () => {
    const native = { ...ask, model: 'openai-chat/m', turnout: { output: { validate: 'always' } } };
    const match = { contains: '"json_schema"' };
    rig.simulator.script([
      { match, reply: { text: BAD } },
      { match, json: NATIVE_REPLY },
    ]);
    const mended = await post(rig, native);
    assert.equal(mended.text, JSON.stringify(NATIVE_REPLY));
    assert.equal(mended.headers.get('x-turnout-attempts'), '2');
    assert.match(rig.simulator.log.requests.at(-1)?.bodyText ?? '', /That answer is not valid: /);
    rig.simulator.script([{ match, reply: { text: BAD } }]);
    assert.equal(textOf(await post(rig, { ...ask, model: 'openai-chat/m' })), BAD);
    rig.simulator.script([
      { match, reply: { text: BAD } },
      { match, reply: { text: GOOD } },
    ]);
    assert.match((await post(rig, { ...native, stream: true })).text, /output_invalid/);
    assert.equal(textOf(await post(rig, { ...native, stream: true })), GOOD);
  });
});

/** With fields that nobody knows. */
const NATIVE_REPLY = {
  id: 'x',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  future: { a: 1 },
  choices: [{ index: 0, message: { role: 'assistant', content: GOOD }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
};

describe('JSON without a schema', () => {
  for (const dialect of DIALECT_NAMES)
    it(`comes of ${dialect} without fences`, async () => {
      rig.simulator.script([{ match: { stream: false }, reply: { text: '```json\n{"a": 1}\n```' } }]);
      const posted = await post(rig, { model: `${dialect}/m`, messages, response_format: { type: 'json_object' } });
      const isNative = !(posted.headers.get('x-turnout-adapted') ?? '').includes('response_format');
      assert.equal(textOf(posted), isNative ? '```json\n{"a": 1}\n```' : '{"a": 1}');
      assert.equal(isNative, !KNOWN_MODELS_ONLY.has(dialect));
      rig.simulator.script([]);
    });
});

describe('several choices', () => {
  for (const dialect of DIALECT_NAMES)
    for (const stream of [false, true])
      it(`come of ${dialect}${stream ? ', streamed' : ''}, and are paid for`, async () => {
        const before = rig.simulator.log.requests.length;
        const posted = await post(rig, {
          model: `${dialect}/m`,
          messages,
          n: 3,
          stream,
          ...(stream ? { stream_options: { include_usage: true } } : {}),
        });
        assert.equal(posted.status, 200, posted.text);
        const texts = [0, 1, 2, 3].map((choice) => textOf(posted, choice));
        assert.deepEqual(
          texts.map((text) => text !== ''),
          [true, true, true, false],
          posted.text,
        );
        const calls = rig.simulator.log.requests.length - before;
        const isNative = dialect === 'openai-chat' || dialect === 'gemini';
        assert.equal(calls, isNative ? 1 : 3);
        assert.equal(posted.headers.get('x-turnout-adapted'), isNative ? null : 'n');
        const usage = asRecord(
          stream
            ? eventsOf(posted.text).findLast((event) => asRecord(event['usage']) !== undefined)?.['usage']
            : posted.body['usage'],
        );
        const [attempt] = await attemptsOf(rig, posted);
        assert.deepEqual(
          [asRecord(attempt?.['usage'])?.['output_tokens'], attempt?.['estimated']],
          [usage?.['completion_tokens'], false],
        );
      });

  it('end together where one call is refused, and are refused where they are too many', async () => {
    rig.simulator.script([{ match: { nth: 2 }, status: 400, error: { message: 'no' } }]);
    const refused = await post(rig, { model: 'cohere/m', messages, n: 2 });
    assert.equal(refused.status, 400, refused.text);
    rig.simulator.script([]);
    assert.equal((await post(rig, { model: 'cohere/m', messages, n: 9 })).status, 400);
  });
});

describe('stop sequences', () => {
  const reply = { text: 'one two END three', usage: { input_tokens: 5, output_tokens: 7 } };

  for (const stream of [false, true])
    it(`are cut at where the wire has no word for them${stream ? ', streamed' : ''}`, async () => {
      rig.simulator.script([{ reply, ...(stream ? { chunk_delay_ms: 20 } : {}) }]);
      const posted = await post(rig, { model: 'openai-responses/m', messages, stop: ['END'], stream });
      assert.equal(posted.status, 200, posted.text);
      assert.equal(textOf(posted), 'one two ');
      assert.match(posted.text, /"finish_reason":"stop"/);
      // OpenAI's clients are not told which sequence it was: a whole reply can still say so in its head.
      assert.equal(posted.headers.get('x-turnout-adapted'), stream ? 'stop' : 'stop, finish_reason');
      const [attempt] = await attemptsOf(rig, posted);
      assert.deepEqual([attempt?.['outcome'], attempt?.['estimated']], ['answered', stream]);
      assert.ok(Number(asRecord(attempt?.['usage'])?.['output_tokens']) > 0);
    });

  it('are left to the wires that know them', async () => {
    for (const dialect of DIALECT_NAMES.filter((name) => name !== 'openai-responses')) {
      const posted = await post(rig, { model: `${dialect}/m`, messages, stop: ['END'] });
      assert.equal(posted.headers.get('x-turnout-adapted'), null, dialect);
      assert.ok((rig.simulator.log.requests.at(-1)?.bodyText ?? '').includes('"END"'), dialect);
    }
  });
});

describe('settings of the sampling', () => {
  const BIAS: ReadonlySet<string> = new Set(['openai-chat']);
  const SEED: ReadonlySet<string> = new Set(['openai-chat', 'gemini', 'cohere', 'ollama']);
  for (const dialect of DIALECT_NAMES)
    it(`are sent to ${dialect}, or named: a seed is a hint, a bias of tokens is refused`, async () => {
      const seeded = await post(rig, { model: `${dialect}/m`, messages, seed: 7 });
      assert.equal(seeded.status, 200);
      assert.equal(seeded.headers.get('x-turnout-adapted'), SEED.has(dialect) ? null : 'seed');
      const biased = { model: `${dialect}/m`, messages, logit_bias: { 50256: -100 } };
      const posted = await post(rig, biased);
      assert.equal(posted.status, BIAS.has(dialect) ? 200 : 400);
      if (BIAS.has(dialect)) return;
      assert.equal(asRecord(posted.body['error'])?.['param'], 'logit_bias');
      const adapted = await post(rig, { ...biased, turnout: { adapt: true } });
      assert.equal(adapted.headers.get('x-turnout-adapted'), 'logit_bias');
    });
});
