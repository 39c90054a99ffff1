/** Credentials that the configurations in examples/ look for. */
export const EXAMPLE_ENV: Readonly<Record<string, string>> = {
  OPENAI_API_KEY: 'sk-openai',
  ANTHROPIC_API_KEY: 'sk-anthropic',
  GEMINI_API_KEY: 'sk-gemini',
  MISTRAL_API_KEY: 'sk-mistral',
  DEEPSEEK_API_KEY: 'sk-deepseek',
  AWS_BEARER_TOKEN_BEDROCK: 'sk-bedrock',
};
