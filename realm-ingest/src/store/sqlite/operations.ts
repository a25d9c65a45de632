import { accountOperations, keepSetting } from './account-tables.js';
import type { Database } from './database.js';
import { deadLetterOperations } from './dead-letter-table.js';
import { documentOperations } from './document-table.js';

/**
 * Everything but commits that the store's thread does with its database. Each operation takes values that can be cloned
 * from thread to thread, and returns such a value. To add one, add it here or to a table's object; the store then calls
 * it by its name, with these types: see `WorkerChannel.call`.
 */
export const operations = {
  ...documentOperations,
  ...deadLetterOperations,
  ...accountOperations,

  /** Commits a write: a lock alone would not show that the disk is full. */
  ping(database: Database): void {
    keepSetting(database, 'ping', new Uint8Array());
  },
};

export type OperationName = keyof typeof operations;

/** What an operation takes besides the database. */
export type OperationArguments<Name extends OperationName> = (typeof operations)[Name] extends (
  database: Database,
  ...args: infer Arguments
) => unknown
  ? Arguments
  : never;

export type OperationResult<Name extends OperationName> = ReturnType<(typeof operations)[Name]>;
