/**
 * Rows F28-F39 of the fault table: what a provider can do to a stream, seen by official SDKs and raw clients behind a real
 * gateway. Limits are smaller than the table's (first byte and idle 1.5 s, heartbeat 200 ms), so that nobody waits for them.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import type { JsonRecord } from '../../src/lib/json.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { ROOT_KEY, runCli, startGateway, type TestGateway, TOLERANT } from '../harness.ts';

const CUTS = [0, 1, 40, 150, 300, 420, 600, 900, 1200];
const REPLY = {
  reply: { text: 'One two three four five six seven eight nine ten.', usage: { input_tokens: 12, output_tokens: 11 } },
};

let simulator: Simulator;
let gateway: TestGateway;

function config(url: string): string {
  const price = 'models: {m: {price: {input: 1, output: 2}}}';
  return `
server: {heartbeat_ms: 200}
${TOLERANT}
providers:
  p: {dialect: openai-chat, base_url: "${url}/p/primary/v1", ${price}}
  s: {dialect: openai-chat, base_url: "${url}/p/secondary/v1", ${price}}
  a: {dialect: anthropic-messages, base_url: "${url}/anthropic", ${price}}
  g: {dialect: gemini, base_url: "${url}/gemini/v1beta", ${price}}
routes: {main: {targets: [p/m, s/m]}}
timeouts: {connect_ms: 2000, first_byte_ms: 1500, first_token_ms: 3000, idle_ms: 1500, total_ms: 4000}
attempts: 3
`;
}

before(async () => {
  simulator = await startSimulator();
  gateway = await startGateway({ config: config(simulator.url) });
});

beforeEach(() => simulator.script([]));

after(async () => {
  const verified = await runCli(['ledger', 'verify', '--json', '--data', `${gateway.dir}/data`], { cwd: gateway.dir });
  await gateway.stop();
  await simulator.close();
  assert.equal(verified.code, 0, verified.stdout + verified.stderr);
});

const openai = (): OpenAI => new OpenAI({ apiKey: ROOT_KEY, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
const anthropic = (): Anthropic => new Anthropic({ apiKey: ROOT_KEY, baseURL: gateway.url, maxRetries: 0 });
const google = (): GoogleGenAI => new GoogleGenAI({ apiKey: ROOT_KEY, httpOptions: { baseUrl: gateway.url } });

interface Heard {
  readonly text: string;
  /** What the SDK raised; undefined: it believes the reply complete. */
  readonly raised: unknown;
}

/** A stream as each official SDK hears it. */
const SDKS: Readonly<Record<string, (model: string) => Promise<Heard>>> = {
  openai: (model) =>
    heard(async (add) => {
      const stream = await openai().chat.completions.create({
        model,
        stream: true,
        messages: [{ role: 'user', content: 'hi' }],
      });
      for await (const chunk of stream) add(chunk.choices[0]?.delta.content ?? '');
    }),
  anthropic: (model) =>
    heard(async (add) => {
      const stream = anthropic().messages.stream({
        model,
        max_tokens: 100,
        messages: [{ role: 'user', content: 'hi' }],
      });
      stream.on('text', add);
      await stream.finalMessage();
    }),
  google: (model) =>
    heard(async (add) => {
      for await (const chunk of await google().models.generateContentStream({ model, contents: 'hi' }))
        add(chunk.text ?? '');
    }),
};

async function heard(listen: (add: (text: string) => void) => Promise<void>): Promise<Heard> {
  let text = '';
  try {
    await listen((more) => {
      text += more;
    });
    return { text, raised: undefined };
  } catch (error) {
    return { text, raised: error };
  }
}

interface Raw {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

async function raw(body: Readonly<Record<string, unknown>>, path = '/v1/chat/completions'): Promise<Raw> {
  const response = await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content: 'hi' }], stream: true, ...body }),
  });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

/** Rule R2, of chat completions. */
function assertErrorEvent(text: string): void {
  const last = text.trimEnd().split('\n\n').at(-1) ?? '';
  assert.match(last, /^data: \{"error":\{"message":.*"finish_reason":"error"/);
  assert.ok(!text.includes('[DONE]'), 'a broken stream must not be called done');
}

async function usageRows(): Promise<
  readonly { request_id: string; target: string; outcome: string; estimated: boolean; output_tokens: number }[]
> {
  const response = await fetch(`${gateway.url}/admin/v1/usage`, { headers: { authorization: `Bearer ${ROOT_KEY}` } });
  return ((await response.json()) as { rows: never[] }).rows;
}

describe('a stream that is cut', () => {
  for (const [name, listen] of Object.entries(SDKS)) {
    for (const target of ['p/m', 'a/m', 'g/m']) {
      it(`F28 F30 raises in the ${name} SDK after its text so far, wherever ${target} is cut`, async () => {
        const whole = await listenTo(listen, target, {});
        assert.equal(whole.raised, undefined);
        let raisedAfterText = 0;
        for (const at of CUTS) {
          for (const how of ['cut_at', 'reset_at'] as const) {
            const cut = await listenTo(listen, target, { [how]: at, times: 2 });
            if (cut.raised === undefined)
              assert.equal(cut.text, whole.text, `${how} ${at}: a part was taken for the whole`);
            else assert.ok(whole.text.startsWith(cut.text), `${how} ${at}`);
            if (cut.raised !== undefined && cut.text !== '') raisedAfterText += 1;
          }
        }
        assert.ok(raisedAfterText > 0, 'no cut fell into the text');
      });
    }
  }

  it('F28 is taken over by S unseen before the first content, and not after it', async () => {
    for (const at of CUTS) {
      simulator.script([
        { match: { provider: 'primary' }, ...REPLY, reset_at: at },
        { match: { provider: 'secondary' }, times: 'forever', ...REPLY },
      ]);
      const got = await raw({ model: 'main' });
      assert.equal(got.status, 200);
      const provider = got.headers.get('x-turnout-provider');
      if (provider === 's')
        assert.ok(got.text.includes('[DONE]') && got.headers.get('x-turnout-attempts') === '2', `reset at ${at}`);
      else if (!got.text.includes('[DONE]')) assertErrorEvent(got.text);
    }
  });

  it('F28 bills what was received, once, and says that it is an estimate', async () => {
    simulator.script([{ match: { provider: 'primary' }, ...REPLY, reset_at: { event: 6 } }]);
    const got = await raw({ model: 'p/m' });
    assertErrorEvent(got.text);
    const id = got.headers.get('x-request-id');
    const rows = (await usageRows()).filter((row) => row.request_id === id);
    assert.deepEqual(
      rows.map((row) => [row.target, row.outcome, row.estimated]),
      [['p/m', 'broke', true]],
    );
    assert.ok((rows[0]?.output_tokens ?? 0) > 0);
  });

  it('F29 ends in an error event when it ends cleanly without a finish', async () => {
    simulator.script([{ ...REPLY, end_at: { event: 5 } }]);
    assertErrorEvent((await raw({ model: 'p/m' })).text);
  });
});

async function listenTo(
  listen: (model: string) => Promise<Heard>,
  target: string,
  effects: Readonly<Record<string, unknown>>,
): Promise<Heard> {
  simulator.script([{ times: 1, ...REPLY, ...effects }]);
  return listen(target);
}

describe('a stream that is slow', () => {
  it('F31 gets heartbeats while it stalls, then an error event, and the provider is let go', async () => {
    simulator.script([{ ...REPLY, stall_at: { event: 5 } }]);
    const got = await raw({ model: 'p/m' });
    assert.ok((got.text.match(/: ping\n\n/g) ?? []).length >= 3);
    assertErrorEvent(got.text);
    const seen = simulator.log.requests.at(-1);
    await simulator.log.waitFor(
      (request) => request.sequence === seen?.sequence && request.socketClosedMs !== undefined,
      1000,
    );
  });

  it('F32 gets heartbeats before the first token, then the reply', async () => {
    simulator.script([{ ...REPLY, delay_ms: 1000 }]);
    const got = await raw({ model: 'p/m' });
    assert.ok(got.text.startsWith(': ping\n\n: ping\n\n'));
    assert.ok(got.text.includes('[DONE]') && got.text.includes('One'));
  });

  it('F32 keeps its status where it fails before the first heartbeat', async () => {
    simulator.script([{ times: 'forever', status: 500 }]);
    assert.equal((await raw({ model: 'p/m' })).status, 502);
  });

  it('F33 reads the same one byte at a time', async () => {
    simulator.script([REPLY]);
    const whole = await raw({ model: 'p/m' });
    simulator.script([{ ...REPLY, bytes_each: 1 }]);
    const bytes = await raw({ model: 'p/m' });
    assert.equal(contentOf(bytes.text), contentOf(whole.text));
    assert.ok(bytes.text.includes('[DONE]'));
  });

  it('F36 is cut at the total time when it never stops, with an error event, and billed', async () => {
    simulator.script([{ endless: true, chunk_delay_ms: 20 }]);
    const got = await raw({ model: 'p/m' });
    assertErrorEvent(got.text);
    const rows = (await usageRows()).filter((row) => row.request_id === got.headers.get('x-request-id'));
    assert.equal(rows.length, 1);
    assert.ok((rows[0]?.output_tokens ?? 0) > 20);
  });
});

describe('a stream that is odd', () => {
  const chunk = (delta: JsonRecord, finish: string | null = null): JsonRecord => ({
    id: 'c',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const error = {
    error: { message: 'the engine is on fire, key sk-secret1234567890abcdef', type: 'server_error', code: 'engine' },
  };

  it('F34 is taken over by S when an error comes before content', async () => {
    simulator.script([
      { match: { provider: 'primary' }, stream: [chunk({ role: 'assistant', content: '' }), error] },
      { match: { provider: 'secondary' }, ...REPLY },
    ]);
    const got = await raw({ model: 'main' });
    assert.deepEqual([got.headers.get('x-turnout-provider'), got.text.includes('[DONE]')], ['s', true]);
  });

  it('F34 ends in a clean error event when an error comes after content', async () => {
    simulator.script([{ stream: [chunk({ role: 'assistant', content: 'Hel' }), error] }]);
    const got = await raw({ model: 'p/m' });
    assertErrorEvent(got.text);
    assert.ok(!got.text.includes('sk-secret'), 'a secret of the provider came through');
  });

  it('F35 is given its [DONE] where it had only a finish', async () => {
    simulator.script([{ stream: [chunk({ content: 'Hello' }), chunk({}, 'stop')], framing: 'chunked' }]);
    const got = await raw({ model: 'p/m' });
    assert.ok(got.text.trimEnd().endsWith('data: [DONE]'));
  });

  it('F35 is complete with its last event, though the provider leaves the connection open', async () => {
    for (const model of ['p/m', 'a/m']) {
      for (const path of ['/v1/chat/completions', '/v1/messages']) {
        simulator.script([{ reply: { text: 'Hello', finish: 'stop' }, framing: 'unfinished' }]);
        const got = await raw({ model, max_tokens: 100 }, path);
        assert.equal(got.status, 200);
        assert.match(got.text, /Hello/);
        assert.match(got.text.trimEnd(), path === '/v1/messages' ? /event: message_stop\n.*$/ : /data: \[DONE\]$/);
      }
    }
  });

  it('F37 is made clean: CRLF, CR, BOM, comments, several data lines, no space, unknown events', async () => {
    const one = JSON.stringify(chunk({ content: 'One ' }));
    const two = JSON.stringify(chunk({ content: 'two ' }), undefined, 1).replaceAll('\n', '\ndata: ');
    const three = JSON.stringify(chunk({ content: 'three' }));
    const text = `\ufeff: hello\r\n\r\ndata:${one}\r\n\r\ndata: ${two}\n\nevent: strange\nid: 7\ndata: ${three}\r\rdata: ${JSON.stringify(chunk({}, 'stop'))}\n\ndata: [DONE]\n\n`;
    simulator.script([{ stream: [text] }]);
    const got = await raw({ model: 'p/m' });
    assert.equal(contentOf(got.text), 'One two three');
    assert.doesNotMatch(got.text, /\r|\ufeff/);
    assert.ok(got.text.trimEnd().endsWith('data: [DONE]'));
  });

  it('F38 comes as a stream though the provider sent JSON, and as JSON though it sent a stream', async () => {
    const whole = {
      id: 'c',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
    };
    simulator.script([{ json: whole }]);
    const streamed = await raw({ model: 'p/m' });
    assert.equal(contentOf(streamed.text), 'Hello');
    assert.match(streamed.headers.get('content-type') ?? '', /event-stream/);
    simulator.script([
      {
        stream: [
          chunk({ role: 'assistant', content: 'Hel' }),
          chunk({ content: 'lo' }),
          chunk({}, 'stop'),
          'data: [DONE]\n\n',
        ],
        headers: { 'content-type': 'text/event-stream' },
      },
    ]);
    const json = JSON.parse((await raw({ model: 'p/m', stream: false })).text) as {
      choices: { message: { content: string }; finish_reason: string }[];
    };
    assert.deepEqual([json.choices[0]?.message.content, json.choices[0]?.finish_reason], ['Hello', 'stop']);
  });

  it('F39 is refused where one line has 10 MiB', async () => {
    simulator.script([{ huge: { bytes: 10 * 1024 * 1024, as: 'sse' }, times: 'forever' }]);
    const got = await raw({ model: 'p/m' });
    if (got.status === 200) assertErrorEvent(got.text);
    else assert.equal(got.status, 502);
    assert.ok(got.text.length < 100_000);
  });
});

function contentOf(sse: string): string {
  const events = sse.split('\n\n').filter((block) => /^data: \{/m.test(block));
  return events
    .map((block) => {
      const data = block
        .split('\n')
        .filter((line) => line.startsWith('data: '))
        .map((line) => line.slice(6))
        .join('\n');
      const parsed = JSON.parse(data) as { choices?: { delta?: { content?: string } }[] };
      return parsed.choices?.[0]?.delta?.content ?? '';
    })
    .join('');
}
