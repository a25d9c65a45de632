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
  remove(): Promise<void>;
  /** Whether a value can be kept there; default: every one can. For servers that are not quite what they stand for. */
  holds?(value: DocumentValue): boolean;
}

export type CreateStorePlace = () => Promise<StorePlace>;

/** A fresh store for each test of the suite that calls {@link useStore}. */
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
  let store: Store;
  beforeEach(async () => {
    place = await createPlace();
    store = await place.open();
  });
  afterEach(async () => {
    await store.close();
    await place.remove();
  });
  return {
    get store() {
      return store;
    },
    reopen: async (options) => {
      await store.close();
      store = await place.open(options);
    },
    documents: (collection = 'Span') => collect(store.documents(collection)),
    letters: () => collect(store.deadLetters.list()),
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
