/** Google's Gemini API (AI Studio). */
import { gemini, hasForeignSignatures, withoutForeignSignatures } from '../dialects/gemini.ts';
import type { Provider } from './provider.ts';

export const google: Provider = {
  id: 'google',
  name: 'Google Gemini',
  dialect: gemini,
  baseUrl: 'https://generativelanguage.googleapis.com/v1beta',
  envKeys: ['GEMINI_API_KEY', 'GOOGLE_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY'],
  doc: 'https://ai.google.dev/gemini-api/docs',
  // Signatures of other providers come back from Gemini clients in Google's own field, whose bytes Google would refuse.
  needsAmend: hasForeignSignatures,
  amendRequest: withoutForeignSignatures,
  asksStreamUsage: false,
};
