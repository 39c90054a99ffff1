/** Takes what we sent as credentials out of what a provider says: error texts repeat keys, and not all keys look like one (faults.md F25). */
import type { Fault } from '../chat/fault.ts';
import type { Grant } from '../credentials/credentials.ts';
import { secretsOf } from '../credentials/grant.ts';
import type { Target } from '../routing/target.ts';

/** Shorter ones could stand in any text by chance. */
const SECRET_LENGTH_MIN = 8;
const SECRET_HEADER = /auth|key|token|secret|cookie|password/i;

export function textWithoutSecrets(text: string, target: Target, grant?: Grant): string {
  const headers = Object.entries(target.headers).flatMap(([name, value]) => (SECRET_HEADER.test(name) ? [value] : []));
  const derived = grant === undefined ? [] : secretsOf(grant.proof);
  const secrets = [target.secret ?? '', ...headers, ...derived].filter((secret) => secret.length >= SECRET_LENGTH_MIN);
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text);
}

export function faultWithoutSecrets(of: Fault, target: Target, grant?: Grant): Fault {
  const message = textWithoutSecrets(of.message, target, grant);
  return message === of.message ? of : { ...of, message };
}
