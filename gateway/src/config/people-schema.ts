/** Who may log in, how, and what new people may do: the part of the schema about people. */
import { z } from 'zod';
import { DEFAULT_ORG_ID, ROLES } from '../people/permissions.ts';
import { ID, named, text, whole } from './fields.ts';

const DOMAINS_MAX = 1000;
const PROVIDERS_MAX = 50;
const DAYS_MAX = 365;
const SECRET_LENGTH_MAX = 4096;

/** `*`: every one. */
const domains = z
  .array(z.string().regex(/^(?:\*|[a-z0-9][a-z0-9.-]{0,252})$/i, 'must be a domain such as `example.org`, or `*`'))
  .max(DOMAINS_MAX)
  .default([]);

/** Nobody becomes an owner by himself: an owner is made by the set-up link, or by another owner. */
const role = z.enum(ROLES).exclude(['owner']).default('developer');

const oidcSchema = z.strictObject({
  name: named(ID).meta({
    description: 'In the address that the provider sends people back to, `/auth/oidc/NAME/callback`.',
  }),
  label: text(100).exactOptional().meta({ description: 'On the button of the login page. Without it: the name.' }),
  issuer: z
    .string()
    .max(2048)
    .refine(isIssuer, 'must be an https address; http only of this very machine')
    .meta({ description: 'Of the provider, as its discovery document says it.' }),
  client_id: text(500).meta({ description: 'What the provider calls this gateway.' }),
  client_secret: z
    .string()
    .max(SECRET_LENGTH_MAX)
    .exactOptional()
    .meta({ description: 'The secret that goes with it: `"${OIDC_SECRET}"`. Without it: a public client.' }),
  scopes: z
    .array(text(100))
    .max(50)
    .default(['openid', 'email', 'profile'])
    .meta({ description: 'What is asked for. `openid` is always among it.' }),
  domains: domains.meta({
    description:
      'Domains of verified e-mail addresses whose people get an account at their first login; `*`: all. Empty: nobody new.',
  }),
  role: role.meta({ description: 'What new people are.' }),
  role_claim: text(100).exactOptional().meta({
    description: 'A claim that holds a role, or several: the highest counts, at each login. Never `owner`.',
  }),
  org: named(ID).default('default').meta({ description: 'Id of the organisation that new people belong to.' }),
  link_by_email: z.boolean().default(false).meta({
    description:
      'Whether an existing account of `org` is taken over by a verified e-mail address of this provider: its password ends with that. Only for a provider that you trust with every account there.',
  }),
});

const fieldsOfPeople = z.strictObject({
  url: z
    .string()
    .max(2048)
    .refine(isOrigin, 'must be an address without a path, such as `https://llm.example.org`')
    .transform((url) => new URL(url).origin)
    .exactOptional()
    .meta({
      description:
        'Where people reach this gateway. With `https` its cookies are sent over TLS only. Without it: what the browser says.',
    }),
  passwords: z.boolean().default(true).meta({ description: 'Whether people may log in by a password.' }),
  sign_up: z.enum(['closed', 'open']).default('closed').meta({
    description: '`closed`: by invitation only. `open`: whoever has an address of `domains` may make an account.',
  }),
  domains: domains.meta({
    description: 'Domains of e-mail addresses that may sign up; `*`: all. No mail is sent to check.',
  }),
  sign_up_role: role.meta({ description: 'What those are who sign up themselves.' }),
  session: z
    .strictObject({
      idle_minutes: whole({ min: 1, max: DAYS_MAX * 24 * 60 })
        .default(12 * 60)
        .meta({ description: 'A session that is not used for so long ends.' }),
      days: whole({ min: 1, max: DAYS_MAX }).default(14).meta({ description: 'And every session after so many days.' }),
    })
    .prefault({})
    .meta({ description: 'How long a login lasts.' }),
  oidc: z
    .array(oidcSchema)
    .max(PROVIDERS_MAX)
    .default([])
    .superRefine((given, context) => {
      for (const [index, { name }] of given.entries())
        if (given.findIndex((other) => other.name === name) !== index)
          context.addIssue({ code: 'custom', path: [index, 'name'], message: 'is the name of an earlier one' });
    })
    .meta({ description: 'OpenID Connect providers that people may log in by.' }),
});

export const peopleSchema = fieldsOfPeople.superRefine(({ sign_up, domains: open, oidc }, context) => {
  for (const [index, { link_by_email, org, domains: vouched }] of oidc.entries())
    if (sign_up === 'open' && link_by_email && org === DEFAULT_ORG_ID && areShared(open, vouched))
      context.addIssue({
        code: 'custom',
        path: ['oidc', index, 'link_by_email'],
        message:
          'cannot stand beside `sign_up: open` for the same domains: anybody could make the account that the owner of an address then logs in to',
      });
});

/** Whether an address can be of both; `vouched`: all where it is empty. */
function areShared(open: readonly string[], vouched: readonly string[]): boolean {
  if (open.length === 0) return false;
  if (vouched.length === 0 || [...open, ...vouched].includes('*')) return true;
  return open.some((one) => vouched.some((other) => one.toLowerCase() === other.toLowerCase()));
}

function isIssuer(given: string): boolean {
  const url = URL.parse(given);
  return url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname)));
}

/** There nothing passes over a network that others could read. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

function isOrigin(given: string): boolean {
  const url = URL.parse(given);
  return url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
}
