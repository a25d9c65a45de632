/** API keys and revocations in memory: a minimal implementation of the store's contract for them. */
import type { ApiKey, ApiKeys, Revocations } from '../../src/store/store.js';

export class MemoryApiKeys implements ApiKeys {
  readonly #keys = new Map<string, ApiKey>();

  create(key: ApiKey): Promise<void> {
    this.#keys.set(key.id, key);
    return Promise.resolve();
  }

  list(): Promise<readonly ApiKey[]> {
    return Promise.resolve([...this.#keys.values()]);
  }

  findByHash(hash: Uint8Array): Promise<ApiKey | undefined> {
    const wanted = Buffer.from(hash);
    return Promise.resolve([...this.#keys.values()].find((key) => wanted.equals(key.hash)));
  }

  findById(id: string): Promise<ApiKey | undefined> {
    return Promise.resolve(this.#keys.get(id));
  }

  revoke(id: string, at: Date): Promise<boolean> {
    const key = this.#keys.get(id);
    if (!key || key.revokedAt) return Promise.resolve(false);
    this.#keys.set(id, { ...key, revokedAt: at });
    return Promise.resolve(true);
  }
}

export class MemoryRevocations implements Revocations {
  readonly #subjects = new Set<string>();

  add(subject: string): Promise<void> {
    this.#subjects.add(subject);
    return Promise.resolve();
  }

  has(subjects: readonly string[]): Promise<boolean> {
    return Promise.resolve(subjects.some((subject) => this.#subjects.has(subject)));
  }
}
