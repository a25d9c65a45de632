import type { ResourceLike } from '../model/readable-span.js';
import { settledWithin } from '../time/bounded-wait.js';

/**
 * Waits for the asynchronous attributes of resources, because not every processor does.
 *
 * Each resource is waited for once: a detector that hangs or fails delays the first export only. Later exports use the
 * attributes that have arrived.
 */
export class AsyncResources {
  readonly #givenUp = new WeakSet<ResourceLike>();

  /** The distinct resources whose attributes are still pending. Never throws, whatever the items are. */
  pending(items: readonly { readonly resource: ResourceLike }[]): ResourceLike[] {
    const found = new Set<ResourceLike>();
    let last: ResourceLike | undefined;
    for (const item of items) {
      try {
        const { resource } = item;
        // Nearly all items share one resource.
        if (resource === last) continue;
        last = resource;
        if (resource.asyncAttributesPending === true && !this.#givenUp.has(resource)) found.add(resource);
      } catch {
        // An item without a resource: the mapper reports it.
      }
    }
    return [...found];
  }

  /**
   * Never rejects.
   *
   * @returns false if the attributes of a resource did not arrive in time or their detector failed
   */
  async wait(resources: readonly ResourceLike[], timeoutMillis: number): Promise<boolean> {
    const waits = resources.map(async (resource) => {
      const outcome = attributesOf(resource).then(
        () => true,
        () => false,
      );
      const arrived = (await settledWithin(outcome, timeoutMillis)) && (await outcome);
      if (!arrived) this.#givenUp.add(resource);
      return arrived;
    });
    return (await Promise.all(waits)).every(Boolean);
  }
}

/** Turns a throw into a rejection. */
async function attributesOf(resource: ResourceLike): Promise<void> {
  await resource.waitForAsyncAttributes?.();
}
