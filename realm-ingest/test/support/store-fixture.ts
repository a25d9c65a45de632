import assert from 'node:assert/strict';
import { StoreError } from '../../src/store/store-error.js';
import type { DeadLetterSummary, Store } from '../../src/store/store.js';
import type { Document, DocumentValue } from '../../src/store/document.js';
import { collect } from './commit-request.js';

export interface PlaceOptions {
  readonly maxDeadLetterBytes?: number;
}

/** One empty place for a store. */
export interface StorePlace {
  /** Opens the store there, as `serve` does; again after it was closed. */
  open(options?: PlaceOptions): Promise<Store>;
  /** Deletes all records of the open store, if that is faster than a new place. */
  clear?(): void;
  remove(): Promise<void>;
  /** Whether the store can keep a value; default: every value. For servers that only resemble MongoDB. */
  holds?(value: DocumentValue): boolean;
}

export type CreateStorePlace = () => Promise<StorePlace>;

/** An empty store for each test of the suite that calls {@link useStore}. */
export interface StoreFixture {
  readonly store: Store;
  /** Closes the store and opens it again. */
  reopen(options?: PlaceOptions): Promise<void>;
  documents(collection?: string): Promise<Document[]>;
  letters(): Promise<DeadLetterSummary[]>;
  /** Whether the store can keep a value. */
  holds(value: DocumentValue): boolean;
}

export function useStore(createPlace: CreateStorePlace): StoreFixture {
  let place: StorePlace;
  let store: Store | undefined;
  const open = async (options?: PlaceOptions): Promise<Store> => (store = await place.open(options));
  const remove = async (): Promise<void> => {
    await store?.close();
    await place.remove();
    store = undefined;
  };
  let canBeCleared = false;
  beforeEach(async () => {
    if (store !== undefined) return;
    place = await createPlace();
    canBeCleared = place.clear !== undefined;
    await open();
  });
  afterEach(async () => {
    if (canBeCleared) place.clear?.();
    else await remove();
  });
  after(async () => {
    if (store !== undefined) await remove();
  });
  return {
    get store() {
      assert.ok(store);
      return store;
    },
    async reopen(options) {
      await this.store.close();
      await open(options);
      // The next test gets a store with the usual options.
      canBeCleared &&= options === undefined;
    },
    documents(collection = 'Span') {
      return collect(this.store.documents(collection));
    },
    letters() {
      return collect(this.store.deadLetters.list());
    },
    holds: (value) => place.holds?.(value) ?? true,
  };
}

/** For `assert.rejects`. */
export function isStoreError(code: string, retryable: boolean): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof StoreError, String(error));
    assert.deepEqual({ code: error.code, retryable: error.retryable }, { code, retryable });
    return true;
  };
}
