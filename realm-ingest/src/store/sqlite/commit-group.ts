import type { CommitResult } from '../store.js';
import type { StoreError } from '../store-error.js';
import { BytesWantedError, commitUpload } from './commit-operation.js';
import type { Database } from './database.js';
import { freePages } from './dead-letter-table.js';
import { toStoreError } from './sqlite-error.js';
import { bytesWanted, type EncodedCommit } from './worker-messages.js';

export type CommitOutcome =
  { readonly result: CommitResult | typeof bytesWanted } | { readonly error: StoreError };

/**
 * Commits several uploads in one transaction, so that devices that upload at the same time share an fsync. A commit that
 * fails does not affect the others, unless the whole transaction fails.
 */
export function commitGroup(
  database: Database,
  commits: readonly EncodedCommit[],
  maxDeadLetterBytes: number,
): CommitOutcome[] {
  try {
    const outcomes = database.transaction(() =>
      commits.map((commit): CommitOutcome => {
        try {
          const result = database.savepoint(() => commitUpload(database, commit, maxDeadLetterBytes));
          return { result };
        } catch (error) {
          if (error instanceof BytesWantedError) return { result: bytesWanted };
          // SQLite ends the whole transaction on some errors, such as a full disk.
          if (!database.inTransaction) throw error;
          return { error: toStoreError(error, database.path) };
        }
      }),
    );
    if (commits.some(({ retried }) => retried !== undefined)) freePages(database);
    return outcomes;
  } catch (error) {
    return commits.map(() => ({ error: toStoreError(error, database.path) }));
  }
}
