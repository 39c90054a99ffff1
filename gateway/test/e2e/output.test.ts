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
