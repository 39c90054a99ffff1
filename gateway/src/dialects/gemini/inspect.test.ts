import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Json, JsonRecord } from '../../lib/json.ts';
import { gemini } from '../gemini.ts';

const PATH = { model: 'gemini-2.5-flash', isStreaming: false };
const HI: JsonRecord = { role: 'user', parts: [{ text: 'Hi' }] };

function withPart(part: Json): JsonRecord {
  return { contents: [HI, { role: 'user', parts: [part] }] };
}

function withConfig(config: Json): JsonRecord {
  return { contents: [HI], generationConfig: config };
}

describe('gemini: a request that is wrong names its field (faults.md B15-B24, B29)', () => {
  const cases: readonly (readonly [string, JsonRecord, string])[] = [
    ['no contents', {}, 'contents'],
    ['empty contents', { contents: [] }, 'contents'],
    ['text for contents', { contents: 'Hi' }, 'contents'],
    ['a message of null', { contents: [null] }, 'contents[0]'],
    ['an unknown role', { contents: [HI, { role: 'assistant', parts: [{ text: 'x' }] }] }, 'contents[1].role'],
    ['a message without parts', { contents: [{ role: 'user' }] }, 'contents[0].parts'],
    ['a message with empty parts', { contents: [{ role: 'user', parts: [] }] }, 'contents[0].parts'],
    ['parts that are a number', { contents: [{ role: 'user', parts: 3 }] }, 'contents[0].parts'],
    ['a part of null', withPart(null), 'contents[1].parts[0]'],
    ['an empty part', withPart({}), 'contents[1].parts[0]'],
    ['a part of another protocol', withPart({ type: 'input_text' }), 'contents[1].parts[0]'],
    ['text that is a number', withPart({ text: 3 }), 'contents[1].parts[0].text'],
    ['a call without a name', withPart({ functionCall: { args: {} } }), 'contents[1].parts[0].functionCall.name'],
    [
      'arguments as text',
      withPart({ functionCall: { name: 'f', args: '{}' } }),
      'contents[1].parts[0].functionCall.args',
    ],
    [
      'a result as text',
      withPart({ functionResponse: { name: 'f', response: 'x' } }),
      'contents[1].parts[0].functionResponse.response',
    ],
    [
      'a data URL',
      withPart({ inlineData: { mimeType: 'image/png', data: 'data:image/png;base64,AAAA' } }),
      'contents[1].parts[0].inlineData.data',
    ],
    ['data without a type', withPart({ inline_data: { data: 'AAAA' } }), 'contents[1].parts[0].inlineData.mimeType'],
    [
      'a file without an address',
      withPart({ fileData: { mimeType: 'image/png' } }),
      'contents[1].parts[0].fileData.fileUri',
    ],
    ['temperature -1', withConfig({ temperature: -1 }), 'generationConfig.temperature'],
    ['temperature 99', withConfig({ temperature: 99 }), 'generationConfig.temperature'],
    ['temperature "hot"', withConfig({ temperature: 'hot' }), 'generationConfig.temperature'],
    ['topP 2', withConfig({ top_p: 2 }), 'generationConfig.topP'],
    ['candidateCount 0', withConfig({ candidateCount: 0 }), 'generationConfig.candidateCount'],
    ['candidateCount 10,000', withConfig({ candidateCount: 10_000 }), 'generationConfig.candidateCount'],
    [
      '100 stop sequences',
      withConfig({ stopSequences: Array.from({ length: 100 }, () => 'x') }),
      'generationConfig.stopSequences',
    ],
    ['maxOutputTokens 0', withConfig({ maxOutputTokens: 0 }), 'generationConfig.maxOutputTokens'],
    ['maxOutputTokens -1', withConfig({ max_output_tokens: -1 }), 'generationConfig.maxOutputTokens'],
    ['maxOutputTokens 2^31', withConfig({ maxOutputTokens: 2_147_483_648 }), 'generationConfig.maxOutputTokens'],
    ['maxOutputTokens 1.5', withConfig({ maxOutputTokens: 1.5 }), 'generationConfig.maxOutputTokens'],
    [
      'a schema of 2 MiB',
      withConfig({ responseJsonSchema: { description: 'x'.repeat(2 ** 21) } }),
      'generationConfig.responseJsonSchema',
    ],
    [
      'a file on the disk',
      { contents: [{ parts: [{ fileData: { fileUri: 'FILE:///etc/passwd' } }] }] },
      'contents[0].parts[0].fileData.fileUri',
    ],
    [
      'a gopher',
      { contents: [{ parts: [{ file_data: { file_uri: 'gopher://x/' } }] }] },
      'contents[0].parts[0].fileData.fileUri',
    ],
    [
      'data of no media type',
      { contents: [{ parts: [{ inlineData: { mimeType: 'nonsense', data: 'AAAA' } }] }] },
      'contents[0].parts[0].inlineData.mimeType',
    ],
    ['a schema that is text', withConfig({ responseSchema: 'x' }), 'generationConfig.responseSchema'],
    [
      'thinkingBudget -7',
      withConfig({ thinkingConfig: { thinkingBudget: -7 } }),
      'generationConfig.thinkingConfig.thinkingBudget',
    ],
    ['config as a list', withConfig([]), 'generationConfig'],
    ['a system instruction that is a number', { contents: [HI], systemInstruction: 3 }, 'systemInstruction'],
    ['a tool that is text', { contents: [HI], tools: ['x'] }, 'tools[0]'],
    [
      'a function without a name',
      { contents: [HI], tools: [{ functionDeclarations: [{}] }] },
      'tools[0].functionDeclarations[0].name',
    ],
    ['nested labels', { contents: [HI], labels: { a: { b: 'c' } } }, 'labels'],
    ['a long label', { contents: [HI], labels: { a: 'x'.repeat(1000) } }, 'labels'],
    ['safety settings as text', { contents: [HI], safetySettings: ['x'] }, 'safetySettings'],
  ];
  for (const [name, body, param] of cases) {
    it(`refuses ${name} at ${param}`, () => {
      const seen = gemini.inspect(body, PATH);
      assert.ok(!seen.ok);
      assert.equal(seen.error.param, param);
      assert.ok(seen.error.message.includes(param));
      const decoded = gemini.decodeRequest(body, PATH);
      assert.deepEqual(decoded, seen);
    });
  }

  it('refuses names of models that are none', () => {
    for (const model of [undefined, '', '  ', 'a\r\nb', 'x'.repeat(10_000)]) {
      const seen = gemini.inspect(
        { contents: [HI] },
        { ...(model === undefined ? {} : { model }), isStreaming: false },
      );
      assert.ok(!seen.ok && seen.error.param === 'model');
    }
    for (const model of ['模型', '../../etc/passwd', 'constructor', 'openai/']) {
      assert.ok(gemini.inspect({ contents: [HI] }, { model, isStreaming: false }).ok);
    }
  });
});

describe('gemini: a request as Google reads it', () => {
  it('passes unknown fields and parts of kinds of tomorrow', () => {
    const body = {
      contents: [HI, { parts: [{ hologram: { shape: 'cube' } }] }],
      tomorrow: 1,
      generationConfig: { new: true },
    };
    assert.ok(gemini.inspect(body, PATH).ok);
  });

  it('takes one message for a list, other spellings, numbers as text and an empty turn of the model', () => {
    const body = {
      contents: { parts: { text: 'Hi' } },
      system_instruction: 'Be brief.',
      generation_config: { max_output_tokens: '64', temperature: null },
    };
    const seen = gemini.inspect(body, { model: 'm', isStreaming: true });
    assert.ok(seen.ok);
    assert.equal(seen.value.maxOutputTokens, 64);
    assert.equal(seen.value.isStreaming, true);
    assert.equal(seen.value.messageCount, 1);
    assert.ok(gemini.inspect({ contents: [HI, { role: 'model', parts: [] }, HI] }, PATH).ok);
  });

  it('says what the request needs and how long it is', () => {
    const seen = gemini.inspect(
      {
        contents: [
          {
            role: 'user',
            parts: [
              { text: 'Grüße' },
              { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
              { fileData: { fileUri: 'gs://a/b.pdf', mimeType: 'application/pdf' } },
            ],
          },
        ],
        tools: [{ functionDeclarations: [{ name: 'f' }] }],
        generationConfig: {
          candidateCount: 2,
          responseJsonSchema: { type: 'object' },
          thinkingConfig: { thinkingBudget: -1 },
          responseModalities: ['TEXT', 'IMAGE'],
        },
      },
      PATH,
    );
    assert.ok(seen.ok);
    assert.deepEqual([...seen.value.needs].toSorted(), [
      'document',
      'image',
      'image-out',
      'json-schema',
      'reasoning',
      'tools',
    ]);
    assert.equal(seen.value.imageCount, 1);
    assert.equal(seen.value.choices, 2);
    assert.equal(seen.value.nonAsciiLength, 2);
    assert.ok(seen.value.textLength >= 5 + 'namef'.length);
  });

  it('measures a very long text in no time', () => {
    const before = process.hrtime.bigint();
    const seen = gemini.inspect(withPart({ text: '模'.repeat(5_000_000) }), PATH);
    assert.ok(seen.ok && seen.value.nonAsciiLength === 5_000_000);
    assert.ok(process.hrtime.bigint() - before < 1_000_000_000n);
  });
});
