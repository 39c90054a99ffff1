/** What the gateway says when it listens. */
import type { AddressInfo } from 'node:net';
import type { Simulator } from '../simulator/simulator.ts';
import type { Loaded } from './configuration.ts';

export interface Greeting {
  readonly address: AddressInfo;
  readonly firstKey: string | undefined;
  readonly first: Loaded;
  readonly simulator: Simulator | undefined;
  readonly dataDir: string;
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What a person needs to make the first call, ready to be copied. */
export function greetingOf(greeting: Greeting): string {
  const { address, firstKey, first, simulator } = greeting;
  const host =
    address.family === 'IPv6' ? `[${address.address}]` : address.address === '0.0.0.0' ? '127.0.0.1' : address.address;
  const base = `http://${host}:${address.port}`;
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
    '',
    `  curl ${base}/v1/chat/completions \\`,
    `    -H "Authorization: Bearer ${firstKey ?? '$TURNOUT_KEY'}" -H "Content-Type: application/json" \\`,
    `    -d '{"model":"auto","messages":[{"role":"user","content":"hi"}]}'`,
    '',
  ];
  return `${lines.join('\n')}\n`;
}
