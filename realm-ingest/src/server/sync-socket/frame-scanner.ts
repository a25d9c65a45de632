/**
 * Follows the WebSocket frames of one peer as their bytes arrive, before `ws` has a complete message. So bytes are
 * counted when they arrive, and a message above the limit is skipped instead of collected.
 *
 * Only lengths are read. Everything else about a frame is left to `ws`.
 *
 * Source: RFC 6455, section 5.2.
 *
 * @module
 */

/** Bytes of a frame, for `ws`. */
export interface FrameBytes {
  readonly type: 'bytes';
  readonly bytes: Buffer;
  /** Whether they belong to a data message, not to a control frame. */
  readonly isData: boolean;
  /** Whether they are the last bytes of a data message. */
  readonly endsMessage: boolean;
}

/** A data message above the limit, reported once its beginning is known. */
export interface OversizedMessage {
  readonly type: 'oversized';
  /** The first bytes of its payload, unmasked: enough for the message's type and its session. */
  readonly beginning: Buffer;
  /** Payload bytes announced so far. */
  readonly announcedBytes: number;
  /**
   * Whether the rest of the connection can be used. If the message has several frames, `ws` has some of them already, so
   * nothing of the connection is passed to `ws` any more.
   */
  readonly skipped: boolean;
}

/** The longest beginning that matters: `upload 4294967295 `. */
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
  readonly #maxMessageBytes: number;
  /** The header that is arriving: at most 2 + 8 + 4 bytes. */
  readonly #header = Buffer.alloc(14);
  #headerBytes = 0;
  #frame: Frame | undefined;
  /** Payload bytes that the message's frames have announced so far. */
  #messageBytes = 0;
  #beginning: number[] = [];
  #stopped = false;

  /** @param maxMessageBytes - largest data message: the payloads of its frames together */
  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** Takes the bytes that arrived next, and yields what they are. To be iterated to its end. */
  *scan(chunk: Buffer): Generator<FrameBytes | OversizedMessage, void, undefined> {
    let offset = 0;
    while (offset < chunk.length && !this.#stopped) {
      let event: FrameBytes | OversizedMessage | undefined;
      if (this.#frame === undefined) {
        event = this.#readHeader(chunk.readUInt8(offset));
        offset += 1;
      } else {
        const bytes = chunk.subarray(offset, offset + this.#frame.remaining);
        event = this.#readPayload(bytes, this.#frame);
        offset += bytes.length;
      }
      if (event !== undefined) yield event;
    }
  }

  #readHeader(byte: number): FrameBytes | OversizedMessage | undefined {
    this.#header[this.#headerBytes] = byte;
    this.#headerBytes += 1;
    if (this.#headerBytes < this.#headerLength()) return undefined;
    const header = Buffer.from(this.#header.subarray(0, this.#headerBytes));
    this.#headerBytes = 0;
    return this.#beginFrame(header);
  }

  /** The header's length, as far as its bytes tell yet. */
  #headerLength(): number {
    if (this.#headerBytes < 2) return 2;
    const second = this.#header.readUInt8(1);
    const length = second & 0x7f;
    const extended = length === 127 ? 8 : length === 126 ? 2 : 0;
    return 2 + extended + (second & 0x80 ? 4 : 0);
  }

  #beginFrame(header: Buffer): FrameBytes | OversizedMessage | undefined {
    const first = header.readUInt8(0);
    const second = header.readUInt8(1);
    const isData = (first & 0x0f) <= 2;
    const isFinal = (first & 0x80) !== 0;
    const remaining = readPayloadLength(header, second & 0x7f);
    const mask = second & 0x80 ? header.subarray(-4) : undefined;
    const inParts = !isFinal || (first & 0x0f) === 0;
    if (isData) this.#messageBytes += remaining;
    const skip = isData && this.#messageBytes > this.#maxMessageBytes;
    if (skip && inParts) {
      this.#stopped = true;
      return this.#oversized(false);
    }
    const frame = { remaining, isData, isFinal, skip, mask, seen: 0 };
    this.#frame = frame;
    return skip ? undefined : this.#pass(header, frame);
  }

  #readPayload(bytes: Buffer, frame: Frame): FrameBytes | OversizedMessage | undefined {
    const isKnown = frame.isData && (frame.skip || !frame.isFinal) && this.#keepBeginning(bytes, frame);
    frame.remaining -= bytes.length;
    frame.seen += bytes.length;
    if (!frame.skip) return this.#pass(bytes, frame);
    const oversized = isKnown ? this.#oversized(true) : undefined;
    if (frame.remaining === 0) this.#endFrame(frame);
    return oversized;
  }

  #pass(bytes: Buffer, frame: Frame): FrameBytes {
    const endsMessage = frame.remaining === 0 && this.#endFrame(frame);
    return { type: 'bytes', bytes, isData: frame.isData, endsMessage };
  }

  /** @returns whether a data message ends with it */
  #endFrame({ isData, isFinal }: Frame): boolean {
    this.#frame = undefined;
    if (!isData || !isFinal) return false;
    this.#messageBytes = 0;
    this.#beginning = [];
    return true;
  }

  /** @returns whether the beginning has just become known */
  #keepBeginning(bytes: Buffer, frame: Frame): boolean {
    const wanted = beginningBytes - this.#beginning.length;
    if (wanted <= 0) return false;
    for (const [index, byte] of bytes.subarray(0, wanted).entries()) {
      const key = frame.mask?.[(frame.seen + index) % 4] ?? 0;
      this.#beginning.push(byte ^ key);
    }
    return this.#beginning.length === beginningBytes || frame.remaining <= bytes.length;
  }

  #oversized(skipped: boolean): OversizedMessage {
    const beginning = Buffer.from(this.#beginning);
    return { type: 'oversized', beginning, announcedBytes: this.#messageBytes, skipped };
  }
}

/** Lengths from 2^53 on lose digits. It does not matter: nobody waits for their end. */
function readPayloadLength(header: Buffer, length: number): number {
  if (length === 126) return header.readUInt16BE(2);
  if (length === 127) return Number(header.readBigUInt64BE(2));
  return length;
}
