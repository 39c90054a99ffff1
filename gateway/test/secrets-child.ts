/** A process that gives the secrets of a folder one master key after another, until it is killed. */
import { openDesk } from '../src/store/desk.ts';

const [dataDir = ''] = process.argv.slice(2);
const desk = await openDesk({ dataDir, now: Date.now, mayCreate: false });
const secrets = await desk.secrets();
for (let count = 0; ; count++) {
  const done = await secrets.rotate('child');
  if (!done.ok) throw new Error(done.error.message);
  process.stdout.write(`${count}\n`);
}
