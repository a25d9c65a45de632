/** File systems limit names to 255 bytes, and Realm appends suffixes to some. */
const MAX_LENGTH = 160;

/**
 * A file name for any text, percent-encoded. Letters, digits, `-`, `_` and inner dots are not encoded. Two texts share a
 * name only if both are longer than 140 bytes and their 64-bit hashes are equal, or if they differ only in case and the file
 * system ignores case.
 */
export function encodeFileName(text: string): string {
  let name = '';
  for (const byte of new TextEncoder().encode(text)) {
    const character = String.fromCharCode(byte);
    const isPlain = /[A-Za-z0-9_-]/.test(character) || (character === '.' && name !== '');
    name += isPlain ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  // Windows removes a dot at the end.
  name = name.replace(/\.$/, '%2E');
  if (name === '') return '%';
  if (name.length <= MAX_LENGTH) return name;
  return `${name.slice(0, 140)}%${hash(name).toString(16).padStart(16, '0')}`;
}

/** FNV-1a, 64 bits. */
function hash(text: string): bigint {
  let value = 0xcbf29ce484222325n;
  for (let i = 0; i < text.length; i += 1) {
    value = ((value ^ BigInt(text.charCodeAt(i))) * 0x100000001b3n) & 0xffffffffffffffffn;
  }
  return value;
}
