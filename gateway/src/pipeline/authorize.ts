/** authorize: adds what proves who we are, where that is more than one static secret. All others pass by without a wait. */
import type { Credentials, Grant } from '../credentials/credentials.ts';
import { fault, type Fault } from '../chat/fault.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { sigv4Headers } from '../lib/sigv4.ts';
import type { AwsIdentity, Identity } from '../routing/identity.ts';
import type { Outgoing, Sending } from './call.ts';
import type { World } from './world.ts';

/** What a proxy on the way leaves alone; AWS wants its own headers signed, and the host. */
const SIGNED_HEADER = /^(?:content-type|x-amz-.*|x-amzn-.*)$/;

/** The request with its proof, in each of its parts. Waits only where none is at hand. Fails where there is none. */
export async function authorized(
  of: Outgoing,
  identity: Identity,
  { credentials, clock }: Pick<World, 'credentials' | 'clock'>,
): Promise<Result<Outgoing, Fault>> {
  const granted = await grantOf(identity, credentials);
  if (!granted.ok) return err(fault('upstream-credential', { provider: identity.provider, reason: granted.error }));
  const proving = { grant: granted.value, nowMs: clock.unixMs() };
  return ok({
    ...of,
    grant: granted.value,
    call: proven(of.call, identity, proving),
    ...(of.more === undefined ? {} : { more: of.more.map((part) => proven(part, identity, proving)) }),
  });
}

function grantOf(identity: Identity, credentials: Credentials): Result<Grant, string> | Promise<Result<Grant, string>> {
  const grant = credentials.current(identity);
  return grant === undefined ? credentials.obtain(identity) : ok(grant);
}

interface Proving {
  readonly grant: Grant;
  readonly nowMs: number;
}

function proven(call: Sending, identity: Identity, proving: Proving): Sending {
  return { ...call, headers: { ...call.headers, ...proofOf(call, identity, proving) } };
}

function proofOf(call: Sending, identity: Identity, { grant, nowMs }: Proving): Sending['headers'] {
  const { proof, skewMs } = grant;
  if (proof.kind === 'bearer') return { authorization: `Bearer ${proof.token}` };
  return identity.kind === 'aws' ? signature(call, identity, { keys: proof.keys, atMs: nowMs + skewMs }) : {};
}

function signature(
  call: Sending,
  { region, service }: AwsIdentity,
  by: Pick<Parameters<typeof sigv4Headers>[1], 'keys' | 'atMs'>,
): Readonly<Record<string, string>> {
  // The address was made by us and parsed before; what is sent is its canonical form.
  const { host, pathname, search } = new URL(call.url);
  const headers = Object.fromEntries(Object.entries(call.headers).filter(([name]) => SIGNED_HEADER.test(name)));
  return sigv4Headers(
    { method: call.method, host, target: pathname + search, headers, body: call.body },
    { ...by, region, service },
  );
}
