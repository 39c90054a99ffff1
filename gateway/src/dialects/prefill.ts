/** Which Claude models go on from the last words of the assistant, where a conversation ends with them. */

/** First version that refuses it (platform.claude.com/docs/en/about-claude/models/whats-new-claude-4-6: "Prefill removal"). */
const REFUSED_FROM = [4, 6] as const;

/** By the model's name in any cloud's form: `claude-3-5-sonnet`, `us.anthropic.claude-sonnet-4-5-20250929-v1:0`. Unknown names: no. */
export function claudeTakesPrefill(model: string): boolean {
  const version = /claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)/.exec(model);
  if (version === null) return false;
  const [major, minor = 0] = version.slice(1).map((part) => Number(part ?? 0));
  const [refusedMajor, refusedMinor] = REFUSED_FROM;
  return major !== undefined && (major < refusedMajor || (major === refusedMajor && minor < refusedMinor));
}
