/** Hands a request to the room that logs people in: with its body, read when that room wants it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fault, type Fault } from '../chat/fault.ts';
import type { JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { Login } from '../login/login.ts';
import type { LoginResult } from '../login/world.ts';
import { parseBody } from '../pipeline/body.ts';
import { readBody } from './read-body.ts';

/** Names, addresses, a password: far less than this. */
export const LOGIN_MAX_BYTES = 64 * 1024;
const FIELDS_MAX = 50;

interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly address: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

export async function askLogin(login: Login, asked: Asked): Promise<LoginResult> {
  const { request, response, path, query, headers, address } = asked;
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(headers['content-type'] ?? '');
  return login.answer({
    method: request.method ?? 'GET',
    path,
    query,
    headers,
    address,
    isForm,
    body: async () => {
      const maxBytes = LOGIN_MAX_BYTES;
      // With a watch the body need not be JSON.
      const bytes = await readBody(request, response, isForm ? { maxBytes, watch: () => undefined } : { maxBytes });
      if (!bytes.ok) return bytes;
      return isForm ? formOf(bytes.value) : recordOf(bytes.value);
    },
  });
}

function formOf(bytes: Buffer): Result<JsonRecord, Fault> {
  const fields = new URLSearchParams(bytes.toString('utf8'));
  if (fields.size > FIELDS_MAX) return err(fault('too-many-keys', { max: FIELDS_MAX }));
  return ok(Object.assign(Object.create(null), Object.fromEntries(fields)));
}

/** No body is no fields: a logout has none. */
function recordOf(bytes: Buffer): Result<JsonRecord, Fault> {
  if (bytes.length === 0) return ok({});
  const parsed = parseBody(bytes);
  return parsed.ok ? ok(parsed.value.record) : parsed;
}
