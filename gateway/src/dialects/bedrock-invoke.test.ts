import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ChatRequest, Message } from '../chat/request.ts';
import { bedrockInvoke } from './bedrock-invoke.ts';
import type { EncodedRequest } from './dialect.ts';

function said(role: Message['role'], text: string): Message {
  return { role, parts: [{ kind: 'text', text }] };
}

const TALK = [said('system', 'Be brief.'), said('user', 'hi'), said('assistant', 'ho'), said('user', 'and?')];

function encoded(model: string, more: Partial<ChatRequest> = {}): EncodedRequest {
  const request: ChatRequest = {
    origin: 'openai-chat',
    model: 'm',
    messages: TALK,
    sampling: {},
    isStreaming: false,
    extras: [],
    maxOutputTokens: 100,
    ...more,
  };
  return bedrockInvoke.encodeRequest(request, { model });
}

describe('a request by InvokeModel', () => {
  it('is a prompt in the template that the model was trained with', () => {
    assert.deepEqual(encoded('meta.llama3-70b-instruct-v1:0').body, {
      prompt:
        '<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>' +
        '<|start_header_id|>user<|end_header_id|>\n\nhi<|eot_id|>' +
        '<|start_header_id|>assistant<|end_header_id|>\n\nho<|eot_id|>' +
        '<|start_header_id|>user<|end_header_id|>\n\nand?<|eot_id|>' +
        '<|start_header_id|>assistant<|end_header_id|>\n\n',
      max_gen_len: 100,
    });
    assert.equal(
      encoded('meta.llama2-13b-chat-v1').body['prompt'],
      '<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nhi [/INST] ho</s><s>[INST] and? [/INST]',
    );
    assert.equal(
      encoded('mistral.mistral-7b-instruct-v0:2').body['prompt'],
      '<s>[INST] Be brief.\n\nhi [/INST] ho</s>[INST] and? [/INST]',
    );
    assert.deepEqual(encoded('amazon.titan-text-express-v1', { sampling: { temperature: 0.5 }, stop: ['|'] }).body, {
      inputText: 'Be brief.\nUser: hi\nBot: ho\nUser: and?\nBot:',
      textGenerationConfig: { maxTokenCount: 100, temperature: 0.5, stopSequences: ['|'] },
    });
    assert.equal(encoded('cohere.command-text-v14', { messages: [said('user', 'hi')] }).body['prompt'], 'hi');
  });

  it('is a body of Claude’s or Nova’s own for those', () => {
    const claude = encoded('us.anthropic.claude-haiku-4-5-20251001-v1:0').body;
    assert.deepEqual(
      [claude['anthropic_version'], claude['model'], claude['system'], claude['max_tokens']],
      ['bedrock-2023-05-31', undefined, 'Be brief.', 100],
    );
    const nova = encoded('us.amazon.nova-2-lite-v1:0', { sampling: { topK: 5 }, reasoning: { effort: 'low' } }).body;
    assert.deepEqual(nova['inferenceConfig'], { maxTokens: 100, topK: 5 });
    assert.deepEqual(nova['reasoningConfig'], { type: 'enabled', maxReasoningEffort: 'low' });
    assert.equal(nova['additionalModelRequestFields'], undefined);
  });

  it('names what a prompt cannot say', () => {
    const image: Message = {
      role: 'user',
      parts: [
        { kind: 'image', source: { by: 'base64', data: 'AAAA', mediaType: 'image/png' } },
        { kind: 'text', text: 'what is it?' },
      ],
    };
    const { losses } = encoded('meta.llama3-8b', {
      messages: [image],
      tools: [{ kind: 'function', name: 't' }],
      stop: ['|'],
      format: { kind: 'json-schema', schema: {} },
      reasoning: { effort: 'high' },
      n: 2,
    });
    assert.deepEqual(losses.map(({ code, weight }) => `${code} ${weight}`).toSorted(), [
      'choices meaning',
      'format meaning',
      'media-kind meaning',
      'opaque meaning',
      'reasoning hint',
      'stop meaning',
    ]);
  });

  it('always says a limit, since the models’ own are as low as 20 tokens, and a lower one where the budget wants it', () => {
    const body = bedrockInvoke.encodeRequest(
      { origin: 'gemini', model: 'm', messages: TALK, sampling: {}, isStreaming: false, extras: [] },
      { model: 'cohere.command-text-v14' },
    ).body;
    assert.equal(body['max_tokens'], 2048);
    assert.equal(bedrockInvoke.limitOutput(body, 10)['max_tokens'], 10);
    const titan = encoded('amazon.titan-text-lite-v1').body;
    assert.deepEqual(bedrockInvoke.limitOutput(titan, 10)['textGenerationConfig'], { maxTokenCount: 10 });
  });
});
