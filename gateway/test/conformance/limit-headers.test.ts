/** The rate limits in every recorded reply that tells of any: read, sane, and none overlooked. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { allowancesIn } from '../../src/health/limit-headers.ts';
import { asArray, asRecord, asString, isRecord, parseJson } from '../../src/lib/json.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';

/** A limit of requests or of tokens, in all: whoever tells it is understood. */
const TELLING = /ratelimit.*limit(?!.*(?:image|audio|page|month|second))|ratelimit-(?:requests|.*tokens)-limit/;
/** Replies of providers that tell limits, as recorded; more are welcome. */
const KNOWN = { openai: 200, anthropic: 80, mistral: 20, xai: 15, azure: 5, groq: 4, together: 4 };

interface Told {
  readonly file: string;
  readonly provider: string;
  readonly headers: Readonly<Record<string, string>>;
}

function recordedHeaders(): readonly Told[] {
  const dir = join(corpusDir() ?? '', 'providers');
  const index = asArray(parseJson(readFileSync(join(dir, 'index.json'), 'utf8'))) ?? [];
  return index.filter(isRecord).flatMap((row): readonly Told[] => {
    const file = asString(row['file']) ?? '';
    const headers = asRecord(
      asRecord(asRecord(parseJson(readFileSync(join(dir, file), 'utf8')))?.['response'])?.['headers'],
    );
    if (headers === undefined) return [];
    const texts = Object.entries(headers).flatMap(([name, value]) =>
      typeof value === 'string' ? [[name.toLowerCase(), value] as const] : [],
    );
    return [{ file, provider: asString(row['provider']) ?? '', headers: Object.fromEntries(texts) }];
  });
}

describe('recorded rate limits', { skip: corpusSkip('limit headers') }, () => {
  it('are all understood, and sane', () => {
    const understood = new Map<string, number>();
    for (const { file, provider, headers } of recordedHeaders()) {
      const recordedMs = Date.parse(headers['date'] ?? '');
      const found = allowancesIn(headers, Number.isNaN(recordedMs) ? 0 : recordedMs);
      const tells = Object.entries(headers).some(([name, value]) => TELLING.test(name) && /^\d+$/.test(value));
      assert.equal(found !== undefined, tells, `${file}: ${JSON.stringify(headers)}`);
      if (found === undefined) continue;
      understood.set(provider, (understood.get(provider) ?? 0) + 1);
      for (const one of [found.requests, found.tokens]) {
        if (one === undefined) continue;
        assert.ok(one.left >= 0 && one.left <= one.limit && one.limit > 0, `${file}: ${JSON.stringify(one)}`);
        assert.ok(one.fullAfterMs >= 0 && one.fullAfterMs <= 86_400_000, `${file}: ${JSON.stringify(one)}`);
      }
    }
    for (const [provider, count] of Object.entries(KNOWN))
      assert.ok((understood.get(provider) ?? 0) >= count, `${provider}: ${understood.get(provider)} of ${count}`);
  });
});
