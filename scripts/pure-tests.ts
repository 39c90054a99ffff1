/** The tests of the rooms without effects (table in ARCHITECTURE.md): they share nothing, so that one process may run them all. */
const PURE_ROOMS = [
  'lib',
  'chat',
  'money',
  'people',
  'policy',
  'config',
  'catalog',
  'dialects',
  'output',
  'providers',
  'understand',
  'routing',
  'health',
] as const;

export const PURE_TESTS: readonly string[] = PURE_ROOMS.map((room) => `gateway/src/${room}/**/*.test.ts`);
