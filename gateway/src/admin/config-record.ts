/** The configuration in force, in the words of its file, for whoever may see everything but secrets. */
import { accountsWithoutKeys } from '../config/accounts.ts';
import type { Config, ModelConfig, ProviderConfig } from '../config/schema.ts';
import { compact, type Json, type JsonRecord } from '../lib/json.ts';
import type { Price, Rates } from '../money/price.ts';
import { formatUsd } from '../money/usd.ts';

/** Of keys their number is told, of headers the names: what stands in either may be a secret. */
export function configRecord(config: Config): JsonRecord {
  const { server, data, store, shared, providers, aliases, routes, timeouts, attempts, limits, batches, log } = config;
  return {
    server: { ...server },
    data,
    store: addressText(store),
    shared: addressText(shared),
    providers: Object.fromEntries(Object.entries(providers).map(([id, one]) => [id, providerRecord(one)])),
    aliases: { ...aliases },
    routes: Object.fromEntries(Object.entries(routes).map(([id, route]) => [id, asJson(route)])),
    timeouts: { ...timeouts },
    attempts,
    limits: asJson(limits),
    price_unknown: config.price_unknown,
    people: peopleRecord(config.people),
    batches: { ...batches },
    billing: billingRecord(config.billing),
    log: { ...log },
  };
}

/** Without user and password, wherever they stand: drivers take them behind the `?` too. What is no address is a word, or told up to its colon. */
function addressText(address: string): string {
  const url = URL.parse(address);
  return url === null ? (address.split(':')[0] ?? '') : `${url.protocol}//${url.host}${url.pathname}`;
}

/** Of a provider's secret is told that there is one. */
function peopleRecord({ oidc, ...people }: Config['people']): JsonRecord {
  const providers = oidc.map(({ client_secret, ...one }) => ({ ...one, has_secret: client_secret !== undefined }));
  return { ...people, oidc: providers };
}

/** Ceilings on prices in USD per million tokens, digit by digit; all else as it is. */
function asJson(value: unknown): Json | undefined {
  if (typeof value === 'bigint') return formatUsd(value);
  if (Array.isArray(value)) return value.map((item) => asJson(item) ?? null);
  if (typeof value !== 'object' || value === null)
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, asJson(item)]));
}

function providerRecord(provider: ProviderConfig): JsonRecord {
  const { api_key, headers, models, timeouts, aws, google, azure, ...rest } = provider;
  const accounts = accountsWithoutKeys(compact({ aws, google, azure }));
  return compact({
    ...rest,
    ...accounts,
    api_keys: api_key?.length,
    headers: headers === undefined ? undefined : Object.keys(headers),
    models: Object.fromEntries(Object.entries(models).map(([name, model]) => [name, modelRecord(model)])),
    timeouts: { ...timeouts },
  });
}

/** Of secrets their number alone. */
function billingRecord({ plan, credits, stripe }: Config['billing']): JsonRecord {
  return {
    plan: plan.map(({ models, basisPoints, fixedNanoUsd }) => ({
      models,
      basis_points: basisPoints,
      fixed_usd: formatUsd(fixedNanoUsd),
    })),
    credits: { ...credits, alerts: [...credits.alerts] },
    stripe: { webhook_secrets: stripe.webhook_secret.length, tolerance_s: stripe.tolerance_s },
  };
}

function modelRecord({ price, limits, quality, ...rest }: ModelConfig): JsonRecord {
  return compact({
    ...rest,
    limits: limits === undefined ? undefined : { ...limits },
    quality: quality === undefined ? undefined : { ...quality },
    price: price === undefined ? undefined : priceRecord(price),
  });
}

/** USD per million tokens, digit by digit. */
function priceRecord(price: Price): JsonRecord {
  const tiers = price.tiers?.map((tier) => ({ above_context_tokens: tier.aboveContextTokens, ...ratesRecord(tier) }));
  return compact({
    ...ratesRecord(price),
    request: price.request === undefined ? undefined : formatUsd(price.request),
    tiers,
  });
}

function ratesRecord(rates: Rates): JsonRecord {
  const { input, output, cacheRead, cacheWrite, cacheWrite1h, reasoning, inputAudio, outputAudio } = rates;
  const named = {
    input,
    output,
    cache_read: cacheRead,
    cache_write: cacheWrite,
    cache_write_1h: cacheWrite1h,
    reasoning,
    input_audio: inputAudio,
    output_audio: outputAudio,
  };
  return Object.fromEntries(
    Object.entries(named).flatMap(([name, rate]) => (rate === undefined ? [] : [[name, formatUsd(rate)]])),
  );
}
