/** `secrets`: credentials of providers, sealed in the store. They go in here, and never come out. */
import { z } from 'zod';
import { fault, type Fault } from '../chat/fault.ts';
import { compact, type JsonRecord } from '../lib/json.ts';
import type { Result } from '../lib/result.ts';
import type { SecretRow } from '../store/secret-ports.ts';
import { endpoint, list, type Answer, type Endpoint } from './endpoint.ts';
import { at, deleted, id, momentOf, name } from './fields.ts';
import { pageOf } from './lists.ts';
import { actOf } from './revisions.ts';

const SECRET_LENGTH_MAX = 16_384;
const count = z.int().min(1).max(1_000_000_000);
const settings = {
  region: z.string().min(1).max(64).optional().describe('where its account computes'),
  weight: z.int().min(1).max(1000).optional().describe('share of the requests of its provider'),
  requests_per_minute: count.optional().describe('of its account'),
  tokens_per_minute: count.optional().describe('of its account'),
  concurrent: count.optional().describe('requests under way at once'),
};

const secret = z
  .strictObject({
    id,
    provider: z.string(),
    name: z.string(),
    origin: z.string().describe('scheme, host and port that it was saved for: it goes nowhere else'),
    hint: z.string().describe('its last characters; empty where it is short'),
    disabled: z.boolean(),
    created_at: at,
    ...settings,
  })
  .meta({ id: 'ProviderSecret', description: 'A credential of a provider, without itself.' });

const EXAMPLE = {
  id: 'sec_0mf3k2v9xexample0000000',
  provider: 'openai',
  name: 'default',
  origin: 'https://api.openai.com',
  hint: 'x4Qz',
  disabled: false,
  created_at: '2026-11-27T08:00:00.000Z',
};

export const secretEndpoints: readonly Endpoint[] = [
  list({
    id: 'secrets.list',
    path: 'secrets',
    permissions: ['gateway.secrets'],
    summary: 'Lists credentials of providers, without themselves.',
    row: secret,
    filters: { provider: z.string().optional().describe('name of the provider in the configuration') },
    sorts: ['provider', '-provider'],
    searches: 'provider, name or id',
    example: EXAMPLE,
    answers: ({ query, page }, { store }) => {
      const all = store.secrets
        .list()
        .filter(({ provider }) => query.provider === undefined || provider === query.provider);
      const { rows, ...more } = pageOf(all, page, {
        idOf: (row) => row.id,
        columns: { provider: (row) => row.provider },
        searched: (row) => [row.provider, row.name, row.id],
      });
      return { rows: rows.map(recordOf), ...more };
    },
  }),
  endpoint({
    id: 'secrets.create',
    method: 'POST',
    path: 'secrets',
    permissions: ['gateway.secrets'],
    summary: 'Seals a credential. One of the same provider and name is replaced.',
    status: 201,
    body: z.strictObject({
      provider: z.string().min(1).max(200).describe('say whose it is: the name of the provider in the configuration'),
      origin: z
        .string()
        .min(1)
        .max(2000)
        .describe('say where it may go: an address of the provider, as in https://api.openai.com/v1'),
      secret: z.string().min(1).max(SECRET_LENGTH_MAX).describe('the credential itself; it is never shown again'),
      name: name.optional().describe('of several that a provider has; absent: `default`'),
      ...settings,
    }),
    answer: secret,
    examples: {
      body: { provider: 'openai', origin: 'https://api.openai.com/v1', secret: 'an example' },
      answer: EXAMPLE,
    },
    async answers({ body, principal }, { store }) {
      const { provider, origin, secret: value, name: called, region, weight, concurrent } = body;
      const limits = { requestsPerMinute: body.requests_per_minute, tokensPerMinute: body.tokens_per_minute };
      const saved = await store.secrets.save(
        compact({
          provider,
          origin,
          secret: value,
          name: called,
          settings: compact({ region, weight, concurrent, ...limits }),
        }),
        principal.id,
      );
      return saved.ok ? answerOf(saved.value) : saved.error;
    },
  }),
  endpoint({
    id: 'secrets.update',
    method: 'PATCH',
    path: 'secrets/{id}',
    permissions: ['gateway.secrets'],
    summary: 'Switches a credential off, or on again.',
    isSingle: true,
    body: z.strictObject({ disabled: z.boolean().describe('say whether it is off') }),
    answer: secret,
    examples: { body: { disabled: true }, answer: { ...EXAMPLE, disabled: true } },
    async answers({ id: secretId, body, principal, ifRevision }, { store }) {
      const row = store.secrets.list().find((one) => one.id === secretId);
      if (row === undefined) return unknown(secretId);
      const act = actOf(principal, ifRevision, row.revision.toString());
      if ('code' in act) return act;
      return answered(await store.secrets.disable(secretId, body.disabled, act), secretId);
    },
  }),
  endpoint({
    id: 'secrets.delete',
    method: 'DELETE',
    path: 'secrets/{id}',
    permissions: ['gateway.secrets'],
    summary: 'Takes a credential away. What was sealed is gone.',
    isSingle: true,
    answer: deleted,
    examples: { answer: { id: EXAMPLE.id, deleted: true } },
    async answers({ id: secretId, principal, ifRevision }, { store }) {
      const row = store.secrets.list().find((one) => one.id === secretId);
      if (row === undefined) return unknown(secretId);
      const act = actOf(principal, ifRevision, row.revision.toString());
      if ('code' in act) return act;
      const removed = await store.secrets.remove(secretId, act);
      if (!removed.ok) return removed.error;
      return removed.value ? { body: { id: secretId, deleted: true } } : unknown(secretId);
    },
  }),
];

function unknown(secretId: string): Fault {
  return fault('record-unknown', { id: secretId.slice(0, 80) });
}

function answered(result: Result<SecretRow | undefined, Fault>, secretId: string): Answer | Fault {
  if (!result.ok) return result.error;
  return result.value === undefined ? unknown(secretId) : answerOf(result.value);
}

function answerOf(row: SecretRow): Answer {
  return { body: recordOf(row), revision: row.revision.toString() };
}

function recordOf({ settings: own, ...row }: SecretRow): JsonRecord {
  return compact({
    id: row.id,
    provider: row.provider,
    name: row.name,
    origin: row.origin,
    hint: row.hint,
    disabled: row.isDisabled,
    created_at: momentOf(row.createdAtMs),
    region: own.region,
    weight: own.weight,
    requests_per_minute: own.requestsPerMinute,
    tokens_per_minute: own.tokensPerMinute,
    concurrent: own.concurrent,
  });
}
