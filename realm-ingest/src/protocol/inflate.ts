/**
 * Bounded decompression.
 *
 * Source: sync protocol, section 8.1.
 *
 * @module
 */
import { inflate, inflateSync, type InputType, type ZlibOptions } from 'node:zlib';

import { ProtocolError } from './protocol-error.js';
import { connectionErrors } from './wire-codes.js';

/** Smaller outputs inflate faster here than in another thread. */
const maxSyncBytes = 32 * 1024;
/** Output grows in chunks, so that a false size costs no memory. */
const maxChunkBytes = 256 * 1024;
const minChunkBytes = 64;

/** The result of Node's zlib with the option `info`, which its types lack. */
interface InflateResult {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

type InflateWithInfo = (
  compressed: InputType,
  options: ZlibOptions,
  callback: (error: Error | null, result: InflateResult) => void,
) => void;

/**
 * Inflates one zlib stream (RFC 1950) that must fill `compressed` and yield exactly `uncompressedBytes`. It never
 * produces more output.
 *
 * @param uncompressedBytes - the announced size; the caller has checked it against the limit
 * @throws {@link ProtocolError} with wire code 110
 */
export async function inflateExactly(compressed: Uint8Array, uncompressedBytes: number): Promise<Uint8Array> {
  const options = {
    // 0 means no limit to zlib.
    maxOutputLength: Math.max(uncompressedBytes, 1),
    chunkSize: Math.min(Math.max(uncompressedBytes, minChunkBytes), maxChunkBytes),
    info: true,
  };
  let result: InflateResult;
  try {
    result =
      uncompressedBytes <= maxSyncBytes
        ? (inflateSync(compressed, options) as unknown as InflateResult)
        : await inflateInPool(compressed, options);
  } catch (cause) {
    throw compressionError(cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (result.buffer.length !== uncompressedBytes) {
    throw compressionError(`${uncompressedBytes} bytes announced, ${result.buffer.length} present`);
  }
  if (result.engine.bytesWritten !== compressed.length) {
    throw compressionError(
      `${compressed.length - result.engine.bytesWritten} bytes after the end of the stream`,
    );
  }
  return result.buffer;
}

function inflateInPool(compressed: Uint8Array, options: ZlibOptions): Promise<InflateResult> {
  return new Promise((resolve, reject) => {
    (inflate as unknown as InflateWithInfo)(compressed, options, (error, result) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
}

function compressionError(particulars: string, cause?: unknown): ProtocolError {
  return new ProtocolError('message-compression', particulars, {
    wireCode: connectionErrors.badDecompression,
    cause,
  });
}
