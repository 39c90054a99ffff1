/** What a gateway does when a configuration comes into force: receipts that waited for a price that it brings are booked. */
import { asString } from '../lib/json.ts';
import { formatUsd } from '../money/usd.ts';
import { salesOf, type SaleBooks } from '../pipeline/sale.ts';
import type { Store } from '../store/ports.ts';
import { repriceAll } from '../store/reprice.ts';
import type { Log } from '../telemetry/log.ts';
import type { Loaded } from './configuration.ts';

/** Models looked at: as many have a price that nobody knew, at most, before an operator looks. */
const MODELS_MAX = 200;

/** Goes by the alerts, so that a model without a price costs a look and not a walk over its receipts. Never rejects. */
export async function repriceKnown(
  { snapshot: { id, targets }, config }: Pick<Loaded, 'snapshot' | 'config'>,
  store: Pick<Store, 'reports'> & SaleBooks,
  log: Log,
): Promise<void> {
  const { reports } = store;
  const saleTo = salesOf(store, () => config.billing.plan);
  const priceOf = ({ target }: { readonly target: string }) => targets.get(target)?.price;
  try {
    const alerts = await reports(async (books) => books.listAlerts({ kind: 'price-unknown', limitMax: MODELS_MAX }));
    if (!alerts.ok) throw new Error(alerts.error.message);
    for (const { body } of alerts.value.alerts) {
      const [model, target] = [asString(body['model']), asString(body['target'])];
      if (model === undefined || target === undefined || priceOf({ target }) === undefined) continue;
      const order = { model, isDryRun: false, reason: `snapshot ${id}`, priceOf, saleTo, now: Date.now };
      const done = await repriceAll(reports, order);
      if (!done.ok) throw new Error(done.error.message);
      for (const { provider, receipts, costNanoUsd } of done.value.priced)
        log('info', 'a price became known', { provider, model, receipts, cost_usd: formatUsd(costNanoUsd) });
    }
  } catch (error) {
    log('warn', 'receipts without a price were not looked at', { problem: String(error) });
  }
}
