import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import type { JsonRecord } from '../lib/json.ts';
import { azure } from './azure.ts';
import { cerebras } from './cerebras.ts';
import { databricks } from './databricks.ts';
import { deepseek } from './deepseek.ts';
import { groq } from './groq.ts';
import { makeProvider } from './index.ts';
import { mistral } from './mistral.ts';
import { openai } from './openai.ts';
import { openrouter, vercel } from './openrouter.ts';
import { perplexity } from './perplexity.ts';
import type { Provider } from './provider.ts';
import { snowflake } from './snowflake.ts';
import { together } from './together.ts';
import { writer } from './writer.ts';

const PLAIN: JsonRecord = { model: 'm', messages: [{ role: 'user', content: 'hi' }], stream: true };
const MARK = { cache_control: { type: 'ephemeral' } };

function body(more: JsonRecord): JsonRecord {
  return { ...PLAIN, ...more };
}

const call = { id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } };
const signedCall = { ...call, extra_content: { google: { thought_signature: 's' } } };
const packed = { type: 'reasoning.encrypted', data: 'turnout:openai-responses:abc', format: 'unknown', index: 1 };
const bare = { type: 'reasoning.text', text: 't', signature: 's', format: 'anthropic-claude-v1', index: 0 };
const history = {
  role: 'assistant',
  content: 'a',
  reasoning_content: 't',
  reasoning_details: [bare, packed],
  tool_calls: [signedCall],
};

/** What each provider does to a body that it would refuse. */
const CASES: readonly (readonly [name: string, Provider, given: JsonRecord, sent: JsonRecord])[] = [
  [
    'OpenAI gets its own word for a call that is demanded, for Mistral’s',
    openai,
    body({ tool_choice: 'any' }),
    body({ tool_choice: 'required' }),
  ],
  [
    'OpenAI reasoning models get the newer token limit',
    openai,
    body({ model: 'gpt-5-mini', max_tokens: 5 }),
    body({ model: 'gpt-5-mini', max_completion_tokens: 5 }),
  ],
  [
    'Snowflake gets the newer token limit, the one that its page has',
    snowflake,
    body({ model: 'claude-sonnet-4-6', max_tokens: 5 }),
    body({ model: 'claude-sonnet-4-6', max_completion_tokens: 5 }),
  ],
  [
    'Together gets the older token limit and no developer',
    together,
    body({ max_completion_tokens: 5, messages: [{ role: 'developer', content: 'x' }] }),
    body({ max_tokens: 5, messages: [{ role: 'system', content: 'x' }] }),
  ],
  [
    'OpenAI gets no reasoning and no signatures of others',
    openai,
    body({ messages: [history] }),
    body({ messages: [{ role: 'assistant', content: 'a', tool_calls: [call] }] }),
  ],
  [
    'OpenAI models that cache by themselves get no marks',
    openai,
    body({
      model: 'gpt-4o',
      messages: [{ role: 'user', content: [{ type: 'text', text: 'x', ...MARK }] }],
      tools: [{ type: 'function', ...MARK }],
    }),
    body({
      model: 'gpt-4o',
      messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }],
      tools: [{ type: 'function' }],
    }),
  ],
  [
    'OpenAI models with breakpoints get those',
    openai,
    body({ model: 'gpt-5.6-terra', messages: [{ role: 'user', content: [{ type: 'text', text: 'x', ...MARK }] }] }),
    body({
      model: 'gpt-5.6-terra',
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'x', prompt_cache_breakpoint: { mode: 'explicit' } }] },
      ],
    }),
  ],
  [
    'Mistral gets its own names and nothing it does not know',
    mistral,
    body({ max_completion_tokens: 5, seed: 7, stream_options: { include_usage: true }, user: 'u', top_p: 1 }),
    body({ max_tokens: 5, random_seed: 7, top_p: 1 }),
  ],
  [
    'Mistral gets documents in its own form, and no names or reasoning',
    mistral,
    body({
      messages: [
        {
          role: 'user',
          name: 'n',
          content: [{ type: 'file', file: { file_data: 'data:application/pdf;base64,AA==', filename: 'a.pdf' } }],
        },
        history,
      ],
    }),
    body({
      messages: [
        {
          role: 'user',
          content: [{ type: 'document_url', document_url: 'data:application/pdf;base64,AA==', document_name: 'a.pdf' }],
        },
        { role: 'assistant', content: 'a', tool_calls: [call] },
      ],
    }),
  ],
  [
    'Groq gets no reasoning in the history',
    groq,
    body({ messages: [history] }),
    body({ messages: [{ role: 'assistant', content: 'a', tool_calls: [call] }] }),
  ],
  [
    'Cerebras gets reasoning by its own name',
    cerebras,
    body({ messages: [history] }),
    body({ messages: [{ role: 'assistant', content: 'a', tool_calls: [call], reasoning: 't' }] }),
  ],
  [
    'DeepSeek gets its switch for thinking',
    deepseek,
    body({ reasoning_effort: 'none' }),
    body({ thinking: { type: 'disabled' } }),
  ],
  [
    'Databricks gets no reasoning in the history',
    databricks,
    body({ messages: [history] }),
    body({ messages: [{ role: 'assistant', content: 'a', tool_calls: [call] }] }),
  ],
  [
    'OpenRouter gets signatures of its own form, and none that we packed',
    openrouter,
    body({ messages: [history] }),
    body({ messages: [{ ...history, reasoning_details: [bare] }] }),
  ],
  [
    'Perplexity gets documents in its own form',
    perplexity,
    body({
      messages: [
        {
          role: 'user',
          content: [{ type: 'file', file: { file_data: 'data:application/pdf;base64,AA==', filename: 'a.pdf' } }],
        },
      ],
    }),
    body({
      messages: [{ role: 'user', content: [{ type: 'file_url', file_url: { url: 'AA==' }, file_name: 'a.pdf' }] }],
    }),
  ],
  [
    'a developer becomes the system where no model knows the role',
    mistral,
    body({ messages: [{ role: 'developer', content: 'd' }] }),
    body({ messages: [{ role: 'system', content: 'd' }] }),
  ],
];

describe('amendments', () => {
  for (const [name, provider, given, sent] of CASES) {
    it(name, () => {
      assert.equal(provider.needsAmend?.(given), true);
      assert.deepEqual(provider.amendRequest?.(given), sent);
      assert.equal(provider.needsAmend?.(sent), false, 'a second time changes nothing');
    });
  }

  it('leaves a plain body alone, for every provider', () => {
    for (const provider of [
      openai,
      azure,
      mistral,
      groq,
      cerebras,
      deepseek,
      databricks,
      openrouter,
      vercel,
      perplexity,
      writer,
    ]) {
      assert.equal(provider.needsAmend?.(PLAIN), false, provider.id);
      assert.deepEqual(provider.amendRequest?.(PLAIN), PLAIN, provider.id);
    }
  });

  it('keeps the newer token limit and the developer for models of OpenAI behind a gateway', () => {
    const given = body({
      model: 'openai/gpt-5',
      max_completion_tokens: 5,
      messages: [{ role: 'developer', content: 'd' }],
    });
    const gateway = makeProvider({ id: 'some-gateway', name: 'G', envKeys: [] }, openai.dialect);
    assert.deepEqual(gateway.amendRequest?.(given), given);
    const open = body({ model: 'openai/gpt-oss-120b', max_completion_tokens: 5 });
    assert.deepEqual(gateway.amendRequest?.(open), body({ model: 'openai/gpt-oss-120b', max_tokens: 5 }));
  });

  it('never asks for a change of bytes at a server of which nothing is known', () => {
    const server = makeProvider({ id: 'house', name: 'House', envKeys: [] }, openai.dialect);
    assert.equal(server.needsAmend?.(body({ max_completion_tokens: 5, messages: [history] })), false);
  });
});

describe('azure addresses', () => {
  const CALL = { path: '/chat/completions', model: 'gpt-4o mini/x' };
  const ADDRESSES = [
    ['https://r.openai.azure.com/openai/v1', 'https://r.openai.azure.com/openai/v1/chat/completions'],
    ['https://r.openai.azure.com/openai/v1/', 'https://r.openai.azure.com/openai/v1/chat/completions'],
    [
      'https://r.openai.azure.com',
      'https://r.openai.azure.com/openai/deployments/gpt-4o%20mini%2Fx/chat/completions?api-version=2024-12-01-preview',
    ],
    [
      'https://r.openai.azure.com/openai?api-version=2025-01-01',
      'https://r.openai.azure.com/openai/deployments/gpt-4o%20mini%2Fx/chat/completions?api-version=2025-01-01',
    ],
    [
      'https://r.openai.azure.com/openai/deployments/d1',
      'https://r.openai.azure.com/openai/deployments/d1/chat/completions?api-version=2024-12-01-preview',
    ],
    [
      'https://r.services.ai.azure.com/models',
      'https://r.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview',
    ],
  ] as const;
  for (const [baseUrl, url] of ADDRESSES) {
    it(`are made of ${baseUrl}`, () => {
      assert.equal(azure.url?.({ ...CALL, baseUrl, isStreaming: false }), url);
    });
  }

  it('come with a header of their own for the key', () => {
    assert.deepEqual(azure.headers?.('k'), { 'content-type': 'application/json', 'api-key': 'k' });
  });
});

describe('other seams', () => {
  it("marks the assistant's last words for Mistral, which goes on from them then", () => {
    const messages = [
      { role: 'user', content: 'count' },
      { role: 'assistant', content: 'one' },
    ];
    assert.deepEqual(mistral.markPrefill?.({ messages }), {
      messages: [messages[0], { ...messages[1], prefix: true }],
    });
  });

  it("puts Writer's calls under /chat", () => {
    const parts = { baseUrl: 'https://api.writer.com/v1', path: '/chat/completions', model: 'm', isStreaming: true };
    assert.equal(writer.url?.(parts), 'https://api.writer.com/v1/chat');
  });

  it('adds the reasoning that Vercel leaves out, where it is certain', () => {
    const raw = (completion: number, reasoning: number): JsonRecord => ({
      completion_tokens: completion,
      completion_tokens_details: { reasoning_tokens: reasoning },
    });
    const apart = vercel.amendUsage?.({ inputTokens: 9, outputTokens: 35, reasoningTokens: 35, raw: raw(35, 267) });
    assert.equal(apart?.outputTokens, 302);
    assert.equal(apart.reasoningTokens, 267);
    const within = { inputTokens: 9, outputTokens: 116, reasoningTokens: 64, raw: raw(116, 64) };
    assert.equal(vercel.amendUsage?.(within), within);
  });
});
