/** What the commands about people read of their words in the same way. */
import { foldEmail } from '../people/email.ts';
import { isRole, ROLES, type Role } from '../people/permissions.ts';
import { urlForPeople } from './gateway-here.ts';
import type { CommandIo } from './io.ts';
import { inert, UsageError } from './output.ts';

/** Where people reach the gateway: `--url`, `TURNOUT_URL`, or what its configuration says. */
export async function originOf(given: string | undefined, io: CommandIo): Promise<string> {
  const text = given ?? io.env['TURNOUT_URL'] ?? (await urlForPeople(io));
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new UsageError(`"${inert(text)}" is not an address like https://llm.example.org`);
  return url.origin;
}

export function roleOf(text: string | undefined): Role | undefined {
  if (text === undefined || isRole(text)) return text;
  throw new UsageError(`"${inert(text)}" is no role: it must be one of ${ROLES.join(', ')}`);
}

export function emailOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const email = foldEmail(text);
  if (email === undefined) throw new UsageError(`"${inert(text)}" is not an e-mail address`);
  return email;
}
