/** AWS's own client, over a real socket, against made-up replies: with a bearer token, as Bedrock's API keys are sent. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  CountTokensCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
  ThrottlingException,
  ValidationException,
  type ConverseStreamOutput,
  type Message,
  type ToolConfiguration,
} from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Simulator } from './simulator.ts';
import { startSimulator } from './simulator.ts';
import { NOTICE } from './synthetic/words.ts';

const MODEL = 'us.anthropic.claude-haiku-4-5-20251001-v1:0';
const ARN = 'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0';
const HELLO: Message[] = [{ role: 'user', content: [{ text: 'Hello there' }] }];
const TOOLS: ToolConfiguration = {
  tools: [
    {
      toolSpec: {
        name: 'forecast',
        inputSchema: { json: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } },
      },
    },
  ],
  toolChoice: { any: {} },
};

let simulator: Simulator;
let client: BedrockRuntimeClient;
before(async () => {
  simulator = await startSimulator();
  client = new BedrockRuntimeClient({
    region: 'us-east-1',
    endpoint: `${simulator.url}/bedrock`,
    token: { token: 'bedrock-api-key-simulated' },
    authSchemePreference: ['httpBearerAuth'],
    maxAttempts: 1,
    // By default it speaks HTTP/2 without TLS, which nobody else here does.
    requestHandler: new NodeHttpHandler(),
  });
});
after(async () => {
  client.destroy();
  await simulator.close();
});

async function eventsOf(
  stream: AsyncIterable<ConverseStreamOutput> | undefined,
): Promise<readonly ConverseStreamOutput[]> {
  assert.ok(stream !== undefined);
  const events: ConverseStreamOutput[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

describe('the client of Bedrock', () => {
  it('gets text and usage from Converse, the model being an id or an ARN', async () => {
    for (const modelId of [MODEL, ARN]) {
      const reply = await client.send(new ConverseCommand({ modelId, messages: HELLO }));
      const text = reply.output?.message?.content?.[0]?.text ?? '';
      assert.ok(text.startsWith(NOTICE));
      assert.equal(reply.stopReason, 'end_turn');
      assert.equal(reply.usage?.outputTokens, Math.ceil(text.length / 4));
      assert.equal(reply.usage.totalTokens, (reply.usage.inputTokens ?? 0) + reply.usage.outputTokens);
    }
  });

  it('gets the same text from ConverseStream, checked frame by frame, and usage last', async () => {
    const whole = await client.send(new ConverseCommand({ modelId: MODEL, messages: HELLO }));
    const { stream } = await client.send(new ConverseStreamCommand({ modelId: MODEL, messages: HELLO }));
    const events = await eventsOf(stream);
    const text = events.map((event) => event.contentBlockDelta?.delta?.text ?? '').join('');
    assert.equal(text, whole.output?.message?.content?.[0]?.text);
    assert.equal(events[0]?.messageStart?.role, 'assistant');
    assert.equal(events.at(-2)?.messageStop?.stopReason, 'end_turn');
    assert.deepEqual(events.at(-1)?.metadata?.usage, whole.usage);
  });

  it('gets a call, whole and streamed, and text after its result', async () => {
    const asked = { modelId: MODEL, messages: HELLO, toolConfig: TOOLS };
    const reply = await client.send(new ConverseCommand(asked));
    const use = reply.output?.message?.content?.find((block) => block.toolUse !== undefined)?.toolUse;
    assert.equal(reply.stopReason, 'tool_use');
    assert.equal(use?.name, 'forecast');
    const { stream } = await client.send(new ConverseStreamCommand(asked));
    const events = await eventsOf(stream);
    const input = events.map((event) => event.contentBlockDelta?.delta?.toolUse?.input ?? '').join('');
    assert.deepEqual(JSON.parse(input), use.input);
    const messages: Message[] = [
      ...HELLO,
      { role: 'assistant', content: [{ toolUse: use }] },
      { role: 'user', content: [{ toolResult: { toolUseId: use.toolUseId, content: [{ text: 'rain' }] } }] },
    ];
    const next = await client.send(
      new ConverseCommand({ modelId: MODEL, messages, toolConfig: { tools: TOOLS.tools } }),
    );
    assert.equal(next.stopReason, 'end_turn');
  });

  it('gets signed reasoning where it asks', async () => {
    const additionalModelRequestFields = { thinking: { type: 'enabled', budget_tokens: 1024 } };
    const reply = await client.send(
      new ConverseCommand({ modelId: MODEL, messages: HELLO, additionalModelRequestFields }),
    );
    const shown = reply.output?.message?.content?.[0]?.reasoningContent?.reasoningText;
    assert.ok(shown?.text !== '' && shown?.signature !== undefined);
  });

  it('gets an instance of its schema', async () => {
    const schema = JSON.stringify({ type: 'object', properties: { age: { type: 'integer' } }, required: ['age'] });
    const outputConfig = {
      textFormat: { type: 'json_schema' as const, structure: { jsonSchema: { schema, name: 'person' } } },
    };
    const reply = await client.send(new ConverseCommand({ modelId: MODEL, messages: HELLO, outputConfig }));
    const value: unknown = JSON.parse(reply.output?.message?.content?.[0]?.text ?? '');
    assert.ok(typeof value === 'object' && value !== null && 'age' in value && Number.isInteger(value.age));
  });

  it('raises the service’s own exceptions', async () => {
    const late: Message[] = [{ role: 'assistant', content: [{ text: 'hi' }] }];
    await assert.rejects(client.send(new ConverseCommand({ modelId: MODEL, messages: late })), ValidationException);
    simulator.script([{ status: 429 }]);
    await assert.rejects(client.send(new ConverseCommand({ modelId: MODEL, messages: HELLO })), ThrottlingException);
  });

  it('raises an exception that stands in a stream', async () => {
    const delta = { contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'half' } } };
    simulator.script([{ stream: [delta, { throttlingException: { message: 'slow down' } }] }]);
    const { stream } = await client.send(new ConverseStreamCommand({ modelId: MODEL, messages: HELLO }));
    await assert.rejects(eventsOf(stream), /slow down/);
  });

  it('counts tokens', async () => {
    const counted = await client.send(
      new CountTokensCommand({ modelId: MODEL, input: { converse: { messages: HELLO } } }),
    );
    assert.equal(counted.inputTokens, 3);
  });

  it('speaks Anthropic’s Messages to Claude by InvokeModel, whole and streamed', async () => {
    const body = JSON.stringify({
      anthropic_version: 'bedrock-2023-05-31',
      max_tokens: 500,
      messages: [{ role: 'user', content: 'Hello there' }],
    });
    const whole = await client.send(new InvokeModelCommand({ modelId: MODEL, body }));
    const message: { content: { text: string }[]; stop_reason: string } = JSON.parse(whole.body.transformToString());
    assert.equal(message.stop_reason, 'end_turn');
    const { body: stream } = await client.send(new InvokeModelWithResponseStreamCommand({ modelId: MODEL, body }));
    let text = '';
    let last = '';
    for await (const { chunk } of stream ?? []) {
      const event: { type: string; delta?: { text?: string } } = JSON.parse(Buffer.from(chunk?.bytes ?? []).toString());
      text += event.delta?.text ?? '';
      last = event.type;
    }
    assert.equal(text, message.content[0]?.text);
    assert.equal(last, 'message_stop');
    const wrong = JSON.stringify({ max_tokens: 5, messages: [] });
    await assert.rejects(client.send(new InvokeModelCommand({ modelId: MODEL, body: wrong })), ValidationException);
  });
});
