/** Token endpoints of OAuth 2.0 (RFC 6749, section 5): what they answer, and what their refusals mean. */
import { asNumber, asRecord, asString, parseJson, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { dateOf, type Fetched, type Trouble } from './grant.ts';
import type { Answer, Surroundings } from './surroundings.ts';

/** Where no life is given: the shortest that is usual. */
const LIFE_S = 300;

export interface TokenQuestion {
  readonly url: string;
  readonly form: Readonly<Record<string, string>>;
  /** For texts: `Google’s token endpoint`. */
  readonly who: string;
  /** What to look at after a refusal: a sentence. */
  readonly advice: string;
  readonly nowMs: number;
}

/** Posts a form, reads a token. */
export async function askToken(question: TokenQuestion, { ask }: Surroundings): Promise<Result<Fetched, Trouble>> {
  const { url, form, who } = question;
  const answer = await ask({
    url,
    who,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: new URLSearchParams(form).toString(),
  });
  return readToken(answer, question);
}

/** Reads `access_token` and its end: `expires_in` in seconds, or `expires_on` in seconds since 1970 (Azure, as text). */
export function readToken(
  answer: Result<Answer, string>,
  { who, advice, nowMs }: Pick<TokenQuestion, 'who' | 'advice' | 'nowMs'>,
): Result<Fetched, Trouble> {
  if (!answer.ok) return err({ reason: answer.error });
  const { status, headers, text } = answer.value;
  const body = asRecord(parseJson(text)) ?? {};
  if (status !== 200) {
    const reason = `${who} answered ${status}${codeOf(body)}. ${advice}`;
    const serverMs = dateOf(headers['date']);
    return err(serverMs === undefined ? { reason } : { reason, serverMs });
  }
  const token = asString(body['access_token']);
  if (token === undefined || !/^[!-~]+$/.test(token))
    return err({ reason: `${who} gave an answer without a token. ${advice}` });
  const lifeS = numberOf(body['expires_in']);
  const endS = numberOf(body['expires_on']);
  const endsAtMs = lifeS === undefined && endS !== undefined ? endS * 1000 : nowMs + (lifeS ?? LIFE_S) * 1000;
  return ok({ proof: { kind: 'bearer', token }, endsAtMs });
}

/** The code of a refusal, and Entra's own number. Descriptions are left out: they hold addresses and names of accounts. */
function codeOf(body: JsonRecord): string {
  const code = asString(body['error']) ?? '';
  const entra = /^AADSTS\d+/.exec(asString(body['error_description']) ?? '')?.[0];
  const words = [/^[\w.-]{1,64}$/.test(code) ? code : undefined, entra].filter((word) => word !== undefined);
  return words.length === 0 ? '' : ` (${words.join(', ')})`;
}

function numberOf(value: unknown): number | undefined {
  const text = asString(value);
  return text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : asNumber(value);
}
