import type { Pipeline } from '../pipeline/upload-pipeline.js';
import type { ClientIdentMessage } from '../protocol/messages.js';
import type { ClientFile } from '../store/store.js';
import type { FileAdoption } from './sync-observer.js';
import { SyncError } from './sync-error.js';

/**
 * Decides about the file that an IDENT names; design, rule of delivery 8.
 *
 * @param row - the store's row of the file
 * @returns in which ways the file is adopted; empty for a known file and for a new one of this server
 * @throws {@link SyncError} 223 if the row has another user or another salt; the client cannot tell which
 */
export function checkClientFile(
  ident: ClientIdentMessage,
  userId: string,
  row: ClientFile | undefined,
  pipeline: Pick<Pipeline, 'saltOf'>,
): FileAdoption[] {
  const { clientFileIdent, clientFileIdentSalt, scanClientVersion, scanServerVersion } = ident;
  if (row !== undefined) {
    if (row.userId !== userId || row.salt !== clientFileIdentSalt) {
      throw new SyncError('client-file-mismatch', `file ${clientFileIdent}`);
    }
    return scanClientVersion > row.clientVersion || scanServerVersion > row.serverVersion ? ['ahead'] : [];
  }
  const verified = pipeline.saltOf(userId, clientFileIdent) === clientFileIdentSalt;
  // A bootstrap writes no row, an acknowledged upload does.
  const ahead = scanClientVersion > 0n;
  const known = verified && !ahead;
  return known
    ? []
    : ['unknown', ...(verified ? [] : ['unverified' as const]), ...(ahead ? ['ahead' as const] : [])];
}
