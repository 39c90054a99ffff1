/**
 * Every kind of loss in a translation, and what it is. How much it weighs and what is done instead depends on where a request
 * goes: docs/reference/translation.md, made by running the dialects, says it for each pair of protocols.
 */

export const lossCodes = {
  'unknown-field': "A field that only the caller's protocol has.",
  opaque:
    "A block or tool that only the caller's protocol can say: tools that the provider runs itself, and their results.",
  'max-tokens': 'The limit on output is not one that the model takes.',
  sampling: 'A sampling setting that the provider or the model does not take.',
  'logit-bias': 'Weights of single tokens.',
  stop: 'Stop sequences that the provider does not take: the text is cut here.',
  choices: 'More than one choice, where the provider gives one: up to eight are calls of their own.',
  logprobs: 'Log probabilities.',
  format:
    'A form of the answer that the provider does not enforce: it is asked for by a tool or in words, and checked here.',
  'json-mode': 'JSON without a schema.',
  schema: 'Keywords of a schema that are not enforced.',
  modalities: 'Answers in pictures or sound.',
  voice: 'The voice and form of spoken answers.',
  reasoning: 'The wish to think.',
  'reasoning-effort': 'An effort that the model does not know.',
  'reasoning-budget': 'A budget of thinking tokens that the model does not take.',
  'reasoning-shown': 'Whether the reasoning is shown.',
  'reasoning-history': 'Earlier reasoning that the provider cannot read.',
  signature: "A provider's proof that a call or a text was its own.",
  'tool-name': "A tool's name in characters that the provider does not take.",
  'tool-strict': 'Arguments held to their schema.',
  'tool-choice': 'A call that is demanded.',
  'parallel-tool-calls': 'One call at a time.',
  'tool-arguments': 'Arguments that are no JSON object.',
  'tool-error': 'The mark of a failed call.',
  'tool-result-media': "Pictures and documents in a tool's result.",
  'tool-result-name': 'The name of the tool that a result belongs to.',
  'file-id': 'A file that another provider keeps.',
  'media-kind': 'A picture, document, sound or film where the provider takes none.',
  'media-type': 'A file type that the provider does not read.',
  'media-name': 'The name of a file.',
  'image-detail': 'The detail of a picture.',
  'document-as-text': 'A document given as plain text.',
  transcript: 'The words of a sound.',
  citations: 'Where a text comes from.',
  refusal: 'The mark of a refusal.',
  'cache-mark': 'Where the provider shall keep the prompt.',
  'system-position': 'A system message after the beginning.',
  'system-only': 'A conversation of system messages only.',
  'system-media': 'Anything but text in a system message.',
  'first-turn': 'A conversation that the assistant begins.',
  prefill: 'A conversation that ends with the assistant, who shall go on.',
  misplaced: 'A part in a message of a role that cannot hold it.',
  name: 'The name of a participant.',
  user: 'The id of the end user.',
  stream: 'Pieces as they are made, where the provider answers whole.',
  finish: 'The reason why the reply ended.',
  usage: 'A count of tokens by their kind.',
} as const satisfies Record<string, string>;

export type LossCode = keyof typeof lossCodes;
