import { setTimeout as delay } from 'node:timers/promises';

/**
 * Polls until `probe` gives something that `holds`, and returns it.
 *
 * @throws Error that names `what` and shows the last value, after `timeoutMillis`
 */
export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
  holds: (value: T) => boolean = Boolean,
  timeoutMillis = 30_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMillis;
  for (;;) {
    const value = await probe();
    if (holds(value)) return value;
    if (Date.now() > deadline)
      throw new Error(`waited ${timeoutMillis} ms for ${what}; last seen: ${show(value)}`);
    await delay(20);
  }
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
}
