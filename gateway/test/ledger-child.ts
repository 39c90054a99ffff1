/** A process that spends as fast as it can and says what it did, so that a test may kill it at any moment. `node ledger-child.ts DIR TOKEN …` */
import { payerOf } from '../src/store/payer.ts';
import { writeSync } from 'node:fs';
import { idMaker } from '../src/store/id.ts';
import { isHold, type KeyRow, type Store } from '../src/store/ports.ts';
import { storePlace } from '../src/store/place.ts';
import { openStore } from '../src/store/store.ts';
import { opening, receipt } from './store-kit.ts';

const [dataDir = '', ...tokens] = process.argv.slice(2);
/** Requests under way at once. */
const CONCURRENT = 10;

function say(...words: readonly (string | bigint)[]): void {
  writeSync(1, `${words.join(' ')}\n`);
}

async function spendForEver(store: Store, key: KeyRow, newId: (prefix: string) => string): Promise<void> {
  for (;;) {
    const hold = await store.ledger.hold(payerOf(key), 1000n, newId('req'));
    if (!isHold(hold)) {
      say('refused', hold.code);
      return;
    }
    const id = newId('att');
    const estimateNanoUsd = 1n + BigInt(Math.floor(Math.random() * 100));
    say('opening', id, estimateNanoUsd);
    const refused = store.ledger.open(hold, opening(id, { worstNanoUsd: 1000n, estimateNanoUsd, atMs: Date.now() }));
    if (refused === undefined) {
      say('opened', id, estimateNanoUsd);
      await new Promise((done) => setTimeout(done, Math.random() * 40));
      const costNanoUsd = 100n + BigInt(Math.floor(Math.random() * 900));
      say('settling', id, costNanoUsd);
      store.ledger.settle(hold, receipt(id, { keyId: key.id, costNanoUsd, atMs: Date.now() }));
      say('settled', id, costNanoUsd);
    }
    store.ledger.release(hold);
  }
}

const store = await openStore({ dataDir, ...storePlace(process.env), now: Date.now });
const newId = idMaker(Date.now);
const keys = tokens.flatMap((token) => {
  const found = store.keys.find(token);
  return found.ok ? [found.value] : [];
});
say('ready');
for (let i = 0; i < CONCURRENT; i++) for (const key of keys) void spendForEver(store, key, newId);
setInterval(() => undefined, 1000);
