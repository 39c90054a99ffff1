/** Providers that a request names or refuses. */
import type { Requirement } from './requirement.ts';

/** Providers that the request itself names or refuses. */
export const provider: Requirement = {
  name: 'provider',
  whyNot({ providerId: id }, { preferences }) {
    if (preferences === undefined) return undefined;
    const { only, ignore, order, allowFallbacks, forReaders, demands = [] } = preferences;
    if (forReaders === 'demanded' && demands.length > 0) return `it cannot be held to \`${demands.join('`, `')}\``;
    if (only !== undefined && !only.includes(id)) return 'not in `provider.only`';
    if (ignore?.includes(id) === true) return 'in `provider.ignore`';
    return allowFallbacks === false && order !== undefined && !order.includes(id)
      ? 'not in `provider.order`, and `provider.allow_fallbacks` is false'
      : undefined;
  },
};
