/** docs/reference/permissions.md, written from the table of permissions and that of the admin API. */
import { TABLE } from '../src/admin/table.ts';
import { DEFAULT_ORG_ID, isOfGateway, MAY, may, ROLES, type Permission } from '../src/people/permissions.ts';

const INTRO = `# Permissions

Made by \`npm run generate\` from \`gateway/src/people/permissions.ts\`; do not edit.

All within the organisation of the one who asks; what another has is not there (404). The root key may everything, everywhere; an owner of \`${DEFAULT_ORG_ID}\` acts for every organisation.
What is the whole gateway's (\`gateway.*\`) is for the organisation \`${DEFAULT_ORG_ID}\` alone: an owner of another organisation may not.
\`keys.own\` is for keys that belong to the one who asks.
`;

export const PERMISSIONS = Object.keys(MAY).filter((name): name is Permission => name in MAY);

/** The whole page. */
export function permissionsPage(): string {
  const rows = PERMISSIONS.map((permission) => [`\`${permission}\``, ...ROLES.map((role) => mark(role, permission))]);
  const routes = TABLE.map(({ method, path, permissions }) => [
    `\`${method} /admin/v1/${path}\``,
    permissions.map((one) => `\`${one}\``).join(' or '),
    ...ROLES.map((role) => permissions.map((one) => mark(role, one)).find((found) => found !== '') ?? ''),
  ]);
  const [byPermission, byRoute] = [
    [['permission', ...ROLES], ...rows],
    [['route', 'takes', ...ROLES], ...routes],
  ].map(tableOf);
  return `${INTRO}\n${byPermission}\n## Route by route\n\nEach is asked as each role of two organisations, as keys, and as no one, by \`gateway/test/e2e/permissions.test.ts\`.\n\n${byRoute}`;
}

function mark(role: (typeof ROLES)[number], permission: Permission): string {
  if (!may({ kind: 'user', orgId: DEFAULT_ORG_ID, role }, permission)) return '';
  return isOfGateway(permission) ? `in \`${DEFAULT_ORG_ID}\`` : 'yes';
}

function tableOf([head = [], ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return `${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`;
}
