import type { MongoClient } from 'mongodb';

/** Types of servers that take writes, and those of others that are known; what else there is says nothing. */
const writableTypes: readonly string[] = ['Standalone', 'RSPrimary', 'Mongos'];
const otherTypes: readonly string[] = ['RSSecondary', 'RSArbiter', 'RSOther', 'RSGhost'];

/** Tells when the connections to a server that takes writes were lost, and when such a server is known again. */
export class ServerWatch {
  /** By address; a server that is not reached is no longer writable, and what it was otherwise stays known. */
  readonly #roles = new Map<string, 'writable' | 'balancer' | 'other'>();
  #isLost = false;

  /**
   * @param onLost - the driver has cleared the connections; not called for a secondary, to which nothing of ours is sent
   * @param onBack - after it, maybe at once: another server may be there
   */
  constructor(client: MongoClient, onLost: () => void, onBack: () => void) {
    const comeBack = (): void => {
      if (!this.#isLost || ![...this.#roles.values()].some((role) => role !== 'other')) return;
      this.#isLost = false;
      onBack();
    };
    client.on('serverDescriptionChanged', ({ address, newDescription: { type } }) => {
      if (writableTypes.includes(type)) this.#roles.set(address, 'writable');
      else if (type === 'LoadBalancer') this.#roles.set(address, 'balancer');
      else if (otherTypes.includes(type)) this.#roles.set(address, 'other');
      else if (this.#roles.get(address) === 'writable') this.#roles.delete(address);
      comeBack();
    });
    client.on('connectionPoolCleared', ({ address }) => {
      const role = this.#roles.get(address);
      if (role === 'other') return;
      // A load balancer stays what it is: one of the servers behind it was lost.
      if (role === 'writable') this.#roles.delete(address);
      this.#isLost = true;
      onLost();
      comeBack();
    });
  }
}
