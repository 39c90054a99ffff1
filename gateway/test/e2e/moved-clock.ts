/** Loaded into a gateway before its own code (`--import`): its wall clock goes ahead by `TURNOUT_TEST_AHEAD_MS`. */
const aheadMs = Number(process.env['TURNOUT_TEST_AHEAD_MS'] ?? 0);
const realNow = Date.now;

Date.now = () => realNow() + aheadMs;
