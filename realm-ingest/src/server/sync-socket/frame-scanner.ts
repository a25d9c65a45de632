/**
 * Follows the WebSocket frames of one peer as their bytes arrive, before `ws` has a whole message: so that bytes are
 * counted as they come, and a message above the limit is left out instead of collected.
 *
 * Only lengths are looked at; everything else about a frame is for `ws` to judge.
 *
 * Source: RFC 6455, section 5.2.
 *
 * @module
 */

export interface FrameScannerOptions {
  /** Largest data message, its frames' payloads together. */
  readonly maxMessageBytes: number;
  /** Bytes for `ws`, of a frame whose message is within the limit. */
  pass(bytes: Buffer): void;
  /** Payload bytes of a data message are about to be passed. */
  received(bytes: number): void;
  /** The last bytes of a data message are about to be passed. */
  completed(): void;
  /** A message is above the limit, and its beginning is known. */
  oversized(message: OversizedMessage): void;
}

/** A message that is not passed on. */
export interface OversizedMessage {
  /** The first bytes of its payload, unmasked: enough for the message's type and its session. */
  readonly beginning: Buffer;
  /** Payload bytes as far as they are announced. */
  readonly announcedBytes: number;
  /**
   * Whether the rest of the connection goes on. A message in several frames was passed on in part already, so nothing
   * of its connection is passed on any more.
   */
  readonly skipped: boolean;
}

/** Longest beginning of interest: `upload 4294967295 `. */
const beginningBytes = 64;

interface Frame {
  /** Payload still to come. */
  remaining: number;
  /** Whether this is a frame of a data message, and its last one. */
  readonly isData: boolean;
  readonly isFinal: boolean;
  readonly skip: boolean;
  readonly mask: Buffer | undefined;
  /** Payload seen so far. */
  seen: number;
}

export class FrameScanner {
  readonly #options: FrameScannerOptions;
  /** The header that is arriving: at most 2 + 8 + 4 bytes. */
  readonly #header = Buffer.alloc(14);
  #headerBytes = 0;
  #frame: Frame | undefined;
  /** Payload bytes that the message's frames have announced so far. */
  #messageBytes = 0;
  #beginning: number[] = [];
  #stopped = false;

  constructor(options: FrameScannerOptions) {
    this.#options = options;
  }

  /** Takes the bytes that arrived next. */
  scan(chunk: Buffer): void {
    let offset = 0;
    while (offset < chunk.length && !this.#stopped) {
      if (this.#frame === undefined) {
        offset = this.#readHeader(chunk, offset);
      } else {
        offset = this.#readPayload(chunk, offset, this.#frame);
      }
    }
  }

  #readHeader(chunk: Buffer, start: number): number {
    let offset = start;
    while (offset < chunk.length) {
      this.#header[this.#headerBytes] = chunk.readUInt8(offset);
      this.#headerBytes += 1;
      offset += 1;
      if (this.#headerBytes < this.#headerLength()) continue;
      const header = Buffer.from(this.#header.subarray(0, this.#headerBytes));
      this.#headerBytes = 0;
      this.#beginFrame(header);
      break;
    }
    return offset;
  }

  /** How long the header is, as far as its bytes tell yet. */
  #headerLength(): number {
    if (this.#headerBytes < 2) return 2;
    const second = this.#header.readUInt8(1);
    const length = second & 0x7f;
    const extended = length === 127 ? 8 : length === 126 ? 2 : 0;
    return 2 + extended + (second & 0x80 ? 4 : 0);
  }

  #beginFrame(header: Buffer): void {
    const first = header.readUInt8(0);
    const second = header.readUInt8(1);
    const isData = (first & 0x0f) <= 2;
    const isFinal = (first & 0x80) !== 0;
    const payloadBytes = readPayloadLength(header, second & 0x7f);
    const mask = second & 0x80 ? header.subarray(-4) : undefined;
    const inParts = !isFinal || (first & 0x0f) === 0;
    if (isData) this.#messageBytes += payloadBytes;
    const isTooLarge = isData && this.#messageBytes > this.#options.maxMessageBytes;
    if (isTooLarge && inParts) {
      this.#stop();
      return;
    }
    this.#frame = { remaining: payloadBytes, isData, isFinal, skip: isTooLarge, mask, seen: 0 };
    if (isTooLarge) return;
    if (isData) this.#options.received(header.length);
    if (payloadBytes === 0) this.#endFrame(this.#frame);
    this.#options.pass(header);
  }

  #readPayload(chunk: Buffer, offset: number, frame: Frame): number {
    const bytes = chunk.subarray(offset, offset + Math.min(frame.remaining, chunk.length - offset));
    if (frame.isData && (frame.skip || !frame.isFinal)) this.#keepBeginning(bytes, frame);
    frame.remaining -= bytes.length;
    frame.seen += bytes.length;
    if (frame.isData && !frame.skip) this.#options.received(bytes.length);
    if (frame.remaining === 0) this.#endFrame(frame);
    if (!frame.skip) this.#options.pass(bytes);
    return offset + bytes.length;
  }

  #endFrame(frame: Frame): void {
    this.#frame = undefined;
    if (!frame.isData || !frame.isFinal) return;
    this.#messageBytes = 0;
    this.#beginning = [];
    if (!frame.skip) this.#options.completed();
  }

  #keepBeginning(bytes: Buffer, frame: Frame): void {
    const wanted = beginningBytes - this.#beginning.length;
    if (wanted <= 0) return;
    for (const [index, byte] of bytes.subarray(0, wanted).entries()) {
      const key = frame.mask?.[(frame.seen + index) % 4] ?? 0;
      this.#beginning.push(byte ^ key);
    }
    const isKnown = this.#beginning.length === beginningBytes || frame.remaining <= bytes.length;
    if (frame.skip && isKnown) this.#report(true);
  }

  #stop(): void {
    this.#stopped = true;
    this.#report(false);
  }

  #report(skipped: boolean): void {
    this.#options.oversized({
      beginning: Buffer.from(this.#beginning),
      announcedBytes: this.#messageBytes,
      skipped,
    });
  }
}

/** Payload lengths from 2^53 on lose digits, which does not matter: nobody waits for their end. */
function readPayloadLength(header: Buffer, length: number): number {
  if (length === 126) return header.readUInt16BE(2);
  if (length === 127) return Number(header.readBigUInt64BE(2));
  return length;
}
