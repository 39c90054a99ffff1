import { upstreamContract } from '../../test/upstream-contract.ts';

upstreamContract('undici');
