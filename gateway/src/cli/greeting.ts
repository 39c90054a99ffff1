/** What the gateway says when it listens. */
import type { AddressInfo } from 'node:net';
import type { Simulator } from '../simulator/simulator.ts';
import type { Loaded } from './configuration.ts';

export interface Greeting {
  /** Scheme, host and port. */
  readonly base: string;
  readonly firstKey: string | undefined;
  /** For the first owner; absent once there is one. */
  readonly setupLink: string | undefined;
  readonly first: Loaded;
  readonly simulator: Simulator | undefined;
  readonly dataDir: string;
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Where callers reach it. */
export function baseOf({ address, family, port }: AddressInfo): string {
  const host = family === 'IPv6' ? `[${address}]` : address === '0.0.0.0' ? '127.0.0.1' : address;
  return `http://${host}:${port}`;
}

/** What a person needs to make the first call, ready to be copied. */
export function greetingOf(greeting: Greeting): string {
  const { base, firstKey, setupLink, first, simulator } = greeting;
  const providers =
    simulator === undefined
      ? [...first.snapshot.providerIds].join(', ')
      : 'none found: the built-in simulator answers, and no provider is called';
  const key =
    firstKey ??
    (greeting.env['TURNOUT_ADMIN_KEY'] === undefined
      ? 'the one shown at the first start (another: turnout keys create --name NAME)'
      : 'the one in TURNOUT_ADMIN_KEY');
  const lines = [
    `listening on ${base}`,
    '',
    `  base URL   ${base}/v1          (OpenAI; Anthropic and Gemini clients: ${base})`,
    `  key        ${key}`,
    ...(firstKey === undefined ? [] : ['             shown only now: keep it']),
    `  providers  ${providers}`,
    `  models     ${first.snapshot.listed.length}`,
    `  config     ${greeting.file}`,
    `  data       ${greeting.dataDir}`,
    ...(setupLink === undefined
      ? []
      : [`  setup      ${setupLink}`, '             makes the first owner; good for a day (again: turnout setup)']),
    '',
    `  curl ${base}/v1/chat/completions \\`,
    `    -H "Authorization: Bearer ${firstKey ?? '$TURNOUT_KEY'}" -H "Content-Type: application/json" \\`,
    `    -d '{"model":"auto","messages":[{"role":"user","content":"hi"}]}'`,
    '',
  ];
  return `${lines.join('\n')}\n`;
}
