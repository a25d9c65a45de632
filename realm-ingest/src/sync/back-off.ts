import type { Backoff } from '../protocol/messages.js';

/**
 * How long a client is to stay away: a random first delay, so that clients which were sent away together do not come
 * back together, doubling until `maxDelaySeconds` while the error repeats itself.
 *
 * @param fromSeconds - shortest first delay, whole seconds
 * @param toSeconds - longest first delay
 */
export function jitteredBackoff(fromSeconds: number, toSeconds: number, maxDelaySeconds: number): Backoff {
  const span = toSeconds - fromSeconds + 1;
  return {
    intervalSeconds: fromSeconds + Math.floor(Math.random() * span),
    maxDelaySeconds,
    multiplier: 2,
  };
}

/** Milliseconds before try `attempt` + 1 of something that failed, from 100 at first to 5000, less up to half. */
export function retryDelayMillis(attempt: number): number {
  const full = Math.min(5000, 200 * 2 ** attempt);
  return full * (1 - Math.random() / 2);
}
