/**
 * The body of an UPLOAD: a sequence of changesets.
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
 * The most changesets in one UPLOAD. Clients stop adding at 131,072 bytes (section 8.2), and each takes at least ten. A
 * body of empty changesets would take a hundred times its size in memory.
 */
export const maxChangesetsPerUpload = 65_536;

/**
 * Parses the body of an UPLOAD. Large bodies inflate in another thread, so a later body may be ready before an earlier
 * one: the caller must read the uploads of a session one after the other.
 *
 * Versions are not checked here: neither that they rise, nor that `originFileIdent` is 0.
 *
 * @returns the changesets, in wire order; empty for a progress report. Their bytes are views
 * @throws {@link ProtocolError} with wire code 110 (the body does not inflate to the announced size), 111 (a changeset's
 *   header is malformed, or there are more than {@link maxChangesetsPerUpload}) or 112 (a changeset ends beyond the body)
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
    // The client subtracts 2015 from its clock in unsigned arithmetic: a clock before 2015 wraps around.
    const originTimestamp = BigInt.asIntN(64, fields.uint64('origin timestamp'));
    const originFileIdent = fields.version('origin file ident');
    const size = fields.size('size');
    const start = fields.offset;
    if (fields.ended) {
      throw new ProtocolError('message-syntax', 'changeset header: ends with a line feed, not with a space', {
        wireCode: connectionErrors.badChangesetHeader,
        offset: start - 1,
      });
    }
    if (size > body.length - start) {
      throw new ProtocolError(
        'message-syntax',
        `changeset of ${size} bytes, ${body.length - start} present`,
        {
          wireCode: connectionErrors.badChangesetSize,
          offset: start,
        },
      );
    }
    offset = start + size;
    const bytes = body.subarray(start, offset);
    changesets.push({ clientVersion, serverVersion, originTimestamp, originFileIdent, bytes });
  }
  return changesets;
}
