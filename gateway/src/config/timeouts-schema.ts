/** How long a provider may take, in general and one of them. */
import { z } from 'zod';
import { durationMs } from './fields.ts';

const TIMEOUTS = {
  connect_ms: durationMs.meta({ description: 'To open a connection, name look-up and TLS included.' }),
  first_byte_ms: durationMs.meta({ description: 'From the end of the request to the head of the reply.' }),
  first_token_ms: durationMs.meta({ description: 'From the end of the request to the first content of a stream.' }),
  idle_ms: durationMs.meta({ description: 'Longest silence inside a reply.' }),
  total_ms: durationMs.meta({ description: 'Whole request: all attempts and all waits between them.' }),
};

export const timeoutsSchema = z.strictObject({
  connect_ms: TIMEOUTS.connect_ms.default(2000),
  first_byte_ms: TIMEOUTS.first_byte_ms.default(60_000),
  first_token_ms: TIMEOUTS.first_token_ms.default(60_000),
  idle_ms: TIMEOUTS.idle_ms.default(60_000),
  total_ms: TIMEOUTS.total_ms.default(600_000),
});

export const providerTimeoutsSchema = z.strictObject({
  connect_ms: TIMEOUTS.connect_ms.exactOptional(),
  first_byte_ms: TIMEOUTS.first_byte_ms.exactOptional(),
  first_token_ms: TIMEOUTS.first_token_ms.exactOptional(),
  idle_ms: TIMEOUTS.idle_ms.exactOptional(),
});
