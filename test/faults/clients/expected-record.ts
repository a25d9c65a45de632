/** A record that a client made, with the document that the store must contain. */
export interface ExpectedRecord {
  readonly collection: string;
  /** Tells it from all others of its collection. */
  readonly key: string;
  /** Canonical Extended JSON, parsed as plain JSON; without `_id` if the exporter generates it, and without `ingest`. */
  readonly document: Readonly<Record<string, unknown>>;
}
