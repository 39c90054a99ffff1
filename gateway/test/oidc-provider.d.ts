/** What the tests use of the provider, which comes without types. */
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  interface ProviderOptions {
    readonly [name: string]: unknown;
    readonly findAccount: (context: unknown, id: string) => unknown;
  }

  export class Provider {
    constructor(issuer: string, options: ProviderOptions);
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  }
}
