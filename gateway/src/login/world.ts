/** What a login works with, and what it is asked and answers. */
import type { Fault } from '../chat/fault.ts';
import type { Config } from '../config/schema.ts';
import type { JsonRecord } from '../lib/json.ts';
import type { Result } from '../lib/result.ts';
import type { People, SessionRow, UserRow } from '../store/people-ports.ts';
import type { Keys } from '../store/ports.ts';
import type { Oidc } from './oidc.ts';
import type { Place } from './origin.ts';
import type { Passwords } from './password.ts';
import type { Throttle } from './throttle.ts';

export interface LoginWorld {
  readonly people: People;
  readonly keys: Keys;
  /** In force now. */
  readonly config: () => Config['people'];
  readonly passwords: Passwords;
  readonly throttle: Throttle;
  readonly oidc: Oidc;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly monotonicMs: () => number;
}

export interface LoginRequest {
  readonly method: string;
  /** As it was asked: `/login`, `/auth/me`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Of who asks. */
  readonly address: string;
  /** Whether the body is a form of a page, by its content type. */
  readonly isForm: boolean;
  /** Reads the body: fields of a form, or an object of JSON. */
  readonly body: () => Promise<Result<JsonRecord, Fault>>;
}

export interface LoginAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A fault that is told in JSON; pages tell theirs themselves. `allow`: the methods that are taken. */
export type LoginResult = LoginAnswer | { readonly fault: Fault; readonly allow?: string };

/** A request with what is known of who sent it. */
export interface Visit {
  readonly request: LoginRequest;
  readonly place: Place;
  /** Of a form or of JSON; empty where there is none. */
  readonly fields: JsonRecord;
  readonly login: OpenLogin | undefined;
}

/** A session that is open, and the cookie's value that it was found by. */
export interface OpenLogin {
  readonly value: string;
  readonly session: SessionRow;
  readonly user: UserRow;
}
