/** How a command ended; `usage`: it was called wrongly, and nothing was done. */
export const exitCodes = { ok: 0, failure: 1, usage: 2 } as const;
