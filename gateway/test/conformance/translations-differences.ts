/**
 * Where our translation differs from another project's (braintrustdata/lingua), place by place, and who is right. A difference
 * that no row explains fails the suite, and so does a row that explains none. `ours`: its request says less or other than the
 * caller did, or ours says it as well. `theirs`: it says something that we could say and do not. `either`: both are right.
 */
import { isArray, isRecord, type Json } from '../../src/lib/json.ts';
import type { Wire } from './essence.ts';

export interface Difference {
  readonly from: Wire;
  readonly to: Wire;
  readonly case: string;
  /** Path in the body with numbers left out (`messages[].content`). */
  readonly path: string;
  readonly ours: Json | undefined;
  readonly theirs: Json | undefined;
}

export interface Explanation {
  readonly to: Wire;
  readonly path: string;
  readonly from?: Wire;
  /** Narrower than the path where one path differs for several reasons. */
  readonly where?: (of: Difference) => boolean;
  readonly right: 'ours' | 'theirs' | 'either';
  readonly why: string;
}

/** Whether one text stands as a string on one side, and as a list of one part on the other. */
function isOneText({ ours, theirs }: Difference): boolean {
  return isArray(theirs) && theirs.length === 1 && isRecord(theirs[0]) && theirs[0]['text'] === ours;
}

const OF_RESPONSES: readonly Explanation[] = [
  {
    to: 'openai-responses',
    path: 'store',
    right: 'ours',
    why: 'A provider of this wire keeps every reply unless it is told not to, and the caller’s protocol keeps none.',
  },
  {
    to: 'openai-responses',
    path: 'include',
    right: 'ours',
    why: 'What is not kept can only go on thinking with its reasoning, sealed, in the conversation.',
  },
  {
    to: 'openai-responses',
    path: 'tools[].strict',
    right: 'ours',
    why: 'This wire holds arguments to their schema unless it is told not to; the caller’s does not.',
  },
  {
    to: 'openai-responses',
    path: 'input[].content',
    where: isOneText,
    right: 'either',
    why: 'One text is a string here and a list of one part there.',
  },
  {
    to: 'openai-responses',
    path: 'input[].content[].detail',
    right: 'either',
    why: 'OpenAI’s OpenAPI demands the field; `auto` is what it does without.',
  },
  {
    to: 'openai-responses',
    from: 'gemini',
    path: 'input',
    right: 'ours',
    why: 'The system instruction is missing there.',
  },
  {
    to: 'openai-responses',
    path: 'tools',
    where: ({ case: name }) => name.startsWith('webSearch') || name === 'responsesToolSearchInputParam',
    right: 'either',
    why: 'A tool that the provider runs became another’s, at another price: we refuse it by name, and leave it out where the caller adapts.',
  },
  ...['metadata', 'user', 'safety_identifier'].map((path): Explanation => ({
    to: 'openai-responses',
    path,
    where: ({ case: name }) => name === 'safetyIdentifierParam',
    right: 'ours',
    why: 'The end user has fields of its own; there it stands in the metadata, which OpenAI only shows to the operator.',
  })),
  {
    to: 'openai-responses',
    from: 'anthropic-messages',
    path: 'service_tier',
    right: 'ours',
    why: 'Anthropic’s tiers are not OpenAI’s, though two share a name.',
  },
  {
    to: 'openai-responses',
    from: 'gemini',
    path: 'text.format.schema',
    right: 'either',
    why: 'Objects are closed there; only a strict schema has to be, and the caller’s is not.',
  },
  {
    to: 'openai-responses',
    from: 'gemini',
    path: 'reasoning.effort',
    right: 'ours',
    why: 'Google’s own table makes the budget a medium effort.',
  },
  {
    to: 'openai-responses',
    from: 'gemini',
    path: 'reasoning.summary',
    right: 'ours',
    why: 'The caller asked to see the thoughts.',
  },
  {
    to: 'anthropic-messages',
    from: 'openai-responses',
    path: 'messages[].content',
    where: isOneText,
    right: 'either',
    why: 'One text is a string here and a list of one part there.',
  },
  {
    to: 'anthropic-messages',
    from: 'openai-responses',
    path: 'messages[].content[].content',
    right: 'ours',
    why: 'The result is the text that the caller sent; there its JSON was written anew.',
  },
  {
    to: 'gemini',
    from: 'openai-responses',
    path: 'contents[].parts[].functionResponse.response.output',
    right: 'ours',
    why: 'The result is the text that the caller sent; there it was read as JSON.',
  },
  {
    to: 'gemini',
    from: 'openai-responses',
    path: 'tools',
    where: ({ case: name }) => name === 'responsesToolSearchInputParam',
    right: 'ours',
    why: 'The functions of a group are declared, by the names of both; there they are dropped.',
  },
  ...['messages', 'tools'].map((path): Explanation => ({
    to: 'anthropic-messages',
    from: 'openai-responses',
    path,
    where: ({ case: name }) => name === 'responsesToolSearchInputParam',
    right: 'either',
    why: 'The search for tools became Anthropic’s; we refuse it by name, and leave it out where the caller adapts.',
  })),
  {
    to: 'anthropic-messages',
    from: 'openai-responses',
    path: 'tools[].strict',
    right: 'either',
    why: 'Not strict is the default.',
  },
  {
    to: 'anthropic-messages',
    from: 'openai-responses',
    path: 'thinking',
    right: 'ours',
    why: 'An effort alone does not make Claude think.',
  },
  {
    to: 'anthropic-messages',
    from: 'openai-responses',
    path: 'service_tier',
    right: 'ours',
    why: 'OpenAI’s tiers are not Anthropic’s, though two share a name.',
  },
  {
    to: 'gemini',
    from: 'openai-responses',
    path: 'generationConfig.thinkingConfig.thinkingLevel',
    right: 'ours',
    why: 'The caller asked for no thinking; there the field says nothing.',
  },
  {
    to: 'gemini',
    from: 'openai-responses',
    path: 'generationConfig',
    where: ({ case: name }) => name === 'textFormatTextParam',
    right: 'either',
    why: 'Plain text is the default.',
  },
];

export const REQUEST_EXPLANATIONS: readonly Explanation[] = [
  ...OF_RESPONSES,
  {
    to: 'bedrock-converse',
    path: 'modelId',
    right: 'either',
    why: 'The model stands in the URL; the SDK puts it there from its input.',
  },
  {
    to: 'bedrock-converse',
    path: 'messages',
    where: ({ theirs }) => JSON.stringify(theirs).includes('System: '),
    right: 'ours',
    why: 'There the instructions became words of the user.',
  },
  {
    to: 'bedrock-converse',
    path: 'system',
    where: ({ case: name }) => name !== 'textFormatJsonObjectParam',
    right: 'ours',
    why: 'The instructions are no system text there.',
  },
  {
    to: 'bedrock-converse',
    path: 'system',
    where: ({ case: name }) => name === 'textFormatJsonObjectParam',
    right: 'ours',
    why: 'JSON mode is asked for in words here, and forgotten there.',
  },
  {
    to: 'bedrock-converse',
    path: 'messages[].content',
    where: ({ ours }) => JSON.stringify(ours).includes('cachePoint'),
    right: 'ours',
    why: 'The mark of the cache is missing there.',
  },
  {
    to: 'bedrock-converse',
    path: 'messages[].content',
    where: ({ theirs }) => JSON.stringify(theirs).includes('https://'),
    right: 'ours',
    why: 'There an address stands where the bytes of the picture must; it was refused.',
  },
  {
    to: 'bedrock-converse',
    path: 'outputConfig',
    right: 'ours',
    why: 'The schema of the answer is missing there.',
  },
  {
    to: 'bedrock-converse',
    path: 'toolConfig.tools[].toolSpec.strict',
    right: 'ours',
    why: 'Arguments are held to their schema here, as asked.',
  },
  {
    to: 'bedrock-converse',
    path: 'toolConfig.toolChoice',
    right: 'ours',
    why: 'The call that was demanded is not demanded there.',
  },
  {
    to: 'bedrock-converse',
    path: 'additionalModelRequestFields',
    where: ({ ours }) => ours === undefined,
    right: 'ours',
    why: 'Claude does not think before a call that it is forced to make; the call is kept here, the thinking there.',
  },
  {
    to: 'bedrock-converse',
    path: 'additionalModelRequestFields.thinking.budget_tokens',
    right: 'either',
    why: 'Google says 8,192 tokens for medium effort, they say 2,048.',
  },
  {
    to: 'anthropic-messages',
    path: 'output_config.format.schema.title',
    right: 'ours',
    why: 'The name that the caller gave the schema is missing there.',
  },
  {
    to: 'gemini',
    path: 'model',
    right: 'either',
    why: 'The model stands in the URL; Google reads the body without it.',
  },
  {
    to: 'openai-chat',
    path: 'messages[].content',
    where: ({ ours, theirs }) =>
      isArray(theirs) && theirs.length === 1 && isRecord(theirs[0]) && theirs[0]['text'] === ours,
    right: 'either',
    why: 'One text is a string here and a list of one part there: documented to be the same, and more servers take the string.',
  },
  {
    to: 'openai-chat',
    from: 'gemini',
    path: 'messages',
    right: 'ours',
    why: 'The system instruction is missing there.',
  },
  {
    to: 'anthropic-messages',
    from: 'gemini',
    path: 'system',
    where: ({ case: name }) => name !== 'textFormatJsonObjectParam',
    right: 'ours',
    why: 'The system instruction is missing there.',
  },
  {
    to: 'anthropic-messages',
    path: 'system',
    where: ({ case: name }) => name === 'textFormatJsonObjectParam',
    right: 'either',
    why: 'JSON without a schema: we ask for it in words and name the loss; there the model is made to call a tool named json, and the caller gets a call that it never offered.',
  },
  ...['tools', 'tool_choice'].map((path): Explanation => ({
    to: 'anthropic-messages',
    path,
    where: ({ case: name }) => name === 'textFormatJsonObjectParam',
    right: 'either',
    why: 'The other half of the same: the tool named json.',
  })),
  {
    to: 'anthropic-messages',
    from: 'gemini',
    path: 'tools',
    where: ({ case: name }) => name === 'webSearchToolAdvancedParam',
    right: 'either',
    why: 'Google’s search became Anthropic’s. It is another search at another price, so that we refuse it by name, and leave it out where the caller adapts.',
  },
  ...['score', 'tags'].map((property): Explanation => ({
    to: 'anthropic-messages',
    path: `output_config.format.schema.properties.${property}.description`,
    right: 'ours',
    why: 'Bounds that structured output refuses are told in the description; there they are dropped without a word.',
  })),
  {
    to: 'anthropic-messages',
    from: 'openai-chat',
    path: 'service_tier',
    right: 'ours',
    why: 'The tiers of the two providers only share the word; the caller’s account has no such tier there. Named as lost.',
  },
  {
    to: 'openai-chat',
    from: 'anthropic-messages',
    path: 'service_tier',
    right: 'ours',
    why: 'The same in the other direction.',
  },
  {
    to: 'anthropic-messages',
    from: 'gemini',
    path: 'thinking',
    right: 'ours',
    why: 'Claude 4.6 is asked to think as it sees fit with a given effort. A budget there is 10,000 of 1,024 tokens at most: the provider answered 400.',
  },
  {
    to: 'anthropic-messages',
    from: 'gemini',
    path: 'output_config',
    where: ({ case: name }) => name === 'reasoningSummaryParam',
    right: 'ours',
    why: 'The effort that goes with it.',
  },
  {
    to: 'anthropic-messages',
    from: 'openai-chat',
    path: 'thinking',
    right: 'ours',
    why: 'An effort alone does not switch thinking on for Claude 4.6; `adaptive` does.',
  },
  {
    to: 'openai-chat',
    from: 'gemini',
    path: 'stream',
    right: 'ours',
    why: 'The exchange was streamed: Google says so in the URL, OpenAI in the body.',
  },
  {
    to: 'openai-chat',
    from: 'gemini',
    path: 'seed',
    right: 'ours',
    why: 'OpenAI takes a seed (recorded); there it is dropped.',
  },
  {
    to: 'openai-chat',
    from: 'gemini',
    path: 'reasoning_effort',
    right: 'either',
    why: 'Google’s budget of tokens as an effort: we go by Google’s own table (8,192 is medium).',
  },
  {
    to: 'openai-chat',
    from: 'gemini',
    path: 'modalities',
    right: 'either',
    why: 'Pictures as answers: OpenAI’s models refuse the wish, those of OpenRouter take it. Only who adapts gets so far.',
  },
  {
    to: 'openai-chat',
    from: 'gemini',
    path: 'response_format.json_schema.schema.additionalProperties',
    right: 'ours',
    why: 'The caller’s schema allows further properties, and without `strict` OpenAI takes it as it is.',
  },
  {
    to: 'openai-chat',
    from: 'anthropic-messages',
    path: 'safety_identifier',
    right: 'either',
    why: 'OpenAI’s newer name for `user`; only the older one is known to other servers of this wire.',
  },
  {
    to: 'openai-chat',
    from: 'anthropic-messages',
    path: 'user',
    right: 'either',
    why: 'The older name for the same.',
  },
  {
    to: 'gemini',
    path: 'generationConfig',
    where: ({ ours, theirs }) =>
      theirs === undefined && isRecord(ours) && ('seed' in ours || 'frequencyPenalty' in ours),
    right: 'ours',
    why: 'Google takes seeds and penalties (recorded); there they are dropped.',
  },
  {
    to: 'gemini',
    from: 'openai-chat',
    path: 'generationConfig',
    where: ({ ours, theirs }) => ours === undefined && isRecord(theirs) && theirs['responseMimeType'] === 'text/plain',
    right: 'either',
    why: 'Plain text is the default.',
  },
  {
    to: 'gemini',
    path: 'generationConfig.responseJsonSchema.title',
    right: 'ours',
    why: 'The caller’s schema has no name; `response` is made up.',
  },
  {
    to: 'gemini',
    path: 'generationConfig.thinkingConfig.includeThoughts',
    right: 'ours',
    why: 'The caller asked for an effort, not to see the thoughts; with a budget Claude’s clients are shown them.',
  },
  {
    to: 'gemini',
    from: 'openai-chat',
    path: 'generationConfig.thinkingConfig.thinkingLevel',
    where: ({ case: name }) => name === 'reasoningEffortNoneParam',
    right: 'ours',
    why: 'No thinking is the least level; unspecified is the default, which thinks more.',
  },
  {
    to: 'gemini',
    from: 'anthropic-messages',
    path: 'systemInstruction.parts',
    right: 'either',
    why: 'Two system messages as two parts or as two lines.',
  },
  {
    to: 'gemini',
    from: 'anthropic-messages',
    path: 'contents[].parts[].text',
    where: ({ case: name }) => name === 'chatCompletionsAnthropicCacheControlParam',
    right: 'ours',
    why: 'The recording of theirs is older than the source: its text is another.',
  },
];

export interface ReplyExplanation {
  readonly from: Wire;
  readonly to: Wire;
  readonly case: string;
  readonly why: string;
}

/** Replies that the other project translates otherwise. In all of them the provider's words are on our side. */
export const REPLY_EXPLANATIONS: readonly ReplyExplanation[] = [
  {
    from: 'gemini',
    to: 'openai-responses',
    case: 'webSearchToolAdvancedParam',
    why: 'A search that OpenAI ran became a call there, which nobody can answer.',
  },
  ...(['anthropic-messages', 'gemini'] as const).map((to) => ({
    from: 'openai-responses' as const,
    to,
    case: 'simpleRequestTruncated',
    why: 'The reason why the reply is incomplete is missing there.',
  })),
  {
    from: 'openai-responses',
    to: 'anthropic-messages',
    case: 'textFormatJsonObjectParam',
    why: 'Their tool named json is turned back into text; ours was never sent.',
  },
  {
    from: 'openai-chat',
    to: 'anthropic-messages',
    case: 'textFormatJsonObjectParam',
    why: 'Their tool named json is turned back into text; ours was never sent.',
  },
  {
    from: 'gemini',
    to: 'anthropic-messages',
    case: 'textFormatJsonObjectParam',
    why: 'The same.',
  },
  {
    from: 'openai-chat',
    to: 'gemini',
    case: 'predictionParam',
    why: 'Theirs writes null for every "undefined" in the model’s text.',
  },
  {
    from: 'gemini',
    to: 'anthropic-messages',
    case: 'webSearchToolAdvancedParam',
    why: 'Anthropic’s own search becomes a call there, which no client could answer; ours names it as left out.',
  },
];
