import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ChatRequest, Message } from '../chat/request.ts';
import { stageOf } from './stage.ts';

const user = (text: string): Message => ({ role: 'user', parts: [{ kind: 'text', text }] });
const reply = (text: string): Message => ({ role: 'assistant', parts: [{ kind: 'text', text }] });
const call = (name: string, given: string): Message => ({
  role: 'assistant',
  parts: [{ kind: 'tool-call', id: 'c', name, arguments: given }],
});
const result = (text: string, isError?: boolean): Message => ({
  role: 'tool',
  parts: [
    {
      kind: 'tool-result',
      callId: 'c',
      parts: [{ kind: 'text', text }],
      ...(isError === undefined ? {} : { isError }),
    },
  ],
});

function stage(messages: readonly Message[], hasTools = true): ReturnType<typeof stageOf> {
  const tools = hasTools ? [{ kind: 'function', name: 'read' } as const] : [];
  const request: ChatRequest = {
    origin: 'openai-chat',
    model: 'm',
    messages,
    tools,
    sampling: {},
    isStreaming: false,
    extras: [],
  };
  return stageOf(request);
}

describe('the stage of a run', () => {
  const kinds: readonly (readonly [string, readonly Message[], boolean, string])[] = [
    ['one question', [user('hi')], false, 'single'],
    ['a conversation', [user('hi'), reply('hello'), user('and?')], false, 'chat'],
    ['a task with tools', [user('do it')], true, 'agent-start'],
    ['a result to go on from', [user('do it'), call('read', '{}'), result('text')], true, 'agent-step'],
    [
      'a new task after a run',
      [user('a'), call('read', '{}'), result('t'), reply('done'), user('b')],
      true,
      'agent-start',
    ],
  ];
  for (const [name, messages, hasTools, kind] of kinds)
    it(`is ${kind} at ${name}`, () => {
      assert.equal(stage(messages, hasTools).kind, kind);
    });

  it('is stuck after three failures in a row, not after two', () => {
    const failures = [1, 2, 3].flatMap((n) => [call('bash', `{"n":${n}}`), result('Error: no such table')]);
    assert.deepEqual(stage([user('x'), ...failures]), {
      kind: 'agent-stuck',
      turns: 1,
      toolResults: 3,
      failedCalls: 3,
      repeatedCalls: 0,
    });
    assert.equal(stage([user('x'), ...failures.slice(2)]).kind, 'agent-step');
    assert.equal(stage([user('x'), ...failures, call('ls', '{}'), result('ok')]).kind, 'agent-step');
  });

  it('is stuck where the same call is made a third time, and forgets at the next user turn', () => {
    const same = [1, 2, 3].flatMap(() => [call('read', '{"path":"a"} '), result('text')]);
    assert.equal(stage([user('x'), ...same]).kind, 'agent-stuck');
    assert.equal(stage([user('x'), ...same]).repeatedCalls, 2);
    assert.equal(
      stage([user('x'), ...same, reply('done'), user('y'), call('read', '{"path":"a"}'), result('t')]).kind,
      'agent-step',
    );
  });

  const failed = [
    'Error: ENOENT: no such file or directory',
    'Traceback (most recent call last):\n  File "a.py"',
    '<tool_use_error>File has not been read yet</tool_use_error>',
    'bash: foo: command not found',
    'Exit code: 1\nOutput: …',
    'Command failed with exit code 2',
    '{"error": {"message": "quota"}}',
    '{"success": false}',
    'TypeError: x is not a function',
    'fatal: not a git repository',
    'Process exited with code 127',
    'MCP error -32602: unknown tool',
  ];
  for (const text of failed)
    it(`counts ${JSON.stringify(text.slice(0, 40))} as failed`, () => {
      assert.equal(stage([user('x'), call('t', '{}'), result(text)]).failedCalls, 1);
    });

  const fine = [
    'Process exited with code 0\nOutput:\nHello',
    'The errors of the past are explained in chapter 3',
    'src/error.ts: export class Error {}',
    '{"error": null, "rows": 3}',
    '0 errors, 2 warnings',
    'Exit code: 0',
    '',
  ];
  for (const text of fine)
    it(`counts ${JSON.stringify(text.slice(0, 40))} as done`, () => {
      assert.equal(stage([user('x'), call('t', '{}'), result(text)]).failedCalls, 0);
    });

  it('takes the word of a result that says itself whether it failed', () => {
    assert.equal(stage([user('x'), call('t', '{}'), result('Error: shown to you', false)]).failedCalls, 0);
    assert.equal(stage([user('x'), call('t', '{}'), result('all well', true)]).failedCalls, 1);
  });
});
