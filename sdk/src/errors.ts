/** What a gateway refuses, as classes. Each says which field is at fault and which request it was. */

export interface ErrorDetails {
  readonly status: number;
  /** As in `field_invalid`; docs/reference/faults.md of the gateway lists them. */
  readonly code: string | undefined;
  readonly type: string | undefined;
  /** JSON path of the field at fault. */
  readonly param: string | undefined;
  /** For whoever runs the gateway. */
  readonly requestId: string | undefined;
}

export class TurnoutError extends Error implements ErrorDetails {
  override readonly name: string = 'TurnoutError';
  readonly status: number;
  readonly code: string | undefined;
  readonly type: string | undefined;
  readonly param: string | undefined;
  readonly requestId: string | undefined;

  constructor(message: string, details: ErrorDetails) {
    super(message);
    this.status = details.status;
    this.code = details.code;
    this.type = details.type;
    this.param = details.param;
    this.requestId = details.requestId;
  }
}

/** 400, 413, 415, 422: the request itself is wrong; `param` says where. */
export class InvalidRequestError extends TurnoutError {
  override readonly name = 'InvalidRequestError';
}
/** 401: the key is missing, unknown, expired or disabled. */
export class AuthenticationError extends TurnoutError {
  override readonly name = 'AuthenticationError';
}
/** 402: a budget or credit is used up. */
export class BudgetError extends TurnoutError {
  override readonly name = 'BudgetError';
}
/** 403: the key, or its role, may not do this. */
export class PermissionError extends TurnoutError {
  override readonly name = 'PermissionError';
}
/** 404: it is not there, or it is another organisation's. */
export class NotFoundError extends TurnoutError {
  override readonly name = 'NotFoundError';
}
/** 409, 412: somebody else was faster. */
export class ConflictError extends TurnoutError {
  override readonly name = 'ConflictError';
}
/** 429: too many requests, still so after the repeats. */
export class RateLimitError extends TurnoutError {
  override readonly name = 'RateLimitError';
}
/** 5xx, still so after the repeats. */
export class ServerError extends TurnoutError {
  override readonly name = 'ServerError';
}

/** No answer came: the gateway could not be reached, or took too long. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

const CLASSES: Readonly<Record<number, typeof TurnoutError>> = {
  401: AuthenticationError,
  402: BudgetError,
  403: PermissionError,
  404: NotFoundError,
  409: ConflictError,
  412: ConflictError,
  429: RateLimitError,
};

/** `body`: what was answered, parsed where it was JSON. */
export function errorOf(status: number, body: unknown, requestId: string | undefined): TurnoutError {
  const error = fieldOf(body, 'error');
  const text = (name: string): string | undefined => {
    const value = fieldOf(error, name);
    return typeof value === 'string' ? value : undefined;
  };
  const usual = status >= 500 ? ServerError : InvalidRequestError;
  const Kind = CLASSES[status] ?? usual;
  const details = { status, code: text('code'), type: text('type'), param: text('param'), requestId };
  return new Kind(text('message') ?? `the gateway answered ${status}`, details);
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Object.getOwnPropertyDescriptor(value, name)?.value : undefined;
}
