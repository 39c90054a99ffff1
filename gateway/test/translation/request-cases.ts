/**
 * Small requests, each with something that another protocol cannot say. Run through the dialects they make the page
 * docs/reference/translation.md: what it says of a loss is what happens to these.
 */
import { ANTHROPIC_CASES } from './anthropic-requests.ts';
import { COHERE_CASES } from './cohere-requests.ts';
import { GEMINI_CASES } from './gemini-requests.ts';
import { OPENAI_AT_RESPONSES, OPENAI_CASES } from './openai-requests.ts';
import type { RequestCase } from './request-case.ts';
import { RESPONSES_CASES } from './responses-requests.ts';

export const REQUEST_CASES: readonly RequestCase[] = [
  ...OPENAI_CASES,
  ...OPENAI_AT_RESPONSES,
  ...RESPONSES_CASES,
  ...ANTHROPIC_CASES,
  ...GEMINI_CASES,
  ...COHERE_CASES,
];
