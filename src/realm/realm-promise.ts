import type { ExporterError } from '../errors.js';
import type { NativeRealm } from './realm-types.js';

/** The promise behind `connection.realm`: for the open Realm, or for the next one. It causes no unhandled rejection. */
export class RealmPromise {
  #opened: NativeRealm | undefined;
  #promise!: Promise<NativeRealm>;
  #resolve!: (realm: NativeRealm) => void;
  #reject!: (error: ExporterError) => void;

  constructor() {
    this.#renew();
  }

  get promise(): Promise<NativeRealm> {
    if (this.#opened?.isClosed === true) this.#renew();
    return this.#promise;
  }

  /** A Realm was opened. */
  resolve(realm: NativeRealm): void {
    if (this.#opened !== undefined) this.#renew();
    this.#opened = realm;
    this.#resolve(realm);
  }

  /** No Realm will be opened any more. */
  reject(error: ExporterError): void {
    if (this.#opened?.isClosed === true) this.#renew();
    this.#reject(error);
  }

  #renew(): void {
    this.#opened = undefined;
    this.#promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#promise.catch(() => undefined);
  }
}
