/**
 * Shared by the encoders of server messages.
 *
 * @module
 */

const utf8 = new TextEncoder();

/**
 * Writes `field SP field … LF body`.
 *
 * @param body - if given, its size in bytes becomes the field at `sizeAt`
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

/** Throws a RangeError with the broken rule unless `holds`. */
export function demand(holds: boolean, rule: string): asserts holds {
  if (!holds) throw new RangeError(`server message breaks a rule: ${rule}`);
}
