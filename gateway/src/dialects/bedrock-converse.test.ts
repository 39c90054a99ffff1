import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { collect } from '../chat/collect.ts';
import { fault } from '../chat/fault.ts';
import type { ChatRequest, Message } from '../chat/request.ts';
import { asArray, asRecord, type JsonRecord } from '../lib/json.ts';
import { bedrockConverse } from './bedrock-converse.ts';
import { encodeFrame } from './bedrock-converse/frames.ts';
import type { EncodedRequest } from './dialect.ts';

const CLAUDE = 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0';
const NOVA = 'eu.amazon.nova-2-lite-v1:0';
const CONTEXT = { requestId: 'r', model: 'm', nowS: 0, wantsStreamUsage: true };

function said(role: Message['role'], ...texts: readonly string[]): Message {
  return { role, parts: texts.map((text) => ({ kind: 'text', text })) };
}

function encoded(more: Partial<ChatRequest>, model: string = CLAUDE): EncodedRequest {
  const request: ChatRequest = {
    origin: 'openai-chat',
    model: 'm',
    messages: [said('user', 'hi')],
    sampling: {},
    isStreaming: false,
    extras: [],
    ...more,
  };
  return bedrockConverse.encodeRequest(request, { model });
}

function codes({ losses }: EncodedRequest): readonly string[] {
  return losses.map(({ code, weight }) => `${code} ${weight}`);
}

describe('a request to Converse', () => {
  it('has the user first and the roles in turns, whatever the caller sent', () => {
    const messages = [said('assistant', 'a'), said('user', 'b'), said('user', ' ', 'c'), said('assistant', 'd')];
    const { body } = encoded({ messages }, 'anthropic.claude-3-haiku');
    assert.deepEqual(body['messages'], [
      { role: 'user', content: [{ text: '.' }] },
      { role: 'assistant', content: [{ text: 'a' }] },
      { role: 'user', content: [{ text: 'b' }, { text: 'c' }] },
      { role: 'assistant', content: [{ text: 'd' }] },
    ]);
  });

  it('puts results before words, and answers of several calls into one turn', () => {
    const call = (id: string): Message['parts'][number] => ({ kind: 'tool-call', id, name: 't', arguments: '{"a":1}' });
    const result = (callId: string): Message => ({
      role: 'tool',
      parts: [{ kind: 'tool-result', callId, parts: [{ kind: 'text', text: callId }], isError: true }],
    });
    const messages = [
      said('user', 'x'),
      { role: 'assistant' as const, parts: [call('1'), call('2')] },
      said('user', 'and'),
      result('1'),
      result('2'),
    ];
    const { body } = encoded({ messages });
    const [, , last] = asArray(body['messages']) ?? [];
    assert.deepEqual(last, {
      role: 'user',
      content: [
        { toolResult: { toolUseId: '1', content: [{ text: '1' }], status: 'error' } },
        { toolResult: { toolUseId: '2', content: [{ text: '2' }], status: 'error' } },
        { text: 'and' },
      ],
    });
  });

  it('names documents in the service’s alphabet, each once, and gives them a text', () => {
    const document = (name?: string): Message['parts'][number] => ({
      kind: 'document',
      source: { by: 'base64', data: 'JVBERi0=', mediaType: 'application/pdf' },
      ...(name === undefined ? {} : { name }),
    });
    const { body, losses } = encoded({
      messages: [{ role: 'user', parts: [document('my.file.pdf'), document('my file pdf'), document()] }],
    });
    const content = asArray(asRecord(asArray(body['messages'])?.[0])?.['content']) ?? [];
    const names = content.map((block) => asRecord(asRecord(block)?.['document'])?.['name']);
    assert.deepEqual(names, ['my file pdf', 'my file pdf 2', 'Document', undefined]);
    assert.deepEqual(content.at(-1), { text: '.' });
    assert.deepEqual([...new Set(losses.map(({ code }) => code))], ['media-name']);
  });

  it('asks each maker’s model to think in its own fields', () => {
    const fields = (model: string, reasoning: ChatRequest['reasoning']): unknown => {
      const { body } = encoded(reasoning === undefined ? {} : { reasoning }, model);
      return [body['additionalModelRequestFields'], body['outputConfig']];
    };
    assert.deepEqual(fields(CLAUDE, { budgetTokens: 2000 }), [
      { thinking: { type: 'enabled', budget_tokens: 2000 } },
      undefined,
    ]);
    assert.deepEqual(fields('anthropic.claude-opus-4-8', { effort: 'high' }), [
      { thinking: { type: 'adaptive' } },
      { effort: 'high' },
    ]);
    assert.deepEqual(fields(NOVA, { effort: 'low' }), [
      { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'low' } },
      undefined,
    ]);
    assert.deepEqual(fields('openai.gpt-oss-120b-1:0', { effort: 'medium' }), [
      { reasoning_effort: 'medium' },
      undefined,
    ]);
    assert.deepEqual(fields('us.deepseek.r1-v1:0', { effort: 'low' }), [undefined, undefined]);
    assert.deepEqual(fields('amazon.nova-lite-v1:0', { effort: 'none' }), [undefined, undefined]);
  });

  it('sends signatures of the Messages API to Claude, and to nobody else', () => {
    const signed: Message = {
      role: 'assistant',
      parts: [
        { kind: 'reasoning', text: 'hm', signature: { origin: 'anthropic-messages', value: 'c2ln' } },
        { kind: 'text', text: 'x' },
      ],
    };
    const messages = [said('user', 'a'), signed, said('user', 'b')];
    const first = (of: EncodedRequest): unknown =>
      asArray(asRecord(asArray(of.body['messages'])?.[1])?.['content'])?.[0];
    const claude = encoded({ messages });
    assert.deepEqual(first(claude), { reasoningContent: { reasoningText: { text: 'hm', signature: 'c2ln' } } });
    const nova = encoded({ messages }, NOVA);
    assert.deepEqual(first(nova), { text: 'x' });
    assert.deepEqual(codes(nova), ['reasoning-history hint']);
  });

  it('marks what shall be kept with cache points, where the model keeps anything', () => {
    const messages: Message[] = [{ role: 'user', parts: [{ kind: 'text', text: 'long', cache: { ttl: '1h' } }] }];
    const marked = encoded({ messages }).body['messages'];
    assert.deepEqual(marked, [
      { role: 'user', content: [{ text: 'long' }, { cachePoint: { type: 'default', ttl: '1h' } }] },
    ]);
    assert.deepEqual(codes(encoded({ messages }, 'meta.llama4')), ['cache-mark hint']);
  });

  it('leaves tools out where none may be called, unless calls stand in the conversation', () => {
    const tools: ChatRequest['tools'] = [{ kind: 'function', name: 't' }];
    const free = encoded({ tools, toolChoice: { kind: 'none' } });
    assert.equal(free.body['toolConfig'], undefined);
    assert.deepEqual(codes(free), ['tool-choice hint']);
    const call: Message = { role: 'assistant', parts: [{ kind: 'tool-call', id: '1', name: 't', arguments: '' }] };
    const result: Message = { role: 'tool', parts: [{ kind: 'tool-result', callId: '1', parts: [] }] };
    const bound = encoded({ tools, toolChoice: { kind: 'none' }, messages: [said('user', 'a'), call, result] });
    assert.notEqual(bound.body['toolConfig'], undefined);
    assert.deepEqual(codes(bound), ['tool-choice meaning']);
  });

  it('keeps a limit that the budget sets, and leaves out thinking that no longer fits', () => {
    const limited = bedrockConverse.limitOutput({ messages: [], inferenceConfig: { maxTokens: 50, topP: 1 } }, 10);
    assert.deepEqual(limited['inferenceConfig'], { maxTokens: 10, topP: 1 });
    const body: JsonRecord = {
      messages: [],
      additionalModelRequestFields: { thinking: { budget_tokens: 2000 }, top_k: 1 },
    };
    assert.deepEqual(bedrockConverse.limitOutput(body, 1500)['additionalModelRequestFields'], { top_k: 1 });
    assert.equal(
      bedrockConverse.limitOutput({ inferenceConfig: { maxTokens: 5 } }, 10)['inferenceConfig'] !== undefined,
      true,
    );
  });
});

describe('a stream of Converse', () => {
  it('writes an error that its own reader takes for one, before and after content', () => {
    const of = fault('upstream-rate-limited', { provider: 'p', reason: 'slow down' });
    const encoder = bedrockConverse.encoder(CONTEXT);
    const bytes = Buffer.concat([
      encoder.push({ type: 'text-delta', choice: 0, text: 'half' }),
      encoder.push({ type: 'error', fault: of }),
      encoder.end(),
    ]);
    const decoder = bedrockConverse.decoder('gateway');
    const events = [...decoder.push(bytes), ...decoder.end()];
    const last = events.at(-1);
    assert.equal(last?.type === 'error' ? last.fault.code : '', 'upstream-rate-limited');
    assert.deepEqual(events.at(-2), { type: 'text-delta', choice: 0, text: 'half' });
  });

  it('keeps calls whose pieces come mixed apart', () => {
    const encoder = bedrockConverse.encoder(CONTEXT);
    const start = (call: number): Buffer =>
      encoder.push({ type: 'tool-call-start', choice: 0, call, id: `c${call}`, name: 't' });
    const piece = (call: number, text: string): Buffer =>
      encoder.push({ type: 'tool-call-delta', choice: 0, call, arguments: text });
    const bytes = Buffer.concat([start(0), piece(0, '{"a"'), start(1), piece(1, '{}'), piece(0, ':1}'), encoder.end()]);
    const decoder = bedrockConverse.decoder('gateway');
    const texts = ['', ''];
    for (const event of [...decoder.push(bytes), ...decoder.end()])
      if (event.type === 'tool-call-delta') texts[event.call] += event.arguments;
    assert.deepEqual(texts, ['{"a":1}', '{}']);
  });

  it('tells two blocks of text apart, and one block in pieces as one', () => {
    const delta = (contentBlockIndex: number, text: string): Buffer =>
      encodeFrame('event', 'contentBlockDelta', { contentBlockIndex, delta: { text } });
    const stop = (contentBlockIndex: number): Buffer => encodeFrame('event', 'contentBlockStop', { contentBlockIndex });
    const end = encodeFrame('event', 'messageStop', { stopReason: 'end_turn' });
    const decoder = bedrockConverse.decoder('gateway');
    const bytes = Buffer.concat([delta(0, 'a'), delta(0, 'b'), stop(0), delta(1, 'c'), stop(1), end]);
    const { choices } = collect([...decoder.push(bytes), ...decoder.end()], 'bedrock-converse');
    assert.deepEqual(choices[0]?.parts, [
      { kind: 'text', text: 'ab' },
      { kind: 'text', text: 'c' },
    ]);
  });

  it('in plain text is not one', () => {
    const decoder = bedrockConverse.decoder('gateway');
    const [only] = decoder.push(Buffer.from('data: {"choices":[]}\n\ndata: [DONE]\n\n'));
    assert.equal(only?.type === 'error' ? only.fault.code : '', 'upstream-invalid');
  });
});
