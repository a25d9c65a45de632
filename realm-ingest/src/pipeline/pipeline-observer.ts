import type { StoreError } from '../store/store-error.js';

/** Told what happens to uploads. Called synchronously; must not throw. */
export interface PipelineObserver {
  /** An upload, or a part of a large one, was committed: how long the store took, in seconds. */
  committed?(seconds: number): void;
  /** The store failed for good: no retry will help. */
  broken?(error: StoreError): void;
}
