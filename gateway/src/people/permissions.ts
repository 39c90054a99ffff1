/** Who may do what: the one table. Every admin route names a permission of it. */

/** Each may do what the next may, and more, but for what `MAY` says otherwise. */
export const ROLES = ['owner', 'admin', 'developer', 'analyst', 'viewer'] as const;
export type Role = (typeof ROLES)[number];

/** The organisation that everyone is in where there is no other. Its owners and admins run the gateway. */
export const DEFAULT_ORG_ID = 'default';

/**
 * Permission → roles. `own`: only for what belongs to the one who asks (a developer's own keys). All of it within the organisation of the one who asks; what
 * concerns the whole gateway (`gateway.*`) is for the root key, and for owners and admins of the organisation `default`.
 */
export const MAY = {
  'org.read': ['owner', 'admin', 'developer', 'analyst', 'viewer'],
  'org.write': ['owner'],
  'people.read': ['owner', 'admin', 'developer', 'analyst', 'viewer'],
  'people.write': ['owner', 'admin'],
  'keys.read': ['owner', 'admin', 'analyst', 'viewer'],
  'keys.write': ['owner', 'admin'],
  'keys.own': ['owner', 'admin', 'developer'],
  'budgets.read': ['owner', 'admin', 'developer', 'analyst', 'viewer'],
  'budgets.write': ['owner', 'admin'],
  'credits.read': ['owner', 'admin', 'analyst'],
  'invoices.read': ['owner', 'admin', 'analyst'],
  'usage.read': ['owner', 'admin', 'developer', 'analyst', 'viewer'],
  'requests.read': ['owner', 'admin', 'developer', 'analyst'],
  'routes.read': ['owner', 'admin', 'developer', 'analyst', 'viewer'],
  'alerts.read': ['owner', 'admin', 'developer', 'analyst', 'viewer'],
  'alerts.write': ['owner', 'admin'],
  'audit.read': ['owner', 'admin', 'analyst'],
  'gateway.read': ['owner', 'admin'],
  'gateway.orgs': ['owner'],
  'gateway.credits': ['owner'],
  'gateway.plans': ['owner'],
  'gateway.secrets': ['owner', 'admin'],
  'gateway.config': ['owner', 'admin'],
} as const satisfies Readonly<Record<string, readonly Role[]>>;

export type Permission = keyof typeof MAY;

/** Who asks: the root key (everything, everywhere), a user with a session, or a key that belongs to a user or to nobody. */
export interface Principal {
  readonly kind: 'root' | 'user' | 'key';
  /** Of the user or key: what the audit log names. */
  readonly id: string;
  /** Absent for root only. */
  readonly orgId?: string;
  /** Whose keys are its own. Absent for root, and for a key that belongs to nobody. */
  readonly userId?: string;
  readonly role: Role;
}

/** Whether the one who asks has the permission. Whose thing it is, the route itself looks at. */
export function may(
  { kind, role, orgId }: Pick<Principal, 'kind' | 'role' | 'orgId'>,
  permission: Permission,
): boolean {
  if (kind === 'root') return true;
  if (isOfGateway(permission) && orgId !== DEFAULT_ORG_ID) return false;
  const roles: readonly Role[] = MAY[permission];
  return roles.includes(role);
}

/** Whether someone acts for every organisation and not for the own one alone: the root key, and who may make and end them. */
export function isOfAll(principal: Pick<Principal, 'kind' | 'role' | 'orgId'>): boolean {
  return may(principal, 'gateway.orgs');
}

/** Whether it concerns the gateway as a whole, and so no tenant's people. */
export function isOfGateway(permission: Permission): boolean {
  return permission.startsWith('gateway.');
}

export function isRole(text: unknown): text is Role {
  return ROLES.some((role) => role === text);
}

/** The one of two roles that may less. */
export function lowerOf(one: Role, other: Role): Role {
  return ROLES.indexOf(one) < ROLES.indexOf(other) ? other : one;
}

/** Whether someone of the first role may give or take the second: nobody raises anyone, himself included, above his own. */
export function mayGive(own: Pick<Principal, 'kind' | 'role'>, role: Role): boolean {
  return own.kind === 'root' || ROLES.indexOf(own.role) <= ROLES.indexOf(role);
}
