import { setTimeout as delay } from 'node:timers/promises';
import { StoreError } from '../store/store-error.js';
import type { HoldBack } from './hold-back.js';
import { SyncError } from './sync-error.js';

/**
 * Calls the store until it succeeds, and holds the session back meanwhile.
 *
 * @param attempt - one call
 * @param holdBack - begins with the first failure, ends with success
 * @param signal - ends the retries, not a call that is under way
 * @throws SyncError `upload-failed` if the store's error, its cause, is not retryable, or if `signal` is aborted
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
      if (signal.aborted || !(error instanceof StoreError) || !error.retryable) throw uploadFailed(error);
      holdBack.begin('store', error);
      await delay(retryDelayMillis(attempts), undefined, { signal }).catch(() => {
        throw uploadFailed(error);
      });
    }
  }
}

/** Sends the client away, and loses nothing. */
function uploadFailed(cause: unknown): SyncError {
  return new SyncError('upload-failed', 'the server cannot store uploads now', { cause });
}

/** 100 to 200 ms before the first retry; doubles with each attempt, up to 2.5 to 5 s. */
function retryDelayMillis(attempts: number): number {
  return Math.min(5000, 200 * 2 ** attempts) * (1 - Math.random() / 2);
}
