/** What each fault teaches of the one who sent it. What a request is to blame for teaches nothing (faults.md F26). */
import type { FaultCode } from '../chat/fault.ts';
import type { Failed, Reason } from './breaker.ts';

export type Lesson =
  /** Of the target: it broke, erred, or has too much to do. */
  | { readonly of: 'target'; readonly how: Failed }
  /** Of the target, or of its key with all of its models: it will last. */
  | { readonly of: 'target' | 'key'; readonly reason: Reason; readonly alert: Alert };

/** What an operator must hear of: the log's words, and the kind in the metrics. */
export interface Alert {
  readonly kind: string;
  readonly text: string;
}

const ERROR: Lesson = { of: 'target', how: 'error' };

const LESSONS: Readonly<Partial<Record<FaultCode, Lesson>>> = {
  'upstream-unreachable': ERROR,
  'upstream-unresolved': ERROR,
  'upstream-certificate': ERROR,
  'upstream-redirect': ERROR,
  'upstream-invalid': ERROR,
  'upstream-error': ERROR,
  'upstream-cut': ERROR,
  'upstream-timeout': ERROR,
  'upstream-overloaded': { of: 'target', how: 'overload' },
  'upstream-rate-limited': { of: 'target', how: 'limit' },
  'upstream-auth': {
    of: 'key',
    reason: 'key-refused',
    alert: { kind: 'key_refused', text: 'a provider refuses our key' },
  },
  'upstream-credential': {
    of: 'key',
    reason: 'credential-missing',
    alert: { kind: 'credential_missing', text: 'there is no credential for a provider' },
  },
  'upstream-quota': {
    of: 'key',
    reason: 'quota-used-up',
    alert: { kind: 'quota_used_up', text: 'our credit at a provider is used up' },
  },
  'upstream-not-found': {
    of: 'target',
    reason: 'model-gone',
    alert: { kind: 'model_gone', text: 'a provider does not know a model any more' },
  },
};

/** Undefined where nothing is taught. */
export function lessonOf(code: FaultCode): Lesson | undefined {
  return LESSONS[code];
}
