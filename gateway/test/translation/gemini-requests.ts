/** Gemini requests, each with something that another protocol cannot say. */
import { AGE, CITY, FOREIGN_SIGNATURE, OPENAI_SMALL, PNG, requestsFrom, type RequestCase } from './request-case.ts';
import { models } from './wires.ts';

const gemini = requestsFrom('gemini', { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] });

export const GEMINI_CASES: readonly RequestCase[] = [
  gemini('wants to see reasoning that it does not ask for', {
    generationConfig: { thinkingConfig: { includeThoughts: true } },
  }),
  gemini('puts calls into the mouth of the user', {
    contents: [{ role: 'user', parts: [{ functionCall: { name: 'f', args: {} } }, { text: 'hi' }] }],
  }),
  gemini('names alternatives to tokens that it does not ask for', { generationConfig: { logprobs: 2 } }),
  gemini('has a field that nobody knows', { aFieldOfTomorrow: 1, generationConfig: { anotherOne: 1 } }),
  gemini('has fields of its own', {
    safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }],
    labels: { team: 'a' },
    generationConfig: { mediaResolution: 'MEDIA_RESOLUTION_LOW' },
  }),
  gemini('goes on from a cache', { cachedContent: 'cachedContents/1' }),
  gemini('forbids calls', {
    tools: [{ functionDeclarations: [{ name: 'weather', parameters: CITY }] }],
    toolConfig: { functionCallingConfig: { mode: 'NONE' } },
  }),
  gemini('has tools that Google runs', { tools: [{ googleSearch: {} }] }),
  gemini('demands a call of such a tool', {
    tools: [{ codeExecution: {} }],
    toolConfig: { functionCallingConfig: { mode: 'ANY' } },
  }),
  gemini('holds calls to their schemas', {
    tools: [{ functionDeclarations: [{ name: 'weather', parameters: CITY }] }],
    toolConfig: { functionCallingConfig: { mode: 'VALIDATED', allowedFunctionNames: ['weather'] } },
  }),
  gemini(
    'demands a call',
    {
      tools: [{ functionDeclarations: [{ name: 'weather', parameters: CITY }] }],
      toolConfig: { functionCallingConfig: { mode: 'ANY' } },
    },
    { 'anthropic-messages': models('claude-opus-5-5') },
  ),
  gemini('has a tool with a dot in its name', {
    tools: [{ functionDeclarations: [{ name: 'city.weather', parameters: CITY }] }],
  }),
  gemini('has a tool of two forms', {
    tools: [{ functionDeclarations: [{ name: 'weather', parametersJsonSchema: { anyOf: [CITY, AGE] } }] }],
  }),
  gemini('has a tool that waits', {
    tools: [{ functionDeclarations: [{ name: 'weather', parameters: CITY, behavior: 'NON_BLOCKING' }] }],
  }),
  gemini('sets every way of sampling', {
    generationConfig: { seed: 7, frequencyPenalty: 0.5, presencePenalty: 0.5, topK: 40 },
  }),
  gemini(
    'is hot',
    { generationConfig: { temperature: 1.5, topP: 0.5 } },
    { ...OPENAI_SMALL, 'anthropic-messages': models('claude-opus-4-5', 'claude-opus-4-8') },
  ),
  gemini('samples while it thinks', {
    generationConfig: {
      temperature: 0.2,
      topP: 0.5,
      topK: 40,
      maxOutputTokens: 9000,
      thinkingConfig: { thinkingBudget: 2000 },
    },
  }),
  gemini('wants two choices', { generationConfig: { candidateCount: 2 } }),
  gemini('wants log probabilities', { generationConfig: { responseLogprobs: true, logprobs: 2 } }),
  gemini('stops at white space', { generationConfig: { stopSequences: ['\n', 'END'] } }),
  gemini(
    'has more stops than OpenAI takes',
    { generationConfig: { stopSequences: ['1', '2', '3', '4', '5'] } },
    { 'openai-chat': models('gpt-4o', 'o3') },
  ),
  gemini('wants one token', { generationConfig: { maxOutputTokens: 1 } }, OPENAI_SMALL),
  gemini(
    'wants more than the model gives',
    { generationConfig: { maxOutputTokens: 100_000 } },
    { 'anthropic-messages': [{ model: 'some-model', maxOutputTokens: 8192 }] },
  ),
  gemini('wants to be spoken to', {
    generationConfig: {
      responseModalities: ['AUDIO'],
      speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: 'Kore' } } },
    },
  }),
  gemini('wants a picture', { generationConfig: { responseModalities: ['TEXT', 'IMAGE'] } }),
  gemini('wants any JSON', { generationConfig: { responseMimeType: 'application/json' } }),
  gemini(
    'wants JSON of a schema',
    { generationConfig: { responseMimeType: 'application/json', responseSchema: AGE } },
    { 'anthropic-messages': models('claude-3-7-sonnet') },
  ),
  gemini('wants a word of a list', {
    generationConfig: { responseMimeType: 'text/x.enum', responseSchema: { type: 'STRING', enum: ['a', 'b'] } },
  }),
  gemini(
    'thinks with a budget',
    { generationConfig: { thinkingConfig: { thinkingBudget: 5000 } } },
    { 'openai-chat': models('gpt-4o'), 'anthropic-messages': models('claude-opus-4-8', 'claude-3-5-haiku') },
  ),
  gemini(
    'thinks at a level where the model does not',
    { generationConfig: { thinkingConfig: { thinkingLevel: 'LOW' } } },
    { 'openai-chat': models('gpt-4o'), 'anthropic-messages': models('claude-3-5-haiku') },
  ),
  gemini('thinks with too small a budget', {
    generationConfig: { maxOutputTokens: 9000, thinkingConfig: { thinkingBudget: 100 } },
  }),
  gemini('thinks with fewer tokens than thinking takes', {
    generationConfig: { maxOutputTokens: 500, thinkingConfig: { thinkingLevel: 'LOW' } },
  }),
  gemini('thinks with more tokens than it may give', {
    generationConfig: { maxOutputTokens: 2000, thinkingConfig: { thinkingLevel: 'HIGH' } },
  }),
  gemini(
    'thinks as little as it can',
    { generationConfig: { thinkingConfig: { thinkingLevel: 'MINIMAL' } } },
    { 'openai-chat': models('gpt-5.4') },
  ),
  gemini(
    'does not think',
    { generationConfig: { thinkingConfig: { thinkingBudget: 0 } } },
    { ...OPENAI_SMALL, 'anthropic-messages': models('claude-opus-5-5') },
  ),
  gemini('instructs with a picture', {
    systemInstruction: { parts: [{ inlineData: { mimeType: 'image/png', data: PNG } }] },
  }),
  gemini('lets the model begin', {
    contents: [
      { role: 'model', parts: [{ text: 'hi' }] },
      { role: 'user', parts: [{ text: 'hi' }] },
    ],
  }),
  gemini(
    'begins the answer',
    {
      contents: [
        { role: 'user', parts: [{ text: 'hi' }] },
        { role: 'model', parts: [{ text: 'Once' }] },
      ],
    },
    { 'anthropic-messages': models('claude-opus-4-6') },
  ),
  gemini('sends sound and film', {
    contents: [
      {
        role: 'user',
        parts: [
          { inlineData: { mimeType: 'audio/wav', data: 'UklGRgAA' } },
          { inlineData: { mimeType: 'video/mp4', data: 'AAAA' } },
          { text: 'hi' },
        ],
      },
    ],
  }),
  gemini('sends a file of a kind that is not read', {
    contents: [
      { role: 'user', parts: [{ inlineData: { mimeType: 'application/zip', data: 'UEsDBA==' } }, { text: 'hi' }] },
    ],
  }),
  gemini('only sends a file that Google keeps', {
    systemInstruction: { parts: [{ text: 'what is it?' }] },
    contents: [{ role: 'user', parts: [{ fileData: { mimeType: 'image/png', fileUri: 'gs://a/b.png' } }] }],
  }),
  gemini('says things in parts that only it knows', {
    contents: [{ role: 'user', parts: [{ text: 'hi', partMetadata: { a: 'b' } }] }],
  }),
  gemini('gives back a picture and a page', {
    contents: [
      { role: 'user', parts: [{ text: 'hi' }] },
      {
        role: 'model',
        parts: [
          { inlineData: { mimeType: 'image/png', data: PNG } },
          { inlineData: { mimeType: 'application/pdf', data: 'JVBERi0=' } },
        ],
      },
      { role: 'user', parts: [{ text: 'hi' }] },
    ],
  }),
  gemini('gives back thoughts and signatures', {
    contents: [
      { role: 'user', parts: [{ text: 'hi', thoughtSignature: 'c2ln' }] },
      {
        role: 'model',
        parts: [
          { text: 'hm', thought: true },
          { text: 'x', thoughtSignature: 'c2ln' },
          { functionCall: { name: 'weather', args: {} }, thoughtSignature: 'c2ln' },
        ],
      },
      { role: 'user', parts: [{ functionResponse: { name: 'weather', response: { output: '21' } } }] },
    ],
  }),
  gemini('gives back thoughts of a third provider', {
    contents: [
      { role: 'user', parts: [{ text: 'hi' }] },
      {
        role: 'model',
        parts: [
          { text: 'hm', thought: true, thoughtSignature: Buffer.from(FOREIGN_SIGNATURE).toString('base64') },
          { text: 'x' },
        ],
      },
      { role: 'user', parts: [{ text: 'hi' }] },
    ],
  }),
  gemini('thinks on in a loop that began without', {
    contents: [
      { role: 'user', parts: [{ text: 'hi' }] },
      { role: 'model', parts: [{ functionCall: { name: 'weather', args: {} } }] },
      { role: 'user', parts: [{ functionResponse: { name: 'weather', response: { output: '21' } } }] },
    ],
    generationConfig: { maxOutputTokens: 9000, thinkingConfig: { thinkingBudget: 2000 } },
  }),
  gemini('gives back what Google ran', {
    contents: [
      { role: 'user', parts: [{ text: 'hi' }] },
      { role: 'model', parts: [{ executableCode: { language: 'PYTHON', code: '1' } }, { text: 'x' }] },
      { role: 'user', parts: [{ text: 'hi' }] },
    ],
  }),
  gemini('tells that a call failed, with a picture', {
    contents: [
      { role: 'user', parts: [{ text: 'hi' }] },
      { role: 'model', parts: [{ functionCall: { name: 'weather', args: {} } }] },
      {
        role: 'user',
        parts: [
          {
            functionResponse: {
              name: 'weather',
              response: { error: 'no' },
              parts: [{ inlineData: { mimeType: 'image/png', data: PNG } }],
            },
          },
        ],
      },
    ],
  }),
  gemini('wants JSON by a schema beside tools', {
    tools: [{ functionDeclarations: [{ name: 'weather', parameters: CITY }] }],
    generationConfig: { responseMimeType: 'application/json', responseSchema: { type: 'OBJECT' } },
  }),
  gemini('likes to say things again', { generationConfig: { presencePenalty: -0.5 } }),
];
