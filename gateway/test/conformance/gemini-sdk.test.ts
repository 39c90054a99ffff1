/** Google's own SDK reads what we write, over a real socket. */
import { ApiError, GoogleGenAI } from '@google/genai';
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { collect } from '../../src/chat/collect.ts';
import { fault } from '../../src/chat/fault.ts';
import type { ChatEvent, ChatResponse } from '../../src/chat/reply.ts';
import { gemini } from '../../src/dialects/gemini.ts';
import { parseJson, type Json, type JsonRecord } from '../../src/lib/json.ts';
import { CONTEXT, decodeAll, record, replies, skip, streams } from './gemini-recordings.ts';

const FOREIGN: ChatResponse = {
  origin: 'anthropic-messages',
  id: 'msg_1',
  model: 'claude-test',
  createdAt: 1_790_000_000,
  choices: [
    {
      index: 0,
      parts: [
        { kind: 'reasoning', text: 'Let me see.', signature: { origin: 'anthropic-messages', value: 'sig+/==' } },
        { kind: 'reasoning', text: '', encrypted: { origin: 'anthropic-messages', value: 'sealed' } },
        {
          kind: 'text',
          text: 'Grüße aus Oslo.',
          citations: [
            { origin: 'anthropic-messages', url: 'https://oslo.example', title: 'Oslo', start: 10, end: 14, raw: {} },
          ],
        },
        { kind: 'tool-call', id: 'toolu_1', name: 'get_weather', arguments: '{"city":"Oslo"}' },
        { kind: 'tool-call', id: 'toolu_2', name: 'get_time', arguments: '' },
      ],
      finish: { reason: 'tool-calls', raw: 'tool_use' },
    },
  ],
  usage: { inputTokens: 20, cachedInputTokens: 8, outputTokens: 12, reasoningTokens: 5 },
};

describe('gemini: @google/genai reads what we write', () => {
  let next: { readonly status: number; readonly type: string; readonly body: string } = {
    status: 200,
    type: '',
    body: '',
  };
  const seen: { readonly path: string; readonly body: Json | undefined; readonly key: unknown }[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      seen.push({
        path: request.url ?? '',
        body: parseJson(Buffer.concat(chunks).toString('utf8')),
        key: request.headers['x-goog-api-key'],
      });
      response.writeHead(next.status, { 'content-type': next.type });
      response.end(next.body);
    });
  });
  let ai = new GoogleGenAI({ apiKey: 'none' });

  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = address === null || typeof address === 'string' ? 0 : address.port;
    ai = new GoogleGenAI({
      apiKey: 'tk_test',
      httpOptions: { baseUrl: `http://127.0.0.1:${port}`, apiVersion: 'v1beta' },
    });
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });

  function answer(body: JsonRecord, status: number = 200): void {
    next = { status, type: 'application/json', body: JSON.stringify(body) };
  }

  function stream(events: readonly ChatEvent[]): void {
    const encoder = gemini.encoder(CONTEXT);
    next = {
      status: 200,
      type: 'text/event-stream',
      body: events.map((event) => encoder.push(event)).join('') + encoder.end(),
    };
  }

  async function readStream(): Promise<{
    readonly text: string;
    readonly calls: readonly unknown[];
    readonly finish: string | undefined;
    readonly usage: unknown;
    readonly signatures: readonly string[];
  }> {
    const chunks = await ai.models.generateContentStream({ model: 'gemini-2.5-flash', contents: 'Hi' });
    let said = '';
    let finish: string | undefined;
    let usage: unknown;
    const calls: unknown[] = [];
    const signatures: string[] = [];
    for await (const chunk of chunks) {
      for (const part of chunk.candidates?.[0]?.content?.parts ?? []) {
        if (part.text !== undefined && part.thought !== true) said += part.text;
        if (part.functionCall !== undefined) calls.push(part.functionCall);
        if (part.thoughtSignature !== undefined) signatures.push(part.thoughtSignature);
      }
      finish = chunk.candidates?.[0]?.finishReason ?? finish;
      usage = chunk.usageMetadata ?? usage;
    }
    return { text: said, calls, finish, usage, signatures };
  }

  const CALLS = [
    { id: 'toolu_1', name: 'get_weather', args: { city: 'Oslo' } },
    { id: 'toolu_2', name: 'get_time', args: {} },
  ];
  const USAGE = {
    promptTokenCount: 20,
    cachedContentTokenCount: 8,
    candidatesTokenCount: 7,
    thoughtsTokenCount: 5,
    totalTokenCount: 32,
  };

  it('reads a whole reply of another provider, and gives its signatures back in the next request', async () => {
    answer(gemini.encodeResponse(FOREIGN, CONTEXT).body);
    const reply = await ai.models.generateContent({ model: 'gemini-2.5-flash', contents: 'Hi' });
    assert.equal(reply.text, 'Grüße aus Oslo.');
    assert.deepEqual(reply.functionCalls, CALLS);
    assert.equal(reply.candidates?.[0]?.finishReason, 'STOP');
    assert.deepEqual(reply.usageMetadata, USAGE);
    assert.equal(reply.modelVersion, 'claude-test');
    assert.deepEqual(reply.candidates?.[0]?.groundingMetadata?.groundingSupports?.[0]?.segment, {
      startIndex: 12,
      endIndex: 16,
      text: 'Oslo',
    });
    const content = reply.candidates?.[0]?.content;
    assert.ok(content !== undefined);
    await ai.models.generateContent({
      model: 'gemini-2.5-flash',
      contents: ['Hi', content].map((item) =>
        typeof item === 'string' ? { role: 'user', parts: [{ text: item }] } : item,
      ),
    });
    const decoded = gemini.decodeRequest(record(seen.at(-1)?.body), { model: 'gemini-2.5-flash', isStreaming: false });
    assert.ok(decoded.ok);
    const [thought, sealed] = decoded.value.messages[1]?.parts ?? [];
    assert.deepEqual(thought?.kind === 'reasoning' && thought.signature, {
      origin: 'anthropic-messages',
      value: 'sig+/==',
    });
    assert.deepEqual(sealed?.kind === 'reasoning' && sealed.encrypted, {
      origin: 'anthropic-messages',
      value: 'sealed',
    });
    assert.equal(seen.at(-1)?.key, 'tk_test');
  });

  it('reads a stream whose calls came in pieces', async () => {
    stream([
      { type: 'start', id: 'chatcmpl-1', model: 'gpt-test' },
      { type: 'text-delta', choice: 0, text: 'Grüße ' },
      { type: 'text-delta', choice: 0, text: 'aus Oslo.' },
      { type: 'tool-call-start', choice: 0, call: 0, id: 'toolu_1', name: 'get_weather' },
      { type: 'tool-call-delta', choice: 0, call: 0, arguments: '{"ci' },
      { type: 'tool-call-start', choice: 0, call: 1, id: 'toolu_2', name: 'get_time' },
      { type: 'tool-call-delta', choice: 0, call: 0, arguments: 'ty":"Oslo"}' },
      { type: 'finish', choice: 0, finish: { reason: 'tool-calls', raw: 'tool_calls' } },
      { type: 'usage', usage: { inputTokens: 20, cachedInputTokens: 8, outputTokens: 12, reasoningTokens: 5 } },
    ]);
    const read = await readStream();
    assert.equal(read.text, 'Grüße aus Oslo.');
    assert.deepEqual(read.calls, CALLS);
    assert.equal(read.finish, 'STOP');
    assert.deepEqual(read.usage, USAGE);
    assert.match(seen.at(-1)?.path ?? '', /:streamGenerateContent\?alt=sse$/);
  });

  it('raises the error that ends a broken stream', async () => {
    stream([
      { type: 'start' },
      { type: 'text-delta', choice: 0, text: 'Half an ans' },
      { type: 'error', fault: fault('upstream-cut', { provider: 'google' }) },
    ]);
    await assert.rejects(
      readStream(),
      (error: unknown) => error instanceof ApiError && error.status === 502 && /ended the stream/.test(error.message),
    );
    const context = { requestId: 'req_1' };
    next = {
      ...next,
      body: `data: {"candidates":[]}\n\n${gemini.encodeStreamFault(fault('overloaded', { reason: 'memory' }), context)}`,
    };
    await assert.rejects(readStream(), (error: unknown) => error instanceof ApiError && error.status === 503);
  });

  it('raises a fault with its status', async () => {
    answer(
      gemini.encodeFault(fault('model-unknown', { model: 'x', hint: '' }, { param: 'model' }), { requestId: 'req_1' }),
      404,
    );
    await assert.rejects(
      ai.models.generateContent({ model: 'x', contents: 'Hi' }),
      (error: unknown) => error instanceof ApiError && error.status === 404,
    );
  });

  it('reads every recorded reply and stream after we wrote them anew', { skip }, async () => {
    for (const one of replies) {
      const decoded = gemini.decodeResponse(record(one.response), one.provider);
      assert.ok(decoded.ok);
      answer(gemini.encodeResponse(decoded.value, CONTEXT).body);
      const reply = await ai.models.generateContent({ model: 'gemini-2.5-flash', contents: 'Hi' });
      const words =
        decoded.value.choices[0]?.parts.map((part) => (part.kind === 'text' ? part.text : '')).join('') ?? '';
      const read = (reply.candidates?.[0]?.content?.parts ?? [])
        .map((part) => (part.thought === true ? '' : (part.text ?? '')))
        .join('');
      assert.equal(read, words, one.id);
    }
    for (const one of streams) {
      const events = decodeAll(one);
      stream(events);
      const whole = collect(events, 'gemini').choices[0];
      const read = await readStream();
      assert.equal(
        read.text,
        whole?.parts.map((part) => (part.kind === 'text' ? part.text : '')).join('') ?? '',
        one.id,
      );
      assert.equal(read.calls.length, whole?.parts.filter((part) => part.kind === 'tool-call').length ?? 0, one.id);
    }
    console.log(`SDK: ${replies.length} replies and ${streams.length} streams read`);
  });
});
