import { runTogether } from '../../../scripts/together.ts';

await runTogether('pure');
