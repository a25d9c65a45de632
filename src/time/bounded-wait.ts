/** The longest delay that timers take; they make a longer one, Infinity among them, the shortest. */
const MAX_TIMEOUT_MILLIS = 2 ** 31 - 1;

/**
 * Waits until a promise is settled, but not longer than a bound.
 *
 * Never rejects: a rejection of `promise` settles it like any other outcome and is taken care of.
 *
 * @param timeoutMillis - 0 waits for what is settled already; above 2 147 483 647, 24 days, is taken as that
 * @returns whether the promise was settled within the bound
 */
export async function settledWithin(promise: PromiseLike<unknown>, timeoutMillis: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeOver = new Promise<false>((resolve) => {
    // The timer holds the process: what is waited for are records on their way to the disk.
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
