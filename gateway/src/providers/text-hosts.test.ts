import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openaiChat } from '../dialects/openai-chat.ts';
import { openaiCompletions } from '../dialects/openai-completions.ts';
import { openaiResponses } from '../dialects/openai-responses.ts';
import { azure } from './azure.ts';
import { deepseek, deepseekText } from './deepseek.ts';
import { makeProvider, odd } from './index.ts';
import { localServers } from './local.ts';
import { openai } from './openai.ts';
import { fireworks, togetherText } from './text-hosts.ts';
import { together } from './together.ts';

const URL = 'https://api.example/v1';

describe('text completions', () => {
  const rows = [
    [openai, 'gpt-3.5-turbo-instruct', true],
    [openai, 'davinci-002', true],
    [openai, 'gpt-5-nano', false],
    [azure, 'gpt-35-turbo-instruct', true],
    [azure, 'gpt-4o', false],
    [together, 'meta-llama/Meta-Llama-3.1-70B', true],
    [fireworks, 'accounts/fireworks/models/deepseek-v3', true],
    [deepseek, 'deepseek-chat', true],
    [localServers.vllm, 'anything', true],
    [odd.anthropic, 'claude-sonnet-4-5', false],
    [odd.mistral, 'codestral-2508', false],
  ] as const;
  for (const [provider, model, isSpoken] of rows) {
    it(`are ${isSpoken ? '' : 'not '}asked for with ${model} at ${provider.id}`, () => {
      const speaks = 'alsoSpeaks' in provider ? provider.alsoSpeaks?.['openai-completions'] : undefined;
      assert.equal(speaks?.(model, URL) ?? false, isSpoken);
    });
  }

  it('of DeepSeek stand under /beta, whatever version the address names', () => {
    const made = makeProvider({ id: 'deepseek', name: 'DeepSeek', envKeys: [] }, openaiCompletions);
    assert.equal(made.url, deepseekText.url);
    const at = (baseUrl: string): string | undefined =>
      made.url?.({ baseUrl, path: '/completions', model: 'deepseek-chat', isStreaming: false });
    for (const base of ['', '/', '/v1', '/beta/'])
      assert.equal(at(`https://api.deepseek.com${base}`), 'https://api.deepseek.com/beta/completions');
    assert.equal(makeProvider({ id: 'deepseek', name: 'DeepSeek', envKeys: [] }, openaiResponses).url, undefined);
  });

  it('of Together are not asked for usage, which comes anyway, and its chat is', () => {
    const row = { id: 'togetherai', name: 'Together AI', envKeys: [] };
    assert.equal(makeProvider(row, openaiCompletions).asksStreamUsage, togetherText.asksStreamUsage);
    assert.equal(makeProvider(row, openaiChat).asksStreamUsage, undefined);
    assert.equal(makeProvider(row, openaiChat).baseUrl, 'https://api.together.ai/v1');
  });

  it("of a server of one's own are free of charge, as its chat is", () => {
    const made = makeProvider({ id: 'vllm', name: 'vLLM', envKeys: [] }, openaiCompletions);
    assert.deepEqual([made.isFree, made.isKeyless], [true, true]);
  });
});
