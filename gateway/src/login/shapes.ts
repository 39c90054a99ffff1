/** Users, sessions and invitations as `/auth/*` shows them. */
import { compact, type JsonRecord } from '../lib/json.ts';
import type { InviteRow, People, SessionRow, UserRow } from '../store/people-ports.ts';

export function userRecord(user: UserRow, people: People): JsonRecord {
  return compact({
    id: user.id,
    name: user.name,
    email: user.email,
    role: user.role,
    org_id: user.orgId,
    org: people.org(user.orgId)?.name,
    team_ids: user.teamIds,
    has_password: user.hasPassword,
    created_at: time(user.createdAtMs),
    last_login_at: user.lastLoginAtMs === undefined ? undefined : time(user.lastLoginAtMs),
  });
}

export function sessionRecord(session: SessionRow, current: string): JsonRecord {
  return {
    id: session.id,
    is_current: session.id === current,
    created_at: time(session.createdAtMs),
    seen_at: time(session.seenAtMs),
    expires_at: time(session.expiresAtMs),
    address: session.address,
    agent: session.agent,
  };
}

/** To whoever holds the link: what it is for, and nothing of who else there is. */
export function inviteRecord(invite: InviteRow, people: People): JsonRecord {
  return compact({
    kind: invite.kind,
    org: people.org(invite.orgId)?.name,
    team: people.team(invite.teamId ?? '')?.name,
    email: invite.email,
    role: invite.kind === 'password' ? undefined : invite.role,
    expires_at: time(invite.expiresAtMs),
  });
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
