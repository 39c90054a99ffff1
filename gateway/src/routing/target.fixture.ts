/** Targets for tests: complete, and of no real provider. */
import type { Dialect } from '../dialects/dialect.ts';
import type { Target } from './target.ts';

/** A target `provider/model`; only what the tests of routing look at is filled in. */
export function testTarget(id: string, over: Partial<Target> = {}): Target {
  const [providerId = 'p', model = 'm'] = id.split('/');
  return {
    id,
    providerId,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- routing reads no more of a dialect than that it is there.
    provider: { id: providerId, name: providerId, envKeys: [], dialect: {} as Dialect },
    baseUrl: 'http://127.0.0.1:1/v1',
    urlPrefix: { ok: true, value: 'http://127.0.0.1:1/v1' },
    origin: 'http://127.0.0.1:1',
    keyId: providerId,
    model,
    upstreamModel: model,
    headers: {},
    compliance: [],
    tags: [],
    quality: {},
    limits: {},
    weight: 1,
    timeouts: { connectMs: 1, firstByteMs: 1, firstTokenMs: 1, idleMs: 1, totalMs: 1 },
    isKnown: true,
    ...over,
  };
}
