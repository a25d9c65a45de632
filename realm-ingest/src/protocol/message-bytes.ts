/**
 * What the encoders of server messages share.
 *
 * @module
 */

const utf8 = new TextEncoder();

/**
 * Writes `field SP field … LF body`.
 *
 * @param body - if it is given, its size in bytes becomes a field: at `sizeAt`, or the last one
 */
export function encodeMessage(
  fields: readonly (string | number | bigint)[],
  body?: string,
  sizeAt = fields.length,
): Uint8Array {
  if (body === undefined) return utf8.encode(`${fields.join(' ')}\n`);
  const bytes = utf8.encode(body);
  const header = utf8.encode(`${fields.toSpliced(sizeAt, 0, bytes.length).join(' ')}\n`);
  const message = new Uint8Array(header.length + bytes.length);
  message.set(header);
  message.set(bytes, header.length);
  return message;
}

/** Throws unless a message is one that may be sent; `rule` says what it would have had to keep. */
export function demand(holds: boolean, rule: string): asserts holds {
  if (!holds) throw new RangeError(`server message breaks a rule: ${rule}`);
}
