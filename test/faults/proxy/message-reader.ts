/**
 * Finds the messages in what goes over one connection, in both directions, as their bytes arrive: HTTP requests and
 * answers (RFC 9112), and after an upgrade the frames of WebSocket (RFC 6455, section 5.2).
 *
 * @module
 */
import {
  kindOfClientMessage,
  kindOfRequest,
  kindOfServerMessage,
  type MessageKind,
  type RequestKind,
} from './message-kind.js';

/** One request, answer or frame. */
export interface Message {
  readonly kind: MessageKind;
  /** On the wire, its header included. */
  readonly bytes: number;
}

/** Some bytes of one message, in the order of the wire. */
export interface Segment {
  readonly message: Message;
  readonly bytes: Buffer;
  /** Whether these are the message's first bytes. */
  readonly begins: boolean;
  /** Whether these are its last. */
  readonly ends: boolean;
}

/** Enough of a message to name it; our server's answers and the engine's requests have shorter heads. */
const maxHeadBytes = 65_536;
const maxNameBytes = 256;

/** What both directions of one connection know of each other. */
export class Dialogue {
  readonly fromClient = new MessageReader((bytes) => this.#readClient(bytes));
  readonly fromServer = new MessageReader((bytes) => this.#readServer(bytes));
  /** Requests that have not been answered. */
  readonly #asked: RequestKind[] = [];
  #isUpgraded = false;

  #readClient(bytes: Buffer): Message | undefined {
    if (this.#isUpgraded) return readFrame(bytes, kindOfClientMessage, 'client frame');
    const head = readHead(bytes);
    if (head === undefined) return undefined;
    const kind = kindOfRequest(head.text);
    this.#asked.push(kind);
    return { kind: `${kind} request`, bytes: head.bytes + head.bodyBytes };
  }

  #readServer(bytes: Buffer): Message | undefined {
    if (this.#isUpgraded) return readFrame(bytes, kindOfServerMessage, 'server frame');
    const head = readHead(bytes);
    if (head === undefined) return undefined;
    const status = head.text.split(' ', 2)[1];
    const kind = this.#asked.shift() ?? 'other';
    this.#isUpgraded = status === '101';
    return { kind: `${kind} answer`, bytes: head.bytes + head.bodyBytes };
  }
}

/** Cuts one direction's stream into segments of messages. */
export class MessageReader {
  /** @returns the message that begins with these bytes, or undefined if more bytes are needed */
  readonly #identify: (bytes: Buffer) => Message | undefined;
  /** The beginning of a message that is not named yet. */
  #unnamed = Buffer.alloc(0);
  #message: Message | undefined;
  #remaining = 0;

  constructor(identify: (bytes: Buffer) => Message | undefined) {
    this.#identify = identify;
  }

  /** Takes the bytes that arrived next; those of a message that cannot be named yet come with a later call. */
  *read(chunk: Buffer): Generator<Segment> {
    let bytes = this.#unnamed.length === 0 ? chunk : Buffer.concat([this.#unnamed, chunk]);
    this.#unnamed = Buffer.alloc(0);
    while (bytes.length > 0) {
      const begins = this.#message === undefined;
      const message = (this.#message ??= this.#identify(bytes));
      if (message === undefined) {
        this.#unnamed = Buffer.from(bytes);
        return;
      }
      if (begins) this.#remaining = message.bytes;
      const part = bytes.subarray(0, this.#remaining);
      bytes = bytes.subarray(part.length);
      this.#remaining -= part.length;
      const ends = this.#remaining === 0;
      if (ends) this.#message = undefined;
      yield { message, bytes: part, begins, ends };
    }
  }

  /** What has arrived and is no message yet. */
  takeRest(): Buffer {
    const rest = this.#unnamed;
    this.#unnamed = Buffer.alloc(0);
    return rest;
  }
}

interface Head {
  readonly text: string;
  readonly bytes: number;
  readonly bodyBytes: number;
}

function readHead(bytes: Buffer): Head | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) {
    if (bytes.length > maxHeadBytes) throw new Error(`no HTTP head within ${maxHeadBytes} bytes`);
    return undefined;
  }
  const text = bytes.toString('latin1', 0, end);
  if (/\r\ntransfer-encoding: *chunked/iu.test(text)) {
    const bodyBytes = measureChunks(bytes.subarray(end + 4));
    return bodyBytes === undefined ? undefined : { text, bytes: end + 4, bodyBytes };
  }
  return { text, bytes: end + 4, bodyBytes: Number(/\r\ncontent-length: *(\d+)/iu.exec(text)?.[1] ?? 0) };
}

/** @returns the length of a chunked body without trailers (RFC 9112, section 7.1), or undefined if more is to come */
function measureChunks(body: Buffer): number | undefined {
  for (let offset = 0; ;) {
    const lineEnd = body.indexOf('\r\n', offset);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(body.toString('latin1', offset, lineEnd), 16);
    offset = lineEnd + 2 + size + 2;
    if (!(offset <= body.length)) return undefined;
    if (size === 0) return offset;
  }
}

function readFrame(
  bytes: Buffer,
  kindOf: (header: string) => MessageKind,
  unknown: MessageKind,
): Message | undefined {
  if (bytes.length < 2) return undefined;
  const second = bytes.readUInt8(1);
  const shortLength = second & 0x7f;
  const lengthBytes = shortLength === 127 ? 8 : shortLength === 126 ? 2 : 0;
  const headerBytes = 2 + lengthBytes + (second & 0x80 ? 4 : 0);
  if (bytes.length < headerBytes) return undefined;
  const length =
    lengthBytes === 8
      ? Number(bytes.readBigUInt64BE(2))
      : lengthBytes === 2
        ? bytes.readUInt16BE(2)
        : shortLength;
  const message = { bytes: headerBytes + length };
  const isBinary = (bytes.readUInt8(0) & 0x0f) === 2;
  if (!isBinary) return { ...message, kind: unknown };

  const mask = second & 0x80 ? bytes.subarray(headerBytes - 4, headerBytes) : undefined;
  const seen = bytes.subarray(headerBytes, headerBytes + Math.min(length, maxNameBytes));
  const name = Buffer.from(seen.map((byte, index) => byte ^ (mask?.[index % 4] ?? 0)));
  const lineEnd = name.indexOf('\n');
  if (lineEnd < 0 && name.length < Math.min(length, maxNameBytes)) return undefined;
  return { ...message, kind: kindOf(name.toString('latin1', 0, lineEnd < 0 ? undefined : lineEnd)) };
}
