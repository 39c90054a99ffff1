import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { isDay, readStatement, type StatementLine } from './statement.ts';

function linesOf(text: string): readonly StatementLine[] {
  const read = readStatement(text);
  assert.ok(read.ok, read.ok ? '' : read.error);
  return read.value.lines;
}

function page(results: readonly object[], more: object = {}): string {
  const bucket = { object: 'bucket', start_time: 1_730_419_200, end_time: 1_730_505_600, results };
  return JSON.stringify({ object: 'page', data: [bucket], has_more: false, next_page: null, ...more });
}

function anthropicPage(results: readonly object[]): string {
  const bucket = { starting_at: '2025-08-01T00:00:00Z', ending_at: '2025-08-02T00:00:00Z', results };
  return JSON.stringify({ data: [bucket], has_more: false, next_page: null });
}

const tokens = {
  object: 'organization.usage.completions.result',
  input_tokens: 1000,
  input_cached_tokens: 400,
  output_tokens: 500,
  num_model_requests: 5,
  model: 'gpt-5-2025-08-07',
};

describe('a statement', () => {
  it('has days of the calendar only', () => {
    const read = readStatement('day,cost_usd\n2026-11-20,1\n2026-11-31,1\n');
    assert.deepEqual(read, { ok: false, error: 'line 3 is not one: 2026-11-31,1' });
    const days = ['2026-11-31', '2026-13-45', '2025-02-29', '2026-1-1', ''].filter((day) => isDay(day));
    assert.deepEqual([...days, isDay('2024-02-29')], [true]);
  });

  it("reads OpenAI's usage by model", () => {
    assert.deepEqual(linesOf(page([tokens])), [
      { day: '2024-11-01', model: 'gpt-5-2025-08-07', requests: 5, inputTokens: 1000, outputTokens: 500 },
    ]);
  });

  it("reads OpenAI's costs by line item, and as a whole", () => {
    const cost = (value: number, item: string | null): object => ({
      object: 'organization.costs.result',
      amount: { value, currency: 'usd' },
      line_item: item,
    });
    const items = [cost(0.06, null), cost(0.1234567891, 'gpt-5, cached input'), cost(12_345.67, 'web search')];
    assert.deepEqual(linesOf(page(items)), [
      { day: '2024-11-01', costNanoUsd: 60_000_000n },
      { day: '2024-11-01', model: 'gpt-5', costNanoUsd: 123_456_789n },
      { day: '2024-11-01', model: 'web search', costNanoUsd: 12_345_670_000_000n },
    ]);
  });

  it("reads Anthropic's usage: cached and written input is input too", () => {
    const row = {
      uncached_input_tokens: 1500,
      cache_creation: { ephemeral_1h_input_tokens: 1000, ephemeral_5m_input_tokens: 500 },
      cache_read_input_tokens: 200,
      output_tokens: 50,
      server_tool_use: { web_search_requests: 10 },
      model: 'claude-sonnet-4-5',
    };
    assert.deepEqual(linesOf(anthropicPage([row])), [
      { day: '2025-08-01', model: 'claude-sonnet-4-5', inputTokens: 3200, outputTokens: 50 },
    ]);
  });

  it("reads Anthropic's costs, which are cents", () => {
    const row = { amount: '123.78912', currency: 'USD', model: 'claude-sonnet-4-5', token_type: 'output_tokens' };
    assert.deepEqual(linesOf(anthropicPage([row])), [
      { day: '2025-08-01', model: 'claude-sonnet-4-5', costNanoUsd: 1_237_891_200n },
    ]);
  });

  it("reads the items of Anthropic's analytics", () => {
    const item = { starting_at: '2026-09-01T00:00:00Z', ending_at: '2026-09-02T00:00:00Z' };
    const group = { model: 'claude-sonnet-4-5', actor: null };
    const used = { uncached_input_tokens: 7, cache_read_input_tokens: 3, output_tokens: 2, requests: 4 };
    const data = [
      { ...item, group, usage: used },
      { ...item, group, cost: { amount: '150', currency: 'USD', list_amount: '200', requests: 4 } },
    ];
    const of = { day: '2026-09-01', model: 'claude-sonnet-4-5' };
    assert.deepEqual(linesOf(JSON.stringify({ data, has_more: false })), [
      { ...of, requests: 4, inputTokens: 10, outputTokens: 2 },
      { ...of, costNanoUsd: 1_500_000_000n },
    ]);
  });

  it('takes pages as an array, or one a line, and says where one is missing', () => {
    const one = page([tokens]);
    assert.equal(linesOf(`[${one},${one}]`).length, 2);
    assert.equal(linesOf(`${one}\n${one}\n`).length, 2);
    const cut = readStatement(page([tokens], { has_more: true }));
    assert.equal(cut.ok && cut.value.isCut, true);
  });

  it('reads a CSV, in any order of its columns', () => {
    const text = 'model,day,cost_usd,input_tokens,note\n"gpt-5",2026-11-20,1.5,10,x\n,2026-11-21,0.000000001,,\n';
    assert.deepEqual(linesOf(text), [
      { day: '2026-11-20', model: 'gpt-5', inputTokens: 10, costNanoUsd: 1_500_000_000n },
      { day: '2026-11-21', costNanoUsd: 1n },
    ]);
  });

  it('refuses what is none', () => {
    for (const text of ['', 'hello', '{"error":{}}', '[1]', 'day,cost_usd\n2026-11-20,1e9\n', 'day,requests\n1,2\n'])
      assert.equal(readStatement(text).ok, false, text);
    const read = readStatement('day,requests\n2026-11-20,2\n2026-11-20,many\n');
    assert.match(read.ok ? '' : read.error, /line 3/);
  });
});
