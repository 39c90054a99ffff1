/** Keys and passwords: by the prefixes that issuers publish, as PEM and JWT, and what stands after a word for a password and an equals sign. */
import { matchAt, type Detector, type Span } from './scan.ts';
import { headOf } from '../words.ts';

interface Key {
  readonly issuer: string;
  /** What it begins with; a form is only tried where one of these stands. */
  readonly begins: readonly string[];
  readonly forms: readonly RegExp[];
}

/** By issuer, as their documentation and GitHub's list of secret scanning patterns give the forms. Each is one run of bounded length. */
const KEYS: readonly Key[] = [
  { issuer: 'AWS', begins: ['AKIA', 'ASIA', 'ABIA', 'ACCA'], forms: [/[A-Z]{4}[A-Z2-7]{16}(?!\w)/y] },
  { issuer: 'GitHub', begins: ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'], forms: [/gh._[A-Za-z\d]{36,255}(?!\w)/y] },
  { issuer: 'GitHub', begins: ['github_pat_'], forms: [/github_pat_[A-Za-z\d]{22}_[A-Za-z\d]{59}(?!\w)/y] },
  {
    issuer: 'GitLab',
    begins: ['glpat-', 'gldt-', 'glrt-', 'glptt-', 'glcbt-'],
    forms: [/gl[a-z]{2,4}-[\w-]{20,64}/y],
  },
  { issuer: 'Anthropic', begins: ['sk-ant-'], forms: [/sk-ant-[a-z\d]{3,8}-[\w-]{40,160}/y] },
  { issuer: 'OpenRouter', begins: ['sk-or-'], forms: [/sk-or-v1-[a-f\d]{64}(?!\w)/y] },
  {
    issuer: 'OpenAI',
    begins: ['sk-'],
    forms: [
      /sk-(?:proj|svcacct|admin)-[\w-]{40,250}/y,
      /sk-[A-Za-z\d]{20}T3BlbkFJ[A-Za-z\d]{20}(?!\w)/y,
      // The form that OpenAI gave first, and that DeepSeek (32 hex) and others took over.
      /sk-(?:[A-Za-z\d]{48}|[a-f\d]{32})(?!\w)/y,
    ],
  },
  { issuer: 'Google', begins: ['AIza'], forms: [/AIza[\w-]{35}(?![\w-])/y] },
  { issuer: 'Google', begins: ['ya29.'], forms: [/ya29\.[\w-]{20,400}/y] },
  { issuer: 'Google', begins: ['GOCSPX-'], forms: [/GOCSPX-[\w-]{28}(?![\w-])/y] },
  {
    issuer: 'Slack',
    begins: ['xoxa-', 'xoxb-', 'xoxe-', 'xoxo-', 'xoxp-', 'xoxr-', 'xoxs-', 'xapp-'],
    forms: [/xox.-[\dA-Za-z-]{20,200}/y, /xapp-\d-[A-Z\d]{6,16}-\d{8,16}-[a-f\d]{32,128}/y],
  },
  {
    issuer: 'Stripe',
    begins: ['sk_live_', 'sk_test_', 'rk_live_', 'rk_test_'],
    forms: [/[rs]k_[a-z]{4}_[A-Za-z\d]{16,250}(?!\w)/y],
  },
  { issuer: 'Stripe', begins: ['whsec_'], forms: [/whsec_[A-Za-z\d+/=]{24,128}/y] },
  { issuer: 'Hugging Face', begins: ['hf_'], forms: [/hf_[A-Za-z]{34}(?!\w)/y] },
  { issuer: 'npm', begins: ['npm_'], forms: [/npm_[A-Za-z\d]{36}(?!\w)/y] },
  { issuer: 'PyPI', begins: ['pypi-'], forms: [/pypi-AgEIcHlwaS5vcmc[\w-]{50,400}/y] },
  { issuer: 'SendGrid', begins: ['SG.'], forms: [/SG\.[\w-]{22}\.[\w-]{43}(?![\w-])/y] },
  { issuer: 'DigitalOcean', begins: ['doo_', 'dop_', 'dor_'], forms: [/do._v1_[a-f\d]{64}(?!\w)/y] },
  { issuer: 'Groq', begins: ['gsk_'], forms: [/gsk_[A-Za-z\d]{52}(?!\w)/y] },
  { issuer: 'xAI', begins: ['xai-'], forms: [/xai-[A-Za-z\d]{80}(?!\w)/y] },
  { issuer: 'Perplexity', begins: ['pplx-'], forms: [/pplx-[A-Za-z\d]{48}(?!\w)/y] },
  { issuer: 'Replicate', begins: ['r8_'], forms: [/r8_[A-Za-z\d]{37}(?!\w)/y] },
  { issuer: 'Databricks', begins: ['dapi'], forms: [/dapi[a-f\d]{32}(?!\w)/y] },
  {
    issuer: 'Shopify',
    begins: ['shpat_', 'shpca_', 'shppa_', 'shpss_'],
    forms: [/shp.._[a-fA-F\d]{32}(?!\w)/y],
  },
  { issuer: 'Twilio', begins: ['SK'], forms: [/SK[a-f\d]{32}(?!\w)/y] },
  { issuer: 'this gateway', begins: ['tk_'], forms: [/tk_[A-Za-z\d]{24,80}(?!\w)/y] },
  // RFC 7519: three parts of base64url, the first two begin with `{"`.
  { issuer: 'JWT', begins: ['eyJ'], forms: [/eyJ[\w-]{10,2000}\.eyJ[\w-]{10,6000}\.[\w-]{10,2000}/y] },
];

/** By their first two characters. */
const BY_HEAD = keysByHead();
/** The scan marks words that begin so. */
export const KEY_HEADS = keyHeads();

/** RFC 7468, section 10 and 11; PGP (RFC 9580, section 6.2). */
const PEM = '-----BEGIN ';
const PRIVATE = /-----BEGIN (?:[A-Z]{2,10} ){0,2}PRIVATE KEY(?: BLOCK)?-----/y;

/** After the word: an equals sign, a colon, an arrow, `is` and its kin; a quote; then the secret. */
const ASSIGNED =
  /["'`\]]{0,2}\s{0,3}(?:[:=]{1,2}|=>|:=|：|\bis\b:?|\blautet\b|\bist\b|\best\b|\bes\b|\bis:|は)\s{0,3}(["'`]?)([^\s"'`,;<>(){}[\]]{6,256})\1/y;
/** What people write where the secret will stand. */
const PLACEHOLDER =
  /^(?:x{3,}|\*{3,}|\.{3,}|<.*|\$.*|\{.*|%.*|process\.env.*|os\.environ.*|env\..*|your.*|my-?.*|example.*|changeme|change-me|placeholder|password\d?|passwd|secret|token|null|none|undefined|true|false|string|required|optional|redacted.*|.*\.\.\.|.*\(.*)$/i;
/** In prose a password is more than a word: letters and digits at least, or other signs. */
const SECRET_BITS_MIN = 2.5;
/** `user:secret@host` in an address. */
const URL_SECRET = /[a-z][a-z\d+.-]{1,20}:\/\/[^\s/:@]{1,64}:([^\s/@]{3,128})@[\w.-]{1,255}/iy;

export const secret: Detector = function* find({ text, keyStarts, words }) {
  yield* issuedKeys(text, keyStarts);
  yield* privateKeys(text);
  yield* urlSecrets(text);
  yield* namedSecrets(text, words.secret);
};

function* issuedKeys(text: string, starts: readonly number[]): Iterable<Span> {
  for (const start of starts) {
    const found = keyAt(text, start);
    // `sk-xxxxxxxx` and `AKIAIOSFODNN7EXAMPLE` stand in manuals.
    if (found !== undefined && !/(.)\1{7}|EXAMPLE$/.test(found)) yield { start, end: start + found.length };
  }
}

function keyAt(text: string, start: number): string | undefined {
  if (text.charAt(start - 1) === '_') return undefined;
  const known = BY_HEAD.get(headAt(text, start))?.find(({ begins }) =>
    begins.some((begin) => text.startsWith(begin, start)),
  );
  return known?.forms.map((form) => matchAt(form, text, start)).find((found) => found !== undefined);
}

function headAt(text: string, at: number): number {
  return headOf(text.charCodeAt(at), text.charCodeAt(at + 1));
}

function keyHeads(): Uint8Array {
  const heads = new Uint8Array(1 << 16);
  for (const head of BY_HEAD.keys()) heads[head] = 1;
  return heads;
}

function keysByHead(): ReadonlyMap<number, readonly Key[]> {
  const byHead = new Map<number, Key[]>();
  for (const key of KEYS)
    for (const head of new Set(key.begins.map((begin) => headAt(begin, 0))))
      byHead.set(head, [...(byHead.get(head) ?? []), key]);
  return byHead;
}

function* privateKeys(text: string): Iterable<Span> {
  for (let at = text.indexOf(PEM); at !== -1; at = text.indexOf(PEM, at + PEM.length)) {
    const found = matchAt(PRIVATE, text, at);
    if (found !== undefined) yield { start: at, end: at + found.length };
  }
}

function* urlSecrets(text: string): Iterable<Span> {
  for (let at = text.indexOf('://'); at !== -1; at = text.indexOf('://', at + 3)) {
    let start = at;
    while (start > 0 && at - start < 20 && /[a-z\d+.-]/i.test(text.charAt(start - 1))) start--;
    URL_SECRET.lastIndex = start;
    const found = URL_SECRET.exec(text);
    if (found !== null && !PLACEHOLDER.test(found[1] ?? '')) yield { start, end: start + found[0].length };
  }
}

function* namedSecrets(text: string, names: readonly Span[]): Iterable<Span> {
  let judged = 0;
  for (const name of names) {
    // Every character is judged as part of one value only, however many names stand in it.
    if (name.end < judged) continue;
    ASSIGNED.lastIndex = name.end;
    const found = ASSIGNED.exec(text);
    const value = found?.[2];
    if (found === null || value === undefined) continue;
    judged = name.end + found[0].length;
    const end = judged - (found[1]?.length ?? 0);
    if (isSecret(value)) yield { start: end - value.length, end };
  }
}

/** Not a placeholder, not a word: at least two kinds of characters, and about as mixed as a password is. */
function isSecret(value: string): boolean {
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z\d]/].filter((kind) => kind.test(value.replace(/[.!?]$/, ''))).length;
  return (
    kinds >= 2 &&
    /\d|[^\w.:/-]/.test(value.replace(/[.!?]$/, '')) &&
    !PLACEHOLDER.test(value) &&
    bitsOf(value) >= SECRET_BITS_MIN
  );
}

/** Shannon's entropy of its characters, in bits a character. */
function bitsOf(value: string): number {
  const counts = new Map<string, number>();
  for (const character of value) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => {
    const share = count / value.length;
    return sum - share * Math.log2(share);
  }, 0);
}
