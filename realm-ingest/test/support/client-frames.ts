/**
 * WebSocket frames as a client writes them, by RFC 6455 section 5.2 alone; it checks nothing, so that it can lie.
 *
 * @module
 */

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface FrameOptions {
  opcode?: number;
  final?: boolean;
  /** undefined: not masked. */
  mask?: Uint8Array | undefined;
  /** Unless told, the length of the payload. */
  announcedBytes?: number | bigint;
}

const defaultMask = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);

/** One frame: binary, final and masked, unless told. */
export function frame(payload: Uint8Array | string, options: FrameOptions = {}): Buffer {
  const bytes = Buffer.from(payload);
  const mask = 'mask' in options ? options.mask : defaultMask;
  const announced = BigInt(options.announcedBytes ?? bytes.length);
  const first = ((options.final ?? true) ? 0x80 : 0) | (options.opcode ?? opcodes.binary);
  const maskBit = mask === undefined ? 0 : 0x80;
  const header: number[] = [first];
  if (announced < 126n) {
    header.push(maskBit | Number(announced));
  } else if (announced < 65536n) {
    header.push(maskBit | 126, Number(announced >> 8n), Number(announced & 0xffn));
  } else {
    header.push(maskBit | 127);
    for (let shift = 56n; shift >= 0n; shift -= 8n) header.push(Number((announced >> shift) & 0xffn));
  }
  const masked = bytes.map((byte, index) => byte ^ (mask?.[index % 4] ?? 0));
  return Buffer.concat([Buffer.from(header), mask ?? Buffer.alloc(0), masked]);
}

/** The HTTP request that opens a sync connection. */
export function upgradeRequest(subprotocols: string, path = '/'): string {
  return [
    `GET ${path} HTTP/1.1`,
    'Host: localhost',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    `Sec-WebSocket-Protocol: ${subprotocols}`,
    '\r\n',
  ].join('\r\n');
}
