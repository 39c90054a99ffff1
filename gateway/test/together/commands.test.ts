import { runTogether } from '../../../scripts/together.ts';

await runTogether('commands');
