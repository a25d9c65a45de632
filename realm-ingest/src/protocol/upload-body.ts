/**
 * The body of an UPLOAD: changesets back to back.
 *
 * ```
 * body      = *changeset
 * changeset = client_version SP server_version SP origin_timestamp SP origin_file_ident SP size SP <size bytes>
 * ```
 *
 * Source: sync protocol, sections 3.3 and 8.1.
 *
 * @module
 */
import { FieldReader } from './field-reader.js';
import { inflateExactly } from './inflate.js';
import type { UploadedChangeset, UploadMessage } from './messages.js';
import { ProtocolError } from './protocol-error.js';
import { connectionErrors } from './wire-codes.js';

/**
 * The most changesets in one UPLOAD. Clients stop adding at 131,072 bytes (section 8.2), of which each takes ten at
 * least; a body of empty ones alone would take a hundred times its size in memory.
 */
export const maxChangesetsPerUpload = 65_536;

/**
 * Opens the body of an UPLOAD. Large ones inflate outside the event loop, so a later message's body may be ready
 * before an earlier one's: whoever calls this takes a session's uploads one after the other.
 *
 * Versions are given as they came: that they rise, and that `originFileIdent` is 0, is not looked at here.
 *
 * @returns the changesets, in wire order; empty for a progress report. Their bytes are views
 * @throws {@link ProtocolError} with wire code 110 (the body does not inflate to the size announced), 111 (a
 * changeset's header is malformed, or there are more than {@link maxChangesetsPerUpload}) or 112 (a changeset ends
 * beyond the body)
 */
export async function readUploadBody(
  upload: Pick<UploadMessage, 'body' | 'isCompressed' | 'uncompressedBytes'>,
): Promise<UploadedChangeset[]> {
  return parseUploadBody(
    upload.isCompressed ? await inflateExactly(upload.body, upload.uncompressedBytes) : upload.body,
  );
}

function parseUploadBody(body: Uint8Array): UploadedChangeset[] {
  const changesets: UploadedChangeset[] = [];
  for (let offset = 0; offset < body.length;) {
    if (changesets.length === maxChangesetsPerUpload) {
      throw new ProtocolError('message-syntax', `more than ${maxChangesetsPerUpload} changesets`, {
        wireCode: connectionErrors.badChangesetHeader,
        offset,
      });
    }
    const fields = new FieldReader(body, offset, connectionErrors.badChangesetHeader, 'changeset header');
    const clientVersion = fields.version('client version');
    const serverVersion = fields.version('server version');
    // The client subtracts 2015 from its clock without a sign: a clock that stands before 2015 wraps around.
    const originTimestamp = BigInt.asIntN(64, fields.uint64('origin timestamp'));
    const originFileIdent = fields.version('origin file ident');
    const size = fields.size('size');
    const start = fields.offset;
    if (fields.ended) {
      throw new ProtocolError('message-syntax', 'changeset header: ends in a line feed, not in a space', {
        wireCode: connectionErrors.badChangesetHeader,
        offset: start - 1,
      });
    }
    if (size > body.length - start) {
      throw new ProtocolError('message-syntax', `changeset of ${size} bytes, ${body.length - start} there`, {
        wireCode: connectionErrors.badChangesetSize,
        offset: start,
      });
    }
    offset = start + size;
    const bytes = body.subarray(start, offset);
    changesets.push({ clientVersion, serverVersion, originTimestamp, originFileIdent, bytes });
  }
  return changesets;
}
