const alphabet = Uint8Array.from(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
  (character) => character.charCodeAt(0),
);
const padding = 0x3d;

/** JavaScript engines limit the arguments of a call. */
const chunkLength = 8192;

/** Base64 with padding (RFC 4648, section 4). Not every supported engine has `Buffer` or `btoa`. */
export function encodeBase64(bytes: Uint8Array): string {
  const codes = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  for (let from = 0, to = 0; from < bytes.length; from += 3) {
    const group = (at(bytes, from) << 16) | (at(bytes, from + 1) << 8) | at(bytes, from + 2);
    codes[to++] = at(alphabet, group >> 18);
    codes[to++] = at(alphabet, (group >> 12) & 63);
    codes[to++] = from + 1 < bytes.length ? at(alphabet, (group >> 6) & 63) : padding;
    codes[to++] = from + 2 < bytes.length ? at(alphabet, group & 63) : padding;
  }
  let text = '';
  for (let i = 0; i < codes.length; i += chunkLength) {
    // `apply` accepts any array-like and is ten times as fast as a spread.
    text += String.fromCharCode.apply(null, codes.subarray(i, i + chunkLength) as unknown as number[]);
  }
  return text;
}

function at(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}
