import { platform } from '#platform';

/** A sleep that can be ended early. Its timer does not keep a process alive. */
export class Alarm {
  #wake: (() => void) | undefined;
  #isRung = false;

  /** Sleeps so long, or until `ring` if no time is given. A ring since the last sleep ends it at once. */
  sleep(millis?: number): Promise<void> {
    if (this.#isRung) {
      this.#isRung = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      this.#wake = wake;
      const timer = millis === undefined ? undefined : setTimeout(wake, millis);
      if (timer !== undefined) platform.unref(timer);
    });
  }

  /** Ends the sleep, or the next one before it begins. */
  ring(): void {
    if (this.#wake === undefined) this.#isRung = true;
    else this.#wake();
  }
}
