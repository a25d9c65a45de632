import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';

/** The pace of a connection that nothing slows down. */
const unlimited = Number.POSITIVE_INFINITY;

/** How fast the bytes of one connection pass, both directions alike. */
export class Pace {
  /** Before each write, milliseconds. */
  latencyMillis = 0;
  bytesPerSecond = unlimited;
  #pieceBytes = unlimited;
  #trickleBytes = 0;

  /** The next `bytes` bytes pass in small pieces, each in its own turn of the event loop. */
  trickle(totalBytes: number, pieceBytes: number): void {
    this.#trickleBytes = totalBytes;
    this.#pieceBytes = pieceBytes;
  }

  /** Full speed again. */
  heal(): void {
    this.latencyMillis = 0;
    this.bytesPerSecond = unlimited;
    this.#trickleBytes = 0;
  }

  /** Gives bytes piece by piece, each when its time has come. */
  async *pieces(bytes: Buffer): AsyncGenerator<Buffer> {
    for (let offset = 0; offset < bytes.length;) {
      const trickles = this.#trickleBytes > 0;
      // A tenth of a second's worth, so that a throttled message is seen to arrive bit by bit.
      const tenth = Math.max(1, Math.ceil(this.bytesPerSecond / 10));
      const piece = bytes.subarray(offset, offset + (trickles ? this.#pieceBytes : tenth));
      offset += piece.length;
      const waitMillis = this.latencyMillis + (1000 * piece.length) / this.bytesPerSecond;
      if (trickles) {
        this.#trickleBytes -= piece.length;
        await nextTurn();
      } else if (waitMillis > 0) {
        await delay(waitMillis);
      }
      yield piece;
    }
  }
}
