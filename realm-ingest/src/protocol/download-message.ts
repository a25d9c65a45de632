/**
 * DOWNLOAD: a bootstrap with one empty changeset, or an acknowledgement without changesets.
 *
 * Source: sync protocol, sections 3.2, 3.4, 3.5 and 5.1.
 *
 * @module
 */
import { demand, encodeMessage } from './message-bytes.js';
import type { DownloadMessage, ProtocolVersion } from './messages.js';

/** No client has this ident: theirs are random, from 2^32. */
const originFileIdent = 1;

/**
 * Encodes a DOWNLOAD:
 *
 * ```
 * download S <dl_server_version> <dl_client_version> <latest_server_version> <latest_server_version_salt>
 *   <ul_client_version> <ul_server_version> <query_version> <batch> <progress>
 *   <is_compressed> <uncompressed_size> <compressed_size>\n
 * ```
 *
 * and, in a bootstrap, `<server_version> <client_version> <origin_timestamp> <origin_file_ident> <original_size>
 * <size>`, each followed by a space, and no bytes: without a changeset in the bootstrap, clients hang.
 *
 * @throws RangeError if the message would fail a check of the client
 */
export function encodeDownload(message: DownloadMessage, version: ProtocolVersion): Uint8Array {
  checkDownload(message);
  const body =
    message.purpose === 'bootstrap'
      ? `${message.downloadServerVersion} ${message.downloadClientVersion} 0 ${originFileIdent} 0 0 `
      : '';
  const fields = [
    'download',
    message.sessionIdent,
    message.downloadServerVersion,
    message.downloadClientVersion,
    message.latestServerVersion,
    message.latestServerVersionSalt,
    message.uploadClientVersion,
    message.uploadServerVersion,
    message.queryVersion,
    batchState(message, version),
    // Progress: nothing is left to download. Up to 11 in bytes, later as a fraction.
    version <= 11 ? 0 : 1,
    0,
    0,
  ];
  return encodeMessage(fields, body, fields.length - 1);
}

/** Up to 13: 1 for the last message of a batch. Since 14: 1 for the last message of a bootstrap, 2 for steady state. */
function batchState({ purpose }: DownloadMessage, version: ProtocolVersion): number {
  return version >= 14 && purpose === 'steady-state' ? 2 : 1;
}

function checkDownload(message: DownloadMessage): void {
  const { downloadServerVersion, downloadClientVersion, latestServerVersion } = message;
  const { uploadClientVersion, uploadServerVersion, queryVersion } = message;
  demand(message.sessionIdent >= 1, 'download: the session ident is at least 1');
  const versions = [downloadServerVersion, downloadClientVersion, latestServerVersion, uploadClientVersion];
  demand(
    [...versions, uploadServerVersion, queryVersion].every((version) => version >= 0n && version < 2n ** 63n),
    'download: versions are from 0 to 2^63 - 1',
  );
  demand(
    downloadServerVersion <= latestServerVersion,
    'download: the server version is at most the latest one',
  );
  demand(
    downloadClientVersion <= uploadClientVersion,
    'download: the client version is at most the uploaded one',
  );
  demand(
    uploadServerVersion <= downloadServerVersion,
    'download: the uploaded server version is at most the downloaded one',
  );
  demand(
    message.purpose !== 'bootstrap' || downloadServerVersion >= 1n,
    'download: the server version of a bootstrap is at least 1',
  );
}
