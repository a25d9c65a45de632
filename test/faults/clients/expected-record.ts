/** A record that a client made, and what the store has to hold for it. */
export interface ExpectedRecord {
  readonly collection: string;
  /** Tells it from all others of its collection. */
  readonly key: string;
  /** Canonical Extended JSON, parsed as plain JSON; without `_id` where the exporter gives it, and without `ingest`. */
  readonly document: Readonly<Record<string, unknown>>;
}
