import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Part } from '../../chat/part.ts';
import type { ChatRequest, Loss, Message, Reasoning } from '../../chat/request.ts';
import type { Json, JsonRecord } from '../../lib/json.ts';
import { gemini } from '../gemini.ts';

const HI: Message = { role: 'user', parts: [{ kind: 'text', text: 'Hi' }] };

function chat(change: Partial<ChatRequest>): ChatRequest {
  return { origin: 'openai-chat', model: 'm', messages: [HI], sampling: {}, isStreaming: false, extras: [], ...change };
}

function encode(
  change: Partial<ChatRequest>,
  model: string = 'gemini-2.5-flash',
): { readonly body: JsonRecord; readonly losses: readonly Loss[] } {
  return gemini.encodeRequest(chat(change), { model });
}

function names(losses: readonly Loss[]): readonly string[] {
  return losses.map((loss) => `${loss.code} ${loss.field} ${loss.weight}`);
}

function user(...parts: readonly Part[]): Message {
  return { role: 'user', parts };
}

const CALL: Part = { kind: 'tool-call', id: 'call_a', name: 'get_weather', arguments: '{"city":"Oslo"}' };
const RESULT: Part = { kind: 'tool-result', callId: 'call_a', parts: [{ kind: 'text', text: '12°C' }] };

describe('gemini: a translated request', () => {
  it('keeps a JSON Schema whole, with references and additionalProperties', () => {
    const parameters = {
      type: 'object',
      $defs: { a: { type: 'string' } },
      properties: { x: { $ref: '#/$defs/a' } },
      additionalProperties: false,
    };
    const { body, losses } = encode({
      tools: [{ kind: 'function', name: 'f', description: 'd', parameters }],
      toolChoice: { kind: 'tool', name: 'f' },
      format: { kind: 'json-schema', schema: parameters, name: 'thing', strict: true },
    });
    assert.deepEqual(body['tools'], [
      { functionDeclarations: [{ name: 'f', description: 'd', parametersJsonSchema: parameters }] },
    ]);
    assert.deepEqual(body['toolConfig'], { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'] } });
    assert.deepEqual(body['generationConfig'], {
      responseMimeType: 'application/json',
      responseJsonSchema: { title: 'thing', ...parameters },
    });
    assert.deepEqual(losses, []);
  });

  it('names the tool of a result that has only an id, and keeps the words after results in the same message', () => {
    const { body } = encode({
      origin: 'anthropic-messages',
      messages: [
        HI,
        { role: 'assistant', parts: [{ kind: 'text', text: '' }, CALL] },
        { role: 'tool', parts: [RESULT], at: 'messages[2]' },
        { role: 'user', parts: [{ kind: 'text', text: 'Thanks' }], at: 'messages[2]' },
      ],
    });
    assert.deepEqual(body['contents'], [
      { role: 'user', parts: [{ text: 'Hi' }] },
      { role: 'model', parts: [{ functionCall: { id: 'call_a', name: 'get_weather', args: { city: 'Oslo' } } }] },
      {
        role: 'user',
        parts: [
          { functionResponse: { id: 'call_a', name: 'get_weather', response: { output: '12°C' } } },
          { text: 'Thanks' },
        ],
      },
    ]);
  });

  it('gives the first unsigned call of each turn the documented placeholder where the model would refuse it', () => {
    const assistant: Message = { role: 'assistant', parts: [CALL, { ...CALL, id: 'call_b' }] };
    const signatures = (model: string): readonly (Json | undefined)[] => {
      const contents = encode({ messages: [HI, assistant] }, model).body['contents'];
      const turn = Array.isArray(contents) ? contents[1] : undefined;
      return Array.isArray(turn?.parts) ? turn.parts.map((part: JsonRecord) => part['thoughtSignature']) : [];
    };
    assert.deepEqual(signatures('gemini-3-flash-preview'), ['skip_thought_signature_validator', undefined]);
    assert.deepEqual(signatures('gemini-flash-latest'), ['skip_thought_signature_validator', undefined]);
    assert.deepEqual(signatures('gemini-2.5-pro'), [undefined, undefined]);
  });

  it('drops signatures of other providers, keeps its own, and names each loss', () => {
    const { body, losses } = encode(
      {
        origin: 'anthropic-messages',
        messages: [
          HI,
          {
            role: 'assistant',
            parts: [
              {
                kind: 'reasoning',
                text: 'Hm.',
                signature: { origin: 'anthropic-messages', value: 's' },
                at: 'messages[1].content[0]',
              },
              {
                kind: 'reasoning',
                text: '',
                encrypted: { origin: 'anthropic-messages', value: 'e' },
                at: 'messages[1].content[1]',
              },
              { ...CALL, signature: { origin: 'gemini', value: 'own' } },
            ],
          },
        ],
      },
      'gemini-3-pro',
    );
    assert.deepEqual(body['contents'], [
      { role: 'user', parts: [{ text: 'Hi' }] },
      {
        role: 'model',
        parts: [
          { text: 'Hm.', thought: true },
          { functionCall: { id: 'call_a', name: 'get_weather', args: { city: 'Oslo' } }, thoughtSignature: 'own' },
        ],
      },
    ]);
    assert.deepEqual(names(losses), [
      'signature messages[1].content[0] hint',
      'reasoning-history messages[1].content[1] hint',
    ]);
  });

  it('puts media of a tool result inside it where the model takes that, else beside it', () => {
    const messages: readonly Message[] = [
      HI,
      { role: 'assistant', parts: [CALL] },
      {
        role: 'tool',
        parts: [
          {
            kind: 'tool-result',
            callId: 'call_a',
            parts: [{ kind: 'image', source: { by: 'base64', data: 'AAAA', mediaType: 'image/png' } }],
            isError: true,
          },
        ],
      },
    ];
    const image = { inlineData: { mimeType: 'image/png', data: 'AAAA' } };
    const result = { id: 'call_a', name: 'get_weather', response: { error: '' } };
    const nested = encode({ messages }, 'gemini-3-flash');
    const beside = encode({ messages }, 'gemini-2.5-flash');
    assert.deepEqual(last(nested.body), { role: 'user', parts: [{ functionResponse: { ...result, parts: [image] } }] });
    assert.deepEqual(last(beside.body), { role: 'user', parts: [{ functionResponse: result }, image] });
    assert.deepEqual(names(beside.losses), ['tool-result-media tool-result hint']);
  });

  it('sends addresses, data and files as they can be read', () => {
    const { body, losses } = encode({
      messages: [
        user(
          {
            kind: 'image',
            source: { by: 'url', url: 'https://x.example/a.PNG?b=1' },
            detail: 'high',
            at: 'messages[0].content[0]',
          },
          { kind: 'image', source: { by: 'url', url: 'data:image/gif;base64,R0lG' } },
          { kind: 'document', source: { by: 'text', text: 'Grüße' }, name: 'a.txt', at: 'messages[0].content[2]' },
          { kind: 'document', source: { by: 'file', id: 'file-123' }, at: 'messages[0].content[3]' },
        ),
      ],
    });
    assert.deepEqual(last(body), {
      role: 'user',
      parts: [
        { fileData: { mimeType: 'image/png', fileUri: 'https://x.example/a.PNG?b=1' } },
        { inlineData: { mimeType: 'image/gif', data: 'R0lG' } },
        { inlineData: { mimeType: 'text/plain', data: Buffer.from('Grüße').toString('base64') } },
      ],
    });
    assert.deepEqual(names(losses), [
      'image-detail messages[0].content[0] hint',
      'media-name messages[0].content[2] hint',
      'file-id messages[0].content[3] meaning',
    ]);
  });

  it('names what Gemini has no word for, as the caller wrote it', () => {
    const { body, losses } = encode({
      sampling: { temperature: 1, minP: 0.1, repetitionPenalty: 1.1, logitBias: { '1': 5 } },
      user: 'u',
      parallelToolCalls: false,
      stop: ['1', '2', '3', '4', '5', '6'],
      audio: { voice: 'alloy' },
      tools: [{ kind: 'function', name: 'f', strict: true, isCacheEnd: true, at: 'tools[0]' }],
      extras: [{ field: 'prediction', value: {}, weight: 'hint' }],
      messages: [
        {
          role: 'user',
          name: 'bob',
          parts: [{ kind: 'text', text: 'Hi', cache: {}, at: 'messages[0].content[0]' }],
          at: 'messages[0]',
        },
      ],
    });
    assert.deepEqual(names(losses).toSorted(), [
      'cache-mark messages[0].content[0] hint',
      'cache-mark tools[0] hint',
      'logit-bias logit_bias meaning',
      'name messages[0].name hint',
      'parallel-tool-calls parallel_tool_calls hint',
      'sampling min_p hint',
      'sampling repetition_penalty hint',
      'stop stop meaning',
      'tool-strict tools[0].function.strict hint',
      'unknown-field prediction hint',
      'user user hint',
      'voice audio meaning',
    ]);
    assert.deepEqual(body['generationConfig'], { temperature: 1, stopSequences: ['1', '2', '3', '4', '5'] });
  });

  it('moves later system messages to the front and says so, and sends a lone one as a message', () => {
    const system: Message = { role: 'system', parts: [{ kind: 'text', text: 'Be brief.' }], at: 'messages[0]' };
    const later = encode({ messages: [system, HI, { ...system, at: 'messages[2]' }] });
    assert.deepEqual(later.body['systemInstruction'], { parts: [{ text: 'Be brief.' }, { text: 'Be brief.' }] });
    assert.deepEqual(names(later.losses), ['system-position messages[2] hint']);
    const alone = encode({ messages: [system] });
    assert.deepEqual(alone.body, { contents: [{ role: 'user', parts: [{ text: 'Be brief.' }] }] });
  });

  it('never fails on arguments that are no JSON object, nor on results without a call', () => {
    const { body, losses } = encode({
      messages: [
        HI,
        { role: 'assistant', parts: [{ ...CALL, arguments: '{"city":' }] },
        { role: 'tool', parts: [{ ...RESULT, callId: 'nowhere' }] },
      ],
    });
    assert.deepEqual(last(body), {
      role: 'user',
      parts: [{ functionResponse: { id: 'nowhere', name: 'nowhere', response: { output: '12°C' } } }],
    });
    assert.deepEqual(names(losses), ['tool-arguments tool-call hint', 'tool-result-name tool-result hint']);
  });
});

describe('gemini: reasoning by model', () => {
  const cases: readonly (readonly [string, Reasoning, JsonRecord | undefined, string])[] = [
    ['gemini-2.5-flash', { effort: 'low' }, { thinkingBudget: 1024 }, ''],
    ['gemini-2.5-flash', { effort: 'none' }, { thinkingBudget: 0 }, ''],
    ['gemini-2.5-flash', { effort: 'max' }, { thinkingBudget: 24_576 }, 'reasoning-budget reasoning_effort hint'],
    ['gemini-2.5-pro', { effort: 'none' }, { thinkingBudget: 128 }, 'reasoning-budget reasoning_effort hint'],
    ['gemini-2.5-pro', { budgetTokens: -1, isShown: true }, { thinkingBudget: -1, includeThoughts: true }, ''],
    [
      'gemini-2.5-flash-lite',
      { budgetTokens: 100 },
      { thinkingBudget: 512 },
      'reasoning-budget reasoning.max_tokens hint',
    ],
    ['gemini-3-flash-preview', { effort: 'minimal' }, { thinkingLevel: 'MINIMAL' }, ''],
    ['gemini-3-pro-preview', { effort: 'medium' }, { thinkingLevel: 'HIGH' }, 'reasoning-effort reasoning_effort hint'],
    ['gemini-3.1-pro-preview', { effort: 'medium' }, { thinkingLevel: 'MEDIUM' }, ''],
    ['gemini-3.8-flash', { effort: 'none' }, { thinkingLevel: 'LOW' }, 'reasoning-effort reasoning_effort hint'],
    [
      'gemini-3.5-flash',
      { budgetTokens: 4096 },
      { thinkingLevel: 'MEDIUM' },
      'reasoning-budget reasoning.max_tokens hint',
    ],
    ['gemini-3.5-flash', { budgetTokens: -1 }, undefined, ''],
    ['my-tuned-model', { effort: 'high' }, { thinkingLevel: 'HIGH' }, ''],
  ];
  for (const [model, reasoning, expected, loss] of cases) {
    it(`asks ${model} for ${JSON.stringify(reasoning)} as ${JSON.stringify(expected)}`, () => {
      const { body, losses } = encode({ reasoning }, model);
      assert.deepEqual(body['generationConfig'], expected === undefined ? undefined : { thinkingConfig: expected });
      assert.equal(names(losses).join(), loss);
    });
  }

  it('asks no model to reason that cannot', () => {
    const { body, losses } = gemini.encodeRequest(chat({ reasoning: { effort: 'high' } }), {
      model: 'gemini-2.0-flash',
      canReason: false,
    });
    assert.equal(body['generationConfig'], undefined);
    assert.deepEqual(names(losses), ['reasoning reasoning_effort hint']);
  });

  it('never sends a level and a budget together, which Google refuses', () => {
    for (const model of ['gemini-2.5-pro', 'gemini-3-flash', 'other']) {
      const { body } = encode({ reasoning: { effort: 'low', budgetTokens: 500 } }, model);
      assert.equal(JSON.stringify(body).match(/"thinking(?:Level|Budget)"/g)?.length, 1, model);
    }
  });
});

describe('gemini: its own request, read', () => {
  it('matches results to calls by name and order where there are no ids', () => {
    const call = (city: string): JsonRecord => ({ functionCall: { name: 'w', args: { city } } });
    const result = (degrees: number): JsonRecord => ({ functionResponse: { name: 'w', response: { degrees } } });
    const body = {
      contents: [
        { role: 'user', parts: [{ text: 'Hi' }] },
        { role: 'model', parts: [call('Oslo'), call('Rome')] },
        { role: 'user', parts: [result(1), result(2)] },
        { role: 'model', parts: [call('Bonn')] },
        { role: 'user', parts: [result(3), { text: 'And?' }] },
      ],
    };
    const decoded = gemini.decodeRequest(body, { model: 'gemini-2.5-flash', isStreaming: false });
    assert.ok(decoded.ok);
    const parts = decoded.value.messages.flatMap((message) => message.parts);
    assert.deepEqual(
      parts.flatMap((part) =>
        part.kind === 'tool-call' ? [part.id] : part.kind === 'tool-result' ? [part.callId] : [],
      ),
      ['call_0', 'call_1', 'call_0', 'call_1', 'call_2', 'call_2'],
    );
    assert.deepEqual(
      decoded.value.messages.map((message) => message.role),
      ['user', 'assistant', 'tool', 'assistant', 'tool', 'user'],
    );
    assert.deepEqual(gemini.encodeRequest(decoded.value, { model: 'gemini-2.5-flash' }).body, body);
  });

  it('takes a content without a role that calls a function for the model’s', () => {
    const contents = [
      { role: 'user', parts: [{ text: 'Hi' }] },
      { parts: [{ functionCall: { name: 'f', args: {} } }] },
      { parts: [{ functionResponse: { name: 'f', response: {} } }] },
    ];
    const decoded = gemini.decodeRequest({ contents }, { model: 'm', isStreaming: false });
    assert.ok(decoded.ok);
    assert.deepEqual(
      decoded.value.messages.map((message) => message.role),
      ['user', 'assistant', 'tool'],
    );
  });

  it('keeps what only it knows, with the right weight', () => {
    const body = {
      contents: [{ role: 'user', parts: [{ text: 'Hi' }] }],
      cached_content: 'cachedContents/1',
      safety_settings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }],
      labels: { my_team: 'a' },
      toolConfig: {
        functionCallingConfig: { mode: 'VALIDATED', allowedFunctionNames: ['f'] },
        includeServerSideToolInvocations: true,
      },
      generationConfig: {
        speech_config: { voice_config: {} },
        mediaResolution: 'MEDIA_RESOLUTION_LOW',
        responseMimeType: 'text/x.enum',
        responseSchema: { type: 'STRING', enum: ['a'] },
      },
    };
    const decoded = gemini.decodeRequest(body, { model: 'm', isStreaming: false });
    assert.ok(decoded.ok);
    assert.deepEqual(decoded.value.extras.map((extra) => `${extra.field} ${extra.weight}`).toSorted(), [
      'cachedContent meaning',
      'generationConfig.mediaResolution hint',
      'generationConfig.responseMimeType meaning',
      'generationConfig.responseSchema meaning',
      'generationConfig.speechConfig meaning',
      'labels hint',
      'safetySettings hint',
      'toolConfig.functionCallingConfig.allowedFunctionNames meaning',
      'toolConfig.functionCallingConfig.mode hint',
      'toolConfig.includeServerSideToolInvocations meaning',
    ]);
    assert.deepEqual(gemini.encodeRequest(decoded.value, { model: 'm' }).body, {
      contents: body.contents,
      cachedContent: 'cachedContents/1',
      safetySettings: body.safety_settings,
      labels: { my_team: 'a' },
      toolConfig: body.toolConfig,
      generationConfig: {
        speechConfig: { voiceConfig: {} },
        mediaResolution: 'MEDIA_RESOLUTION_LOW',
        responseMimeType: 'text/x.enum',
        responseSchema: { type: 'STRING', enum: ['a'] },
      },
    });
  });

  it('turns its own schema language into JSON Schema', () => {
    const body = {
      contents: [{ parts: [{ text: 'Hi' }] }],
      tools: [
        {
          functionDeclarations: [
            {
              name: 'f',
              parameters: {
                type: 'OBJECT',
                properties: {
                  b: { type: 'STRING', nullable: true, enum: ['x'] },
                  a: { type: 'ARRAY', items: { type: 3 }, min_items: '1' },
                },
                propertyOrdering: ['a', 'b'],
                required: ['a'],
              },
            },
          ],
        },
      ],
    };
    const decoded = gemini.decodeRequest(body, { model: 'm', isStreaming: false });
    assert.ok(decoded.ok);
    const [tool] = decoded.value.tools ?? [];
    assert.equal(
      JSON.stringify(tool?.kind === 'function' && tool.parameters),
      '{"type":"object","properties":{"a":{"type":"array","items":{"type":"integer"},"minItems":1},"b":{"type":["string","null"],"enum":["x",null]}},"required":["a"]}',
    );
  });
});

function last(body: JsonRecord): Json | undefined {
  const contents = body['contents'];
  return Array.isArray(contents) ? contents.at(-1) : undefined;
}
