/**
 * Waits until a promise is settled, but not longer than a bound.
 *
 * Never rejects: a rejection of `promise` settles it like any other outcome and is taken care of.
 *
 * @param timeoutMillis - 0 waits for what is settled already
 * @returns whether the promise was settled within the bound
 */
export async function settledWithin(promise: PromiseLike<unknown>, timeoutMillis: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeOver = new Promise<false>((resolve) => {
    // The timer holds the process: what is waited for are records on their way to the disk.
    timer = setTimeout(() => {
      resolve(false);
    }, timeoutMillis);
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
