/** Limits of one process. Defaults: {@link defaultSyncLimits}. */
export interface SyncLimits {
  /** Largest message, on the wire and inflated, in bytes (`--max-message-bytes`). */
  readonly maxMessageBytes: number;
  /** Bytes of messages from their arrival to their commit, all connections together (`--max-inflight-bytes`). */
  readonly maxInflightBytes: number;
  /** Open sync connections. More of them get HTTP 503. */
  readonly maxConnections: number;
  /** Sessions of one connection, including those in error and those that are over but still commit. */
  readonly maxSessionsPerConnection: number;
  /** Messages of one session that may wait for a look-up or a commit. If there are more, reading stops. */
  readonly maxQueuedMessages: number;
  /** Bytes of changesets that are committed together, if they arrive during a commit. */
  readonly maxCommitBytes: number;
  /** Bytes that may wait for a peer that does not read. */
  readonly maxOutgoingBytes: number;
  /**
   * How long a connection may go unread, in milliseconds. Then its sessions are sent away with a back-off: a paused socket
   * does not notice that its peer is gone, and PINGs wait (clients give up after 120 s).
   */
  readonly holdBackMillis: number;
  /** The same while parts of a session's uploads are being stored: a large upload may take long. */
  readonly maxUnreadMillis: number;
  /** Silence after which a connection is ended, in milliseconds. Clients send PING every 54 to 60 s. */
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
