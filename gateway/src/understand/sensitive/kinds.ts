/** The kinds of sensitive data that are looked for. Only kinds ever leave this room: never a value, never a place. */

export const SENSITIVE_KINDS = [
  'email',
  'phone',
  'card',
  'iban',
  'national-id',
  'health',
  'secret',
  'ip-address',
  'address',
  'person',
  /** Not all of the text was looked at: whoever must be sure treats it as all kinds at once. */
  'unread',
] as const;

export type Sensitive = (typeof SENSITIVE_KINDS)[number];
