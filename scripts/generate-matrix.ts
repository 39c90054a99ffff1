/** Runs the matrix of gateway/test/matrix and writes its outcomes, from which the page on translation is made. */
import { keyOf, writeOutcomes } from '../gateway/test/matrix/outcomes.ts';
import { allCells, startMatrix } from '../gateway/test/matrix/run.ts';

const rig = await startMatrix();
const outcomes = new Map<string, string>();
for (const cell of allCells()) outcomes.set(keyOf(cell), (await rig.see(cell)).outcome);
await rig.close();
writeOutcomes(outcomes);
