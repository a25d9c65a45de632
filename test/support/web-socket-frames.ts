/** A whole frame: RFC 6455, section 5.2. */
export interface WebSocketFrame {
  readonly opcode: number;
  readonly isFinal: boolean;
  /** Unmasked. */
  readonly payload: Buffer;
}

/** The whole frames of a stream of bytes, in order. A frame that is cut ends them. */
export function* readFrames(stream: Buffer): Generator<WebSocketFrame> {
  let offset = 0;
  while (offset + 2 <= stream.length) {
    const [first = 0, second = 0] = stream.subarray(offset, offset + 2);
    offset += 2;
    let length = second & 0x7f;
    const extendedBytes = length === 126 ? 2 : length === 127 ? 8 : 0;
    const maskBytes = (second & 0x80) === 0 ? 0 : 4;
    if (offset + extendedBytes + maskBytes > stream.length) return;
    if (extendedBytes === 2) length = stream.readUInt16BE(offset);
    else if (extendedBytes === 8) length = Number(stream.readBigUInt64BE(offset));
    offset += extendedBytes;
    const mask = stream.subarray(offset, (offset += maskBytes));
    if (offset + length > stream.length) return;
    const payload = Buffer.from(stream.subarray(offset, (offset += length)));
    if (maskBytes > 0) for (let i = 0; i < payload.length; i++) payload[i]! ^= mask[i % 4]!;
    yield { opcode: first & 0x0f, isFinal: (first & 0x80) !== 0, payload };
  }
}
