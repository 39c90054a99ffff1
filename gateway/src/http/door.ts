/** Where requests that come from within, the lines of batches, go in: by path, as those of callers do. */
import type { Fault } from '../chat/fault.ts';
import type { Origin } from '../chat/part.ts';
import type { Door } from '../batches/ask.ts';
import type { Dialect } from '../dialects/dialect.ts';
import { chatArrival } from '../pipeline/chat.ts';
import { arrivalOf, isFormWanted } from './operations.ts';
import { routeOf } from './routes.ts';

/** What a path means is said once, in `routes.ts`. */
export function doorOf(dialects: Readonly<Partial<Record<Origin, Dialect>>>): Door {
  return (path) => {
    const routed = routeOf('POST', path);
    const operation = routed.ok ? routed.value : undefined;
    if (operation === undefined || !('dialect' in operation)) return undefined;
    const dialect = dialects[operation.dialect];
    if (dialect === undefined) return undefined;
    const encodeFault = (of: Fault, requestId: string): ReturnType<Dialect['encodeFault']> =>
      dialect.encodeFault(of, { requestId });
    if (operation.kind === 'chat') {
      const { path: facts, isJsonArray } = operation;
      return {
        encodeFault,
        arrival: (asked) => chatArrival({ ...asked, dialect, path: facts, isJsonArray, query: '' }),
      };
    }
    if (!('wire' in operation) || isFormWanted(operation.kind)) return undefined;
    return { encodeFault, arrival: (asked) => arrivalOf(operation, { ...asked, voice: dialect, query: '' }) };
  };
}
