import type { Upload } from '../../src/pipeline/upload-pipeline.js';

/** The upload of a client file: its changesets have the client versions from 11 on. */
export function uploadOf(...changesets: readonly Uint8Array[]): Upload {
  const clientVersion = 10n + BigInt(changesets.length);
  return {
    file: { ident: 2n ** 40n, salt: 99n, userId: 'anon-1', clientVersion, serverVersion: 1n },
    changesets: changesets.map((bytes, index) => ({
      clientVersion: 11n + BigInt(index),
      serverVersion: 1n,
      originTimestamp: 0n,
      originFileIdent: 0n,
      bytes,
    })),
  };
}
