/** Exit codes. `usage`: the command was called wrongly and did nothing. */
export const exitCodes = { ok: 0, failure: 1, usage: 2 } as const;
