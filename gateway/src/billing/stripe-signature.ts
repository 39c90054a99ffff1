/**
 * Stripe's signature of a webhook: `t=SECONDS,v1=HEX[,v1=HEX …]`, each `v1` an HMAC-SHA-256 over `SECONDS.` and the body, byte
 * for byte as it came (docs.stripe.com/webhooks, "Verify webhook signatures manually"). While a secret is being exchanged
 * there is one `v1` for each that is in use.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** More signatures than secrets in use are an attempt to guess. */
const SIGNATURES_MAX = 16;

export interface SignedBody {
  readonly header: string;
  readonly body: Uint8Array;
  /** Any of them may have signed. None: nothing is good. */
  readonly secrets: readonly string[];
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Older than so many seconds is refused: what was overheard cannot be sent again later. */
  readonly toleranceS: number;
}

/** Why a signature is not good, for whoever set the webhook up; undefined where it is. */
export function whyUnsigned({ header, body, secrets, nowMs, toleranceS }: SignedBody): string | undefined {
  const { seconds, signatures } = partsOf(header);
  if (seconds === undefined || signatures.length === 0 || signatures.includes(''))
    return 'it has not the form t=…,v1=…';
  if (signatures.length > SIGNATURES_MAX) return 'it has too many signatures';
  if (!isSigned({ seconds, signatures, body, secrets })) return 'it was made with another secret, or of another body';
  return Math.floor(nowMs / 1000) - seconds > toleranceS ? 'it is too old' : undefined;
}

interface HeaderParts {
  readonly seconds: number | undefined;
  readonly signatures: readonly string[];
}

function partsOf(header: string): HeaderParts {
  let seconds: number | undefined;
  const signatures: string[] = [];
  for (const item of header.split(',')) {
    const [name, value = ''] = item.split('=');
    if (name === 't') seconds = /^\d{1,12}$/.test(value) ? Number(value) : undefined;
    else if (name === 'v1') signatures.push(value);
  }
  return { seconds, signatures };
}

/** Compares every signature with every secret, whichever fits: the time it takes tells nothing. */
function isSigned({
  seconds,
  signatures,
  body,
  secrets,
}: { readonly seconds: number; readonly signatures: readonly string[] } & Pick<
  SignedBody,
  'body' | 'secrets'
>): boolean {
  let isGood = false;
  // An empty secret is one that everybody knows.
  for (const secret of secrets.filter((one) => one.trim() !== '')) {
    const expected = Buffer.from(createHmac('sha256', secret).update(`${seconds}.`).update(body).digest('hex'));
    for (const signature of signatures) {
      const given = Buffer.from(signature);
      if (given.length === expected.length && timingSafeEqual(given, expected)) isGood = true;
    }
  }
  return isGood;
}
