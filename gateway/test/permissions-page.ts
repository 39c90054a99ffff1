/** docs/reference/permissions.md, written from the table of permissions. */
import { DEFAULT_ORG_ID, isOfGateway, MAY, may, ROLES, type Permission } from '../src/people/permissions.ts';

const INTRO = `# Permissions

Made by \`npm run generate\` from \`gateway/src/people/permissions.ts\`; do not edit.

All within the organisation of the one who asks; what another has is not there (404). The root key may everything, everywhere.
What is the whole gateway's (\`gateway.*\`, the audit log) is for the organisation \`${DEFAULT_ORG_ID}\` alone: an owner of another organisation may not.
\`keys.own\` is for keys that belong to the one who asks.
`;

export const PERMISSIONS = Object.keys(MAY).filter((name): name is Permission => name in MAY);

/** The whole page. */
export function permissionsPage(): string {
  const rows = PERMISSIONS.map((permission) => [`\`${permission}\``, ...ROLES.map((role) => mark(role, permission))]);
  return `${INTRO}\n${tableOf([['permission', ...ROLES], ...rows])}`;
}

function mark(role: (typeof ROLES)[number], permission: Permission): string {
  if (!may({ kind: 'user', orgId: DEFAULT_ORG_ID, role }, permission)) return '';
  return isOfGateway(permission) ? `in \`${DEFAULT_ORG_ID}\`` : 'yes';
}

function tableOf([head = [], ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return `${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`;
}
