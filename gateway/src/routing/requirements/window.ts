/** How much fits into a model. */
import { ofEach, type Requirement } from './requirement.ts';

/** The estimate may be off by a quarter: only what is clearly too long is left out. */
const DOUBT = 1.25;

/** Whether the input fits. */
export const window: Requirement = {
  name: 'window',
  isOpinion: true,
  whyNot({ limits }, { facts }) {
    const most = limits.inputTokens ?? limits.contextTokens;
    const tokens = facts.longestTokensEstimate ?? facts.inputTokensEstimate;
    return most !== undefined && tokens > most * DOUBT
      ? `about ${tokens} input tokens do not fit into ${most}`
      : undefined;
  },
};

/** The least context that the policy demands. */
export const requiredWindow: Requirement = ofEach('required-window', ({ limits }, { contextMin }) => {
  const { contextTokens } = limits;
  if (contextMin === undefined || (contextTokens !== undefined && contextTokens >= contextMin)) return undefined;
  return contextTokens === undefined
    ? `the size of its context is not known, at least ${contextMin} tokens are required`
    : `its context has ${contextTokens} tokens, at least ${contextMin} are required`;
});
