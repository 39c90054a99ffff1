/** What every codec behind the upstream port must do: the same tests run over each. */
import { after } from 'node:test';
import type { Codec } from '../src/upstream/codec.ts';
import { calls } from './upstream/calls.ts';
import { connecting } from './upstream/connecting.ts';
import { breaking } from './upstream/breaking.ts';
import { pooling } from './upstream/pooling.ts';
import { bodies } from './upstream/bodies.ts';
import { aborting } from './upstream/aborting.ts';
import { closeAll, upstreamsOver } from './upstream/kit.ts';

/** Runs the whole contract over one codec. */
export function upstreamContract(codec: Codec): void {
  const upstreamOf = upstreamsOver(codec);
  after(closeAll);
  calls(upstreamOf);
  connecting(upstreamOf);
  breaking(upstreamOf);
  pooling(upstreamOf);
  bodies(upstreamOf);
  aborting(upstreamOf);
}
