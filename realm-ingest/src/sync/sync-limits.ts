/** What one process grants its clients. Every bound has a default; see {@link defaultSyncLimits}. */
export interface SyncLimits {
  /** Largest message, on the wire and inflated, in bytes (`--max-message-bytes`). */
  readonly maxMessageBytes: number;
  /** Bytes of messages from their arrival to their commit, all connections together (`--max-inflight-bytes`). */
  readonly maxInflightBytes: number;
  /** Open sync connections; further ones get HTTP 503. */
  readonly maxConnections: number;
  /** Sessions of one connection; those in error, and those that have ended but still commit, count. */
  readonly maxSessionsPerConnection: number;
  /** Messages of one session that may wait for a look-up or a commit before its connection is no longer read. */
  readonly maxQueuedMessages: number;
  /** Uploads that arrived during a commit are committed together, up to so many bytes of changesets. */
  readonly maxCommitBytes: number;
  /** Bytes that may wait for a peer that does not read. */
  readonly maxOutgoingBytes: number;
  /**
   * How long a connection may go unread, in milliseconds, before its sessions are sent away with a back-off: a paused
   * socket does not notice that its peer has gone, and stalls PINGs (clients give up after 120 s).
   */
  readonly holdBackMillis: number;
  /** The same while parts of what a session has uploaded are being stored: a large one may take long. */
  readonly maxUnreadMillis: number;
  /** Silence after which a connection is dead, in milliseconds. Clients send PING every 54 to 60 s. */
  readonly silenceMillis: number;
}

export const defaultSyncLimits: SyncLimits = {
  maxMessageBytes: 128 * 1024 * 1024,
  maxInflightBytes: 256 * 1024 * 1024,
  maxConnections: 10_000,
  maxSessionsPerConnection: 1000,
  maxQueuedMessages: 256,
  maxCommitBytes: 4 * 1024 * 1024,
  maxOutgoingBytes: 1024 * 1024,
  holdBackMillis: 20_000,
  maxUnreadMillis: 90_000,
  silenceMillis: 150_000,
};
