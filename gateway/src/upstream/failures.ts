/** What went wrong on the way to a provider: from broken connections to our outcomes and faults. */
import { fault, type Fault, type FaultCode } from '../chat/fault.ts';
import type { Breakage } from './codec.ts';
import type { UpstreamOutcome } from './upstream.ts';

/** A failure before it has the provider's name. Reasons hold no address and no text of a parser. */
export interface Failure {
  readonly outcome: UpstreamOutcome;
  readonly code: FaultCode;
  readonly values: Readonly<Record<string, string | number>>;
}

/** What OpenSSL and Node call the ways in which a certificate can be wrong, in words for people. */
const CERTIFICATE_REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
  CERT_REVOKED: 'it was revoked',
  ERR_TLS_CERT_ALTNAME_INVALID: 'it is for another name',
  HOSTNAME_MISMATCH: 'it is for another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its issuer is not known',
  UNABLE_TO_GET_ISSUER_CERT: 'its issuer is not known',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its issuer is not known',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its issuer is not known',
  CERT_UNTRUSTED: 'its issuer is not trusted',
  INVALID_CA: 'its issuer is not an authority',
  CERT_SIGNATURE_FAILURE: 'its signature is wrong',
  // Bytes that are no TLS record: nearly always a server that speaks plain HTTP on this port.
  ERR_SSL_WRONG_VERSION_NUMBER: 'plain HTTP is spoken there, not TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'plain HTTP is spoken there, not TLS',
  ERR_SSL_UNKNOWN_PROTOCOL: 'plain HTTP is spoken there, not TLS',
  ERR_SSL_HTTP_REQUEST: 'plain HTTP is spoken there, not TLS',
};

const TLS_BROKE = 'the TLS connection failed';

/** Our own machine is at its limit: another target would fare no better. */
const LOCAL_LIMITS: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']);

/** The `code` of an error, or of the first of several (one per address that was tried). Empty where there is none. */
function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error instanceof AggregateError ? codeOf(error.errors[0]) : '';
}

/** Failed while connecting; nothing was sent. */
export function connectFailure(error: unknown): Failure {
  const code = codeOf(error);
  const certificate = CERTIFICATE_REASONS[code];
  if (certificate !== undefined)
    return { outcome: 'tls_failed', code: 'upstream-certificate', values: { reason: certificate } };
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code === 'EPROTO') {
    return { outcome: 'tls_failed', code: 'upstream-certificate', values: { reason: TLS_BROKE } };
  }
  if (code === 'ECONNREFUSED') return unreachable('connect_refused', 'it refused the connection');
  if (code === 'ETIMEDOUT') return unreachable('connect_timeout', 'it did not take the connection');
  if (LOCAL_LIMITS.has(code)) {
    return {
      outcome: 'no_connection',
      code: 'overloaded',
      values: { reason: 'this machine can open no more connections' },
    };
  }
  if (code === 'ECONNRESET' || code === 'EPIPE')
    return unreachable('upstream_reset', 'it closed the connection at once');
  return unreachable('connect_failed', 'no way leads to it');
}

/** The name of the upstream leads nowhere. A code of its own, since a repeat meets the same answer, or the same silence. */
export function nameFailure(): Failure {
  return unresolved('its name does not resolve');
}

function unresolved(reason: string): Failure {
  return { outcome: 'dns_failed', code: 'upstream-unresolved', values: { reason } };
}

/** The connect limit passed in one of its phases. A name is our own business (502), a connection theirs (504). */
export function connectTimeout(phase: 'queued' | 'resolving' | 'connecting', ms: number): Failure {
  if (phase === 'resolving') return unresolved(`its name was not resolved within ${ms} ms`);
  if (phase === 'queued') return noConnection(`no connection became free within ${ms} ms`);
  return { outcome: 'connect_timeout', code: 'upstream-timeout', values: { phase: 'take the connection', ms } };
}

export function noConnection(reason: string): Failure {
  return { outcome: 'no_connection', code: 'upstream-overloaded', values: { reason } };
}

export function egressRefused(): Failure {
  return unsendable('egress_refused', 'its address is private or reserved, and only public addresses are allowed here');
}

/** Never sent, and never will be: what is wrong stands in the configuration. */
export function unsendable(outcome: 'egress_refused' | 'request_invalid', reason: string): Failure {
  return { outcome, code: 'upstream-unsendable', values: { reason } };
}

export function unreachable(outcome: UpstreamOutcome, reason: string): Failure {
  return { outcome, code: 'upstream-unreachable', values: { reason } };
}

export function unreadable(outcome: UpstreamOutcome, reason: string): Failure {
  return { outcome, code: 'upstream-invalid', values: { reason } };
}

/** Failed after a connection had the request. `hasHead`: the reply's head had arrived. */
export function replyFailure(how: Breakage, hasHead: boolean): Failure {
  switch (how.kind) {
    case 'stale':
    case 'closed':
      if (hasHead) return cut(how.kind === 'closed' && how.isReset ? 'upstream_reset' : 'truncated');
      return unreachable('upstream_reset', 'it closed the connection before it answered');
    case 'tls':
      return { outcome: 'tls_failed', code: 'upstream-certificate', values: { reason: TLS_BROKE } };
    case 'not-http':
      return unreadable('not_http', 'it is not HTTP');
    case 'head-too-large':
      return unreadable('not_http', 'its headers are too large');
    case 'unsendable':
      return unsendable('request_invalid', 'the request for it has a header or path that HTTP does not allow');
    case 'bug':
      return { outcome: 'internal', code: 'internal', values: {} };
  }
}

function cut(outcome: UpstreamOutcome): Failure {
  return { outcome, code: 'upstream-cut', values: {} };
}

export function tooBig(max: number): Failure {
  return { outcome: 'too_big', code: 'upstream-too-big', values: { max } };
}

export function tooSlow(outcome: 'first_byte_timeout' | 'idle_timeout', ms: number): Failure {
  const phase = outcome === 'first_byte_timeout' ? 'begin to answer' : 'send more of its answer';
  return { outcome, code: 'upstream-timeout', values: { phase, ms } };
}

export function faultOf(failure: Failure, provider: string): Fault {
  return fault(failure.code, { provider, ...failure.values });
}
