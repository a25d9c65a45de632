/** The longest delay of timers. They treat a longer one, also Infinity, as the shortest. */
const MAX_TIMEOUT_MILLIS = 2 ** 31 - 1;

/**
 * Waits until a promise is settled, for a limited time.
 *
 * Never rejects: a rejection of `promise` counts as settled, and is handled.
 *
 * @param timeoutMillis - 0 only checks whether the promise is settled already; at most 2 147 483 647, which is 24 days
 * @returns whether the promise was settled in time
 */
export async function settledWithin(promise: PromiseLike<unknown>, timeoutMillis: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeOver = new Promise<false>((resolve) => {
    // The timer keeps the process alive, because the wait is for records that are not on disk yet.
    timer = setTimeout(
      () => {
        resolve(false);
      },
      Math.min(timeoutMillis, MAX_TIMEOUT_MILLIS),
    );
  });
  const settled = promise.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, timeOver]);
  } finally {
    clearTimeout(timer);
  }
}
