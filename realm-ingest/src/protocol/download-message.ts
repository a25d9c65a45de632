/**
 * DOWNLOAD: a bootstrap with one empty changeset, or an acknowledgement with none.
 *
 * Source: sync protocol, sections 3.2, 3.4, 3.5 and 5.1.
 *
 * @module
 */
import { demand, encodeMessage } from './message-bytes.js';
import type { DownloadMessage, ProtocolVersion } from './messages.js';

/** Any ident that is no client's: those are random from 2^32 on. */
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
 * <size>` with a space behind each and no bytes: a bootstrap without any changeset makes clients hang.
 *
 * @throws RangeError if one of the client's checks within the message would fail
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
    // Nothing is left to download: no bytes, or all of it.
    version <= 11 ? 0 : 1,
    0,
    0,
  ];
  return encodeMessage(fields, body, fields.length - 1);
}

/** Up to 13 whether this is the last message of a batch; from 14 on 1 for that of a bootstrap, 2 for steady state. */
function batchState({ purpose }: DownloadMessage, version: ProtocolVersion): number {
  return version >= 14 && purpose === 'steady-state' ? 2 : 1;
}

function checkDownload(message: DownloadMessage): void {
  const { downloadServerVersion, downloadClientVersion, latestServerVersion } = message;
  const { uploadClientVersion, uploadServerVersion, queryVersion } = message;
  demand(message.sessionIdent >= 1, 'download: session ident from 1 on');
  const versions = [downloadServerVersion, downloadClientVersion, latestServerVersion, uploadClientVersion];
  demand(
    [...versions, uploadServerVersion, queryVersion].every((version) => version >= 0n && version < 2n ** 63n),
    'download: versions from 0 to 2^63 - 1',
  );
  demand(downloadServerVersion <= latestServerVersion, 'download: server version up to the latest one');
  demand(downloadClientVersion <= uploadClientVersion, 'download: client version up to the uploaded one');
  demand(
    uploadServerVersion <= downloadServerVersion,
    'download: uploaded server version up to the downloaded one',
  );
  demand(
    message.purpose !== 'bootstrap' || downloadServerVersion >= 1n,
    'download: a bootstrap has a server version from 1 on',
  );
}
