/**
 * Names as keys of Realm dictionaries, and back.
 *
 * A Realm dictionary takes no key that contains `.` or begins with `$`, and a changeset is UTF-8. So `%` → `%25`, `.` →
 * `%2E`, a leading `$` → `%24` and a lone surrogate → `%uD800` (its four hex digits); all else stands for itself. Every
 * name has exactly one key.
 *
 * @module
 */

const toEncode = /[%.\uD800-\uDFFF]|^\$/gu;
const toDecode = /%(?:25|2E|u(D[89A-F][0-9A-F]{2}))|^%24/g;

/** Attribute names repeat for ever; names made up at run time must not fill the memory. */
const cache = new Map<string, string>();
const maxCachedKeys = 1024;
const maxCachedKeyLength = 128;

/** The Realm key of a name; the inverse of {@link decodeRealmKey}. */
export function encodeRealmKey(name: string): string {
  const cached = cache.get(name);
  if (cached !== undefined) return cached;
  const key = name.replace(toEncode, encodeCharacter);
  if (cache.size < maxCachedKeys && name.length <= maxCachedKeyLength) cache.set(name, key);
  return key;
}

/**
 * The name behind a Realm key. Never throws: of a key that {@link encodeRealmKey} cannot have made (another writer's),
 * what is no escape stands for itself, so that two such keys may have one name.
 */
export function decodeRealmKey(key: string): string {
  return key.includes('%') ? key.replace(toDecode, decodeEscape) : key;
}

/** The escape of one character: `%` and two hex digits, or `%u` and four for a surrogate. */
export function encodeCharacter(character: string): string {
  const hex = character.charCodeAt(0).toString(16).toUpperCase();
  return hex.length > 2 ? `%u${hex}` : `%${hex.padStart(2, '0')}`;
}

function decodeEscape(escape: string, surrogate: string | undefined): string {
  if (surrogate !== undefined) return String.fromCharCode(parseInt(surrogate, 16));
  return escape === '%25' ? '%' : escape === '%2E' ? '.' : '$';
}
