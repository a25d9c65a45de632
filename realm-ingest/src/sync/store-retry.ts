import { StoreError } from '../store/store-error.js';
import { retryDelayMillis } from './back-off.js';
import type { HoldBack } from './hold-back.js';

/**
 * Calls the store until it succeeds, holding the session back meanwhile.
 *
 * @param attempt - one call
 * @param holdBack - begins with the first failure, ends with success
 * @param signal - ends the repetition, not a call that is under way
 * @throws what the store threw, if that is not retryable or `signal` was aborted
 */
export async function retryWhileHeldBack<T>(
  attempt: () => Promise<T>,
  holdBack: HoldBack,
  signal: AbortSignal,
): Promise<T> {
  for (let attempts = 0; ; attempts += 1) {
    try {
      const result = await attempt();
      holdBack.end('store');
      return result;
    } catch (error) {
      if (signal.aborted || !(error instanceof StoreError) || !error.retryable) throw error;
      holdBack.begin('store', error);
      if (!(await delay(retryDelayMillis(attempts), signal))) throw error;
    }
  }
}

/** Resolves with true after a time, or with false as soon as `signal` is aborted. */
function delay(millis: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const abort = (): void => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      resolve(true);
    }, millis);
    signal.addEventListener('abort', abort, { once: true });
  });
}
