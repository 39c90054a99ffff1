/** Where a caller is: at the other end of the connection, or, where a proxy of ours is there, in front of that. Pure. */

/** Longer ones are no addresses. */
const HOP_LENGTH_MAX = 64;
/** As some proxies write them: with the port. */
const WITH_PORT = /^(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}$/;
const IN_BRACKETS = /^\[([0-9a-f:.%]+)\](?::\d{1,5})?$/i;

/**
 * `forwarded`: `x-forwarded-for`. Each proxy writes at its end who had asked it; what stands before that anyone can have written.
 * So the caller is the last that is no proxy of ours. Without one at the other end the header is not looked at.
 */
export function callerAddress(
  peer: string | undefined,
  forwarded: string | undefined,
  isProxy: (address: string) => boolean,
): string | undefined {
  if (peer === undefined || forwarded === undefined || !isProxy(peer)) return peer;
  const hops = forwarded.split(',').map(plain);
  return hops.findLast((hop) => !isProxy(hop)) ?? hops[0] ?? peer;
}

function plain(hop: string): string {
  const text = hop.trim().slice(0, HOP_LENGTH_MAX);
  return WITH_PORT.exec(text)?.[1] ?? IN_BRACKETS.exec(text)?.[1] ?? text;
}
