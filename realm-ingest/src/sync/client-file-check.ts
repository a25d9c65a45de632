import type { Pipeline } from '../pipeline/upload-pipeline.js';
import type { ClientIdentMessage } from '../protocol/messages.js';
import type { ClientFile } from '../store/store.js';
import type { FileAdoption } from './sync-observer.js';
import { SyncError } from './sync-error.js';

/**
 * Decides about the file that an IDENT names; design, rule of delivery 8.
 *
 * @param row - what the store knows of it
 * @returns in which ways the file is more than the store knows; none for a known file, or a new one of ours
 * @throws {@link SyncError} 223 if it is another user's, or comes with another salt than the row's: the same for both
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
  // A bootstrap leaves no row, an acknowledgement does.
  const ahead = scanClientVersion > 0n;
  const known = verified && !ahead;
  return known
    ? []
    : ['unknown', ...(verified ? [] : ['unverified' as const]), ...(ahead ? ['ahead' as const] : [])];
}
