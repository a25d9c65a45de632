import type { ExporterError } from '../errors.js';

/**
 * What a connection is doing.
 *
 * - `connecting`: no sync session yet, or one that is not connected; records are kept on disk
 * - `connected`: the sync session is connected
 * - `unauthorized`: the server refuses the credentials, or the app's user is logged out; tried again every few minutes
 * - `paused`: by `pause()`
 * - `closed`: final
 */
export type ConnectionState = 'connecting' | 'connected' | 'unauthorized' | 'paused' | 'closed';

/** A snapshot of a connection. Counts begin with the process; records of earlier processes are added when they are found. */
export interface ConnectionStatus {
  readonly state: ConnectionState;
  /** Whether records are on disk when their export has succeeded. The WebAssembly engine keeps its files in memory. */
  readonly durable: boolean;
  /** Records in the spool, which wait for the synced Realm. */
  readonly spooled: number;
  /**
   * Records in the synced Realm that the server has not acknowledged, and the counted records that ended processes of the
   * service left in slots that wait to be adopted.
   */
  readonly unsynced: number;
  /**
   * Size of the service's files on this device, all its processes together, in bytes. `maxUnsyncedBytes` limits it. Free
   * space in the files counts. If the engine has no files, the sizes of the records count.
   */
  readonly storedBytes: number;
  /** Records that the server has acknowledged. */
  readonly acknowledged: number;
  /** Records that were dropped, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** The last error. It stays after the connection has recovered. */
  readonly lastError: ExporterError | undefined;
  /** When the server last acknowledged records, by this device's clock. */
  readonly lastAcknowledgedAt: Date | undefined;
}

/** Called with each new status. Several changes within one turn of the event loop make one call. */
export type StatusListener = (status: ConnectionStatus) => void;
