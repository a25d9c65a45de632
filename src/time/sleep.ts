import { platform } from '#platform';

/** Sleeps. The timer keeps the process alive. */
export function sleep(millis: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, millis);
  });
}

/** A sleep that `wake` ends early. Its timer does not keep a process alive. One sleep at a time. */
export class Sleeper {
  #endSleep: (() => void) | undefined;
  #isWoken = false;

  /**
   * Sleeps for a time, or until `wake` if no time is given.
   *
   * If `wake` was called since the last sleep, this one ends at once.
   */
  sleep(millis?: number): Promise<void> {
    if (this.#isWoken) {
      this.#isWoken = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#endSleep = undefined;
        resolve();
      };
      this.#endSleep = end;
      const timer = millis === undefined ? undefined : setTimeout(end, millis);
      if (timer !== undefined) platform.unref(timer);
    });
  }

  /** Ends the sleep, or the next one if nobody sleeps. */
  wake(): void {
    if (this.#endSleep === undefined) this.#isWoken = true;
    else this.#endSleep();
  }
}
