/** Loaded into a gateway before its own code (`--import`): with each SIGUSR2 its wall clock steps, an hour ahead, an hour behind, and back. */
const STEPS_MS = [3_600_000, -3_600_000, 0];
const realNow = Date.now;
let step = -1;

Date.now = () => realNow() + (STEPS_MS[step] ?? 0);
process.on('SIGUSR2', () => {
  step += 1;
  process.stderr.write(`the clock is off by ${STEPS_MS[step] ?? 0} ms\n`);
});
