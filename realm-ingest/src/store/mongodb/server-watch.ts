import type { MongoClient } from 'mongodb';

/** Types of writable servers, and of other known servers. Other types are ignored. */
const writableTypes: readonly string[] = ['Standalone', 'RSPrimary', 'Mongos'];
const otherTypes: readonly string[] = ['RSSecondary', 'RSArbiter', 'RSOther', 'RSGhost'];

/** Reports when the connections to a writable server are lost, and when a writable server is known again. */
export class ServerWatch {
  /** Roles by address. A server that cannot be reached is no longer writable; other roles stay known. */
  readonly #roles = new Map<string, 'writable' | 'balancer' | 'other'>();
  #isLost = false;

  /**
   * @param onLost - the driver has cleared the connections; not called for a secondary, which gets no commands of ours
   * @param onRecovered - called after `onLost`, maybe at once: there may be another server
   */
  constructor(client: MongoClient, onLost: () => void, onRecovered: () => void) {
    const checkRecovery = (): void => {
      if (!this.#isLost || ![...this.#roles.values()].some((role) => role !== 'other')) return;
      this.#isLost = false;
      onRecovered();
    };
    client.on('serverDescriptionChanged', ({ address, newDescription: { type } }) => {
      if (writableTypes.includes(type)) this.#roles.set(address, 'writable');
      else if (type === 'LoadBalancer') this.#roles.set(address, 'balancer');
      else if (otherTypes.includes(type)) this.#roles.set(address, 'other');
      else if (this.#roles.get(address) === 'writable') this.#roles.delete(address);
      checkRecovery();
    });
    client.on('connectionPoolCleared', ({ address }) => {
      const role = this.#roles.get(address);
      if (role === 'other') return;
      // A load balancer keeps its role: only a server behind it was lost.
      if (role === 'writable') this.#roles.delete(address);
      this.#isLost = true;
      onLost();
      checkRecovery();
    });
  }
}
