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

/** Below this, inflating takes less time than handing it to another thread. */
const maxSyncBytes = 32 * 1024;
/** Output is gathered in pieces, so that a size which is a lie costs no memory. */
const maxChunkBytes = 256 * 1024;
const minChunkBytes = 64;

/** What Node's zlib gives with the option `info`; its types do not know it. */
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
 * Inflates one zlib stream (RFC 1950) that must fill `compressed` and yield exactly `uncompressedBytes`. Output above
 * that is never made.
 *
 * @param uncompressedBytes - as announced, and already found to be within the limit
 * @throws {@link ProtocolError} with wire code 110
 */
export async function inflateExactly(compressed: Uint8Array, uncompressedBytes: number): Promise<Uint8Array> {
  const options = {
    // 0 would mean no limit.
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
    throw compressionError(`${uncompressedBytes} bytes announced, ${result.buffer.length} there`);
  }
  if (result.engine.bytesWritten !== compressed.length) {
    throw compressionError(
      `${compressed.length - result.engine.bytesWritten} bytes behind the end of the stream`,
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
