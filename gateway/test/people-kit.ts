/** A browser's part of a login, for tests: cookies, pages and their forms, over real sockets. */
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { asArray, asRecord, asString, isRecord, parseJson, type JsonRecord } from '../src/lib/json.ts';
import { ROOT_KEY, type TestGateway } from './harness.ts';

export const PASSWORD = 'correct horse battery';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
  readonly body: JsonRecord;
}

export interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: JsonRecord;
  readonly form?: Readonly<Record<string, string>>;
  /** The address that it comes from: any of 127.0.0.0/8. */
  readonly from?: string;
}

/** One request, as it is written: nothing is added, followed or kept. */
export function send(method: string, url: string, { headers = {}, json, form, from }: Sent = {}): Promise<Answer> {
  const body =
    json !== undefined ? JSON.stringify(json) : form === undefined ? undefined : new URLSearchParams(form).toString();
  const type = json === undefined ? 'application/x-www-form-urlencoded' : 'application/json';
  const typed = body === undefined ? {} : { 'content-type': type, 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const options = {
      method,
      headers: { ...typed, ...headers },
      agent: false as const,
      ...(from === undefined ? {} : { localAddress: from }),
    };
    const asked = httpRequest(url, options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => {
        const body = asRecord(parseJson(text)) ?? {};
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body });
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

/** A browser of one person: keeps cookies, says where its posts come from, sends the token that its page has. */
export class Browser {
  readonly #base: string;
  readonly #from: string | undefined;
  readonly jar = new Map<string, string>();
  csrf = '';

  constructor(base: string, from?: string) {
    this.#base = base;
    this.#from = from;
  }

  async ask(method: string, path: string, sent: Sent = {}): Promise<Answer> {
    const url = new URL(path, this.#base);
    const isOurs = url.origin === new URL(this.#base).origin;
    const cookie = [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = {
      ...(cookie === '' ? {} : { cookie }),
      ...(method === 'GET' ? {} : { origin: new URL(this.#base).origin, 'sec-fetch-site': 'same-origin' }),
      ...(sent.json === undefined && method !== 'DELETE' ? {} : { 'x-turnout-csrf': this.csrf }),
      ...sent.headers,
    };
    const answer = await send(method, url.href, {
      ...sent,
      headers,
      ...(this.#from === undefined ? {} : { from: this.#from }),
    });
    if (isOurs) this.#keep(answer);
    return answer;
  }

  /** Posts the form of a page. */
  async post(path: string, form: Readonly<Record<string, string>>): Promise<Answer> {
    return this.ask('POST', path, { form });
  }

  async me(): Promise<JsonRecord> {
    const { status, body } = await this.ask('GET', '/auth/me');
    assert.equal(status, 200);
    this.csrf = asString(body['csrf']) ?? '';
    return asRecord(body['user']) ?? {};
  }

  #keep({ headers }: Answer): void {
    for (const line of [headers['set-cookie'] ?? []].flat()) {
      const [pair = '', ...rest] = line.split(';');
      const [name = '', value = ''] = pair.split('=');
      if (rest.some((word) => word.trim() === 'Max-Age=0')) this.jar.delete(name);
      else this.jar.set(name, value);
    }
  }
}

/** The link that a gateway printed at its first start. */
export function setupLink(gateway: TestGateway): string {
  const link = /http:\/\/\S+\/setup\?token=\S+/.exec(gateway.output())?.[0];
  assert.ok(link, gateway.output());
  return link;
}

/** The owner of a new gateway, logged in. */
export async function firstOwner(gateway: TestGateway): Promise<Browser> {
  const owner = new Browser(gateway.url);
  const token = new URL(setupLink(gateway)).searchParams.get('token') ?? '';
  const person = { name: 'Olga Owner', email: 'owner@example.org', password: PASSWORD };
  const made = await owner.post('/setup', { token, ...person });
  assert.equal(made.status, 303, made.text);
  await owner.me();
  return owner;
}

/** What the root key is answered. */
export async function asRoot(gateway: TestGateway, method: string, path: string, json?: JsonRecord): Promise<Answer> {
  return send(method, `${gateway.url}${path}`, {
    headers: { authorization: `Bearer ${ROOT_KEY}` },
    ...(json === undefined ? {} : { json }),
  });
}

/** The token in a hidden field of a page's form. */
export function tokenIn(page: string): string {
  return /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
}

/** The rows of a list. */
export function rowsOf({ body }: Answer): readonly JsonRecord[] {
  return (asArray(body['data']) ?? []).filter(isRecord);
}
