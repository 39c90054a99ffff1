/** Gemini and its neighbours on Google Cloud (Vertex AI). */
import { vertexCounting } from '../dialects/counting.ts';
import { gemini, hasForeignSignatures, withoutForeignSignatures } from '../dialects/gemini.ts';
import type { Provider, UrlParts } from './provider.ts';

export const vertex: Provider = {
  id: 'google-vertex',
  name: 'Google Vertex AI',
  dialect: gemini,
  // No base URL: it names project and location, as in
  // https://europe-west4-aiplatform.googleapis.com/v1/projects/PROJECT/locations/europe-west4
  envKeys: ['GOOGLE_VERTEX_ACCESS_TOKEN', 'GOOGLE_VERTEX_API_KEY'],
  doc: 'https://cloud.google.com/vertex-ai/generative-ai/docs',
  headers,
  url,
  needsAmend: hasForeignSignatures,
  amendRequest: withoutForeignSignatures,
  asksStreamUsage: false,
  counting: vertexCounting,
};

/** An access token goes as a bearer; only keys of the "express mode" (`AIza…`, `AQ.…`) go in Google's own header. */
function headers(secret: string | undefined): Readonly<Record<string, string>> {
  const type = { 'content-type': 'application/json' };
  if (secret === undefined) return type;
  return /^(?:AIza|AQ\.)/.test(secret)
    ? { ...type, 'x-goog-api-key': secret }
    : { ...type, authorization: `Bearer ${secret}` };
}

/**
 * Google's models stand under `publishers/google`, others under their own publisher (`publishers/meta/models/…`), tuned ones
 * under an endpoint (`projects/P/locations/L/endpoints/E`, which is a whole path of its own).
 */
function url({ baseUrl, path, model }: UrlParts): string {
  const base = baseUrl.replace(/\/+$/, '');
  const operation = path.slice(path.lastIndexOf(':'));
  if (/^projects\/[^/]+\/locations\//.test(model)) {
    const [version = base] = /^https?:\/\/[^/]+\/v\d\w*/.exec(base) ?? [];
    return `${version}/${encoded(model)}${operation}`;
  }
  if (/^publishers\/[^/]+\/models\//.test(model)) return `${base}/${encoded(model)}${operation}`;
  return /\/publishers\/[^/]+$/.test(base) ? `${base}${path}` : `${base}/publishers/google${path}`;
}

/** Each step of a name encoded, its slashes kept; `..` is no step of any name and would lead elsewhere. */
function encoded(name: string): string {
  return name
    .split('/')
    .map((step) => (/^\.+$/.test(step) ? '_' : encodeURIComponent(step)))
    .join('/');
}
