import { upstreamContract } from '../../test/upstream-contract.ts';
import { undiciCodec } from './undici-codec.ts';

upstreamContract(undiciCodec);
