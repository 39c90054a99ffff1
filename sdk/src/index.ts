/** A client of a Turnout gateway. No dependencies: `fetch` is all it needs. */
import { adminOf, type Admin } from './admin.generated.ts';
import { callWith, type ClientOptions } from './client.ts';
import { extensionsOf, type Extensions } from './extensions.ts';

export type * from './admin.generated.ts';
export { etagOf, type CallOptions, type ClientOptions } from './client.ts';
export * from './errors.ts';
export type * from './extensions.ts';
export type { Page, Pages } from './pages.ts';

export type Turnout = Admin & Extensions;

export function createTurnout(options: ClientOptions): Turnout {
  const call = callWith(options);
  return { ...adminOf(call), ...extensionsOf(call) };
}
