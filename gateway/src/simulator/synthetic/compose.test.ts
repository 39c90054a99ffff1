import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseJson } from '../../lib/json.ts';
import type { Ask } from './compose.ts';
import { compose, textLength } from './compose.ts';
import { NOTICE, pieces, tokensOf } from './words.ts';

const ASK: Ask = {
  model: 'm',
  isStreaming: false,
  prompt: 'Tell me about the railway',
  inputLength: 41,
  choices: 1,
  stops: [],
  tools: [],
  toolChoice: 'auto',
  allowsParallelCalls: true,
  isAfterToolResult: false,
  format: 'text',
  wantsReasoning: false,
  wantsStreamUsage: false,
};
const OPTIONS = { seed: 1, outputTokens: 60 };
const WEATHER = {
  name: 'get_weather',
  schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
const NEWS = { name: 'read_news', schema: undefined };

describe('a made-up reply', () => {
  it('says first that no provider was called, and looks back at the prompt', () => {
    const text = compose(ASK, OPTIONS).choices[0]?.text ?? '';
    assert.ok(text.startsWith(NOTICE));
    assert.match(text, /You wrote: "Tell me about the railway"/);
  });

  it('answers each of several prompts with as many choices', () => {
    const { choices } = compose({ ...ASK, prompts: ['Of the sea', 'Of a hill'], choices: 4 }, OPTIONS);
    assert.deepEqual(
      choices.map(({ text }) => /Of (?:the sea|a hill)/.exec(text)?.[0]),
      ['Of the sea', 'Of the sea', 'Of a hill', 'Of a hill'],
    );
  });

  it('depends on seed, model and prompt, and on nothing else', () => {
    const text = (ask: Partial<Ask>, seed = 1): string =>
      compose({ ...ASK, ...ask }, { ...OPTIONS, seed }).choices[0]?.text ?? '';
    assert.equal(text({}), text({ isStreaming: true, wantsStreamUsage: true }));
    assert.equal(new Set([text({}), text({}, 2), text({ model: 'n' }), text({ prompt: 'Tell me more' })]).size, 4);
  });

  it('keeps the token limit, reasoning included, and says so', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.boolean(), fc.string(), (maxTokens, wantsReasoning, prompt) => {
        const draft = compose({ ...ASK, prompt, maxTokens, wantsReasoning }, OPTIONS);
        const choice = draft.choices[0];
        assert.ok(draft.usage.outputTokens <= maxTokens);
        assert.equal(draft.usage.outputTokens, tokensOf(choice?.text ?? '') + tokensOf(choice?.reasoning ?? ''));
        const free = compose({ ...ASK, prompt, wantsReasoning }, OPTIONS).choices[0]?.text;
        assert.equal(choice?.finish, choice?.text === free ? 'stop' : 'length');
      }),
    );
  });

  it('never ends inside a character', () => {
    for (let maxTokens = 15; maxTokens < 40; maxTokens += 1) {
      const text =
        compose({ ...ASK, prompt: '🚂🚃🚃🚃🚃🚃🚃🚃🚃🚃🚃🚃🚃🚃🚃🚃🚃', maxTokens }, OPTIONS).choices[0]?.text ?? '';
      assert.ok(text.isWellFormed(), text);
    }
  });

  it('stops before the first stop sequence and names it', () => {
    const choice = compose({ ...ASK, stops: ['nowhere', 'provider', 'simulator'] }, OPTIONS).choices[0];
    assert.deepEqual(
      [choice?.text, choice?.finish, choice?.stopSequence],
      ['This is the ', 'stop-sequence', 'simulator'],
    );
  });

  it('has as many different choices as were asked for', () => {
    const { choices } = compose({ ...ASK, choices: 3 }, OPTIONS);
    assert.equal(new Set(choices.map((choice) => choice.text)).size, 3);
  });

  it('is JSON where JSON was asked for, and fits the schema where there is one', () => {
    const text = (format: Ask['format']): string => compose({ ...ASK, format }, OPTIONS).choices[0]?.text ?? '';
    assert.equal(typeof parseJson(text('json')), 'object');
    assert.deepEqual(Object.keys(JSON.parse(text({ schema: WEATHER.schema }))), ['city']);
  });

  const calls: readonly (readonly [string, Partial<Ask>, readonly string[]])[] = [
    ['nobody asks for one', { tools: [WEATHER] }, []],
    ['the prompt names it', { tools: [WEATHER, NEWS], prompt: 'Please get weather for Paris' }, ['get_weather']],
    [
      'the prompt names two',
      { tools: [WEATHER, NEWS], prompt: 'get_weather and read_news' },
      ['get_weather', 'read_news'],
    ],
    [
      'the prompt names two and only one may be called',
      { tools: [WEATHER, NEWS], prompt: 'get_weather and read_news', allowsParallelCalls: false },
      ['get_weather'],
    ],
    ['the prompt asks for a tool', { tools: [WEATHER], prompt: 'Use the right tool' }, ['get_weather']],
    ['a result has come back', { tools: [WEATHER], prompt: 'get_weather', isAfterToolResult: true }, []],
    ['a call is demanded', { tools: [NEWS, WEATHER], toolChoice: 'required' }, ['read_news']],
    ['this one is demanded', { tools: [NEWS, WEATHER], toolChoice: { name: 'get_weather' } }, ['get_weather']],
    ['calls are forbidden', { tools: [WEATHER], toolChoice: 'none', prompt: 'get_weather' }, []],
  ];
  for (const [when, ask, expected] of calls) {
    it(`calls ${expected.length === 0 ? 'no tool' : expected.join(' and ')} when ${when}`, () => {
      const choice = compose({ ...ASK, ...ask }, OPTIONS).choices[0];
      assert.deepEqual(
        choice?.toolCalls.map((call) => call.name),
        expected,
      );
      assert.equal(choice?.finish, expected.length === 0 ? 'stop' : 'tool-calls');
      for (const call of choice?.toolCalls ?? []) {
        if (call.name === 'get_weather') assert.equal(typeof JSON.parse(call.arguments).city, 'string');
      }
    });
  }

  it('takes from a script what the script says', () => {
    const scripted = { text: 'Hello', usage: { output_tokens: 7 } };
    const draft = compose(ASK, { ...OPTIONS, scripted });
    assert.deepEqual(
      [draft.choices[0]?.text, draft.choices[0]?.finish, draft.usage.outputTokens, draft.usage.inputTokens],
      ['Hello', 'stop', 7, 11],
    );
    const called = compose(ASK, { ...OPTIONS, scripted: { tool_calls: [{ name: 'x', arguments: '{"broken' }] } });
    assert.deepEqual(called.choices[0]?.toolCalls, [{ name: 'x', arguments: '{"broken' }]);
    assert.equal(called.choices[0]?.finish, 'tool-calls');
  });
});

describe('the pieces of a text', () => {
  it('joined are the text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => assert.equal(pieces(text).join(''), text)));
  });
});

describe('the length of a prompt', () => {
  it('counts texts, not addresses or data', () => {
    const message = {
      role: 'user',
      content: [
        { type: 'text', text: '1234' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
      ],
    };
    assert.equal(textLength([message]), 4);
  });
});
