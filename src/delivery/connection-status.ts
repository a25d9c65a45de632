import type { ExporterError } from '../errors.js';

/**
 * What a connection is doing.
 *
 * - `connecting`: no session yet, or one that is looking for its server; records are kept on disk
 * - `connected`: the session is up
 * - `unauthorized`: the server refuses the credentials, or a given user is logged out; tried again every few minutes
 * - `paused`: by `pause()`
 * - `closed`: for good
 */
export type ConnectionState = 'connecting' | 'connected' | 'unauthorized' | 'paused' | 'closed';

/** A snapshot of a connection. Counts are of this process's life; records of earlier lives join as they are found. */
export interface ConnectionStatus {
  readonly state: ConnectionState;
  /** Whether records are on disk once their export succeeded. The WebAssembly engine keeps its files in memory. */
  readonly durable: boolean;
  /** Records in the spool: stored, and waiting for a synced Realm to open. */
  readonly spooled: number;
  /**
   * Records in the synced Realm that the server has not acknowledged yet, and all those, as far as they were counted, that
   * ended processes of the service left in slots which wait to be adopted.
   */
  readonly unsynced: number;
  /**
   * What the files of the service take on this device, all its processes together, in bytes: what `maxUnsyncedBytes`
   * bounds. Free room in them included. Where files cannot be seen, what records in them take by their own sizes.
   */
  readonly storedBytes: number;
  /** Records that the server has acknowledged. */
  readonly acknowledged: number;
  /** Records that were dropped, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** What went wrong last. It stays when all is well again. */
  readonly lastError: ExporterError | undefined;
  /** When the server last acknowledged something, by this device's clock. */
  readonly lastAcknowledgedAt: Date | undefined;
}

/** Called with each new status; several changes within one turn of the event loop make one call. */
export type StatusListener = (status: ConnectionStatus) => void;
