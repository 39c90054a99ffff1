import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ChatRequest } from '../../chat/request.ts';
import { encodeRequest } from './encode-request.ts';
import { nearestEffort, traitsOf } from './model.ts';

const REQUEST: ChatRequest = {
  origin: 'anthropic-messages',
  model: 'm',
  messages: [{ role: 'user', parts: [{ kind: 'text', text: 'hi' }] }],
  sampling: {},
  isStreaming: false,
  extras: [],
};

describe('traits of models on the chat-completions wire', () => {
  it('knows the efforts of OpenAI’s models, wherever they are served', () => {
    const table: readonly (readonly [string, readonly string[] | undefined])[] = [
      ['gpt-5-nano', ['minimal', 'low', 'medium', 'high']],
      ['openai/gpt-5-codex', ['low', 'medium', 'high']],
      ['gpt-5-pro', ['high']],
      ['gpt-5.1', ['none', 'low', 'medium', 'high']],
      ['gpt-5.1-codex-max', ['low', 'medium', 'high', 'xhigh']],
      ['gpt-5.4-mini-2026-03-17', ['none', 'low', 'medium', 'high', 'xhigh']],
      ['gpt-5.6-terra', ['none', 'low', 'medium', 'high', 'xhigh', 'max']],
      ['o4-mini', ['low', 'medium', 'high']],
      ['gpt-4o-mini', []],
      ['gpt-35-turbo', []],
      ['gpt-5-chat-latest', []],
      ['gpt-oss-120b', undefined],
      ['deepseek-r1', undefined],
    ];
    for (const [model, efforts] of table) assert.deepEqual(traitsOf(model, undefined).efforts, efforts, model);
    assert.deepEqual(traitsOf('llama-3.3-70b', false).efforts, []);
  });

  it('chooses the least effort that is enough', () => {
    assert.equal(nearestEffort('max', ['minimal', 'low', 'medium', 'high']), 'high');
    assert.equal(nearestEffort('none', ['minimal', 'low']), 'minimal');
    assert.equal(nearestEffort('minimal', ['none', 'low', 'medium']), 'low');
  });

  it('fits a translated request to the model, and says what it changed', () => {
    const asked: ChatRequest = {
      ...REQUEST,
      maxOutputTokens: 1,
      sampling: { temperature: 0.2, topP: 1 },
      stop: ['a', 'b', 'c', 'd', 'e'],
      reasoning: { effort: 'max' },
    };
    const { body, losses } = encodeRequest(asked, { model: 'gpt-5-nano' });
    assert.deepEqual(
      [body['max_completion_tokens'], body['temperature'], body['top_p'], body['reasoning_effort'], body['stop']],
      [16, undefined, undefined, 'high', ['a', 'b', 'c', 'd']],
    );
    assert.deepEqual(
      losses.map(({ code, field, weight }) => [code, field, weight]),
      [
        ['max-tokens', 'max_tokens', 'hint'],
        ['sampling', 'temperature', 'hint'],
        ['stop', 'stop_sequences', 'meaning'],
        ['reasoning-effort', 'output_config.effort', 'hint'],
      ],
    );
  });

  it('sends a request as it is where nothing is known of the model, and to the caller of this wire', () => {
    const wish = { sampling: { temperature: 0.2 }, reasoning: { effort: 'max' as const }, maxOutputTokens: 1 };
    const other = encodeRequest({ ...REQUEST, ...wish }, { model: 'some-model' });
    assert.deepEqual([other.body['temperature'], other.body['reasoning_effort'], other.losses], [0.2, 'max', []]);
    const home = encodeRequest({ ...REQUEST, ...wish, origin: 'openai-chat' }, { model: 'gpt-5-nano' });
    assert.deepEqual([home.body['temperature'], home.body['reasoning_effort'], home.losses], [0.2, 'max', []]);
  });

  it('takes a temperature where the model need not think', () => {
    const sampling = { temperature: 0 };
    const of = (model: string, reasoning?: ChatRequest['reasoning']): unknown =>
      encodeRequest({ ...REQUEST, sampling, ...(reasoning === undefined ? {} : { reasoning }) }, { model }).body[
        'temperature'
      ];
    // Recorded: gpt-5.4-nano answers at temperature 0; gpt-5.6-terra and gpt-5-nano refuse one.
    assert.equal(of('gpt-5.4-nano'), 0);
    assert.equal(of('gpt-5.4-nano', { effort: 'low' }), undefined);
    assert.equal(of('gpt-5.6-terra'), undefined);
    assert.equal(of('gpt-5-nano'), undefined);
    assert.equal(of('gpt-4o-mini'), 0);
  });

  it('does not say that a budget was lost where none was given', () => {
    const adaptive = encodeRequest({ ...REQUEST, reasoning: { budgetTokens: -1 } }, { model: 'm' });
    assert.deepEqual([adaptive.body['reasoning_effort'], adaptive.losses], [undefined, []]);
    const off = encodeRequest({ ...REQUEST, reasoning: { budgetTokens: 0 } }, { model: 'm' });
    assert.deepEqual([off.body['reasoning_effort'], off.losses], ['none', []]);
    const budget = encodeRequest({ ...REQUEST, reasoning: { budgetTokens: 5000 } }, { model: 'm' });
    assert.equal(budget.losses[0]?.code, 'reasoning-budget');
  });

  it('asks for no sound without a voice, and for no call where no tool is left', () => {
    const sound = encodeRequest({ ...REQUEST, origin: 'gemini', modalities: ['audio'] }, { model: 'm' });
    assert.deepEqual([sound.body['modalities'], sound.losses[0]?.code], [undefined, 'modalities']);
    const forced = encodeRequest({ ...REQUEST, toolChoice: { kind: 'required' } }, { model: 'm' });
    assert.deepEqual([forced.body['tool_choice'], forced.losses[0]?.code], [undefined, 'tool-choice']);
  });
});
