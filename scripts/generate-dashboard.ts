/** Writes deploy/grafana/turnout.json. */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dashboardText } from './dashboard.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
writeFileSync(join(root, 'deploy', 'grafana', 'turnout.json'), dashboardText());
