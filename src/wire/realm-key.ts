/**
 * Names as keys of Realm dictionaries, and back.
 *
 * A Realm dictionary takes no key that contains `.` or begins with `$`, and a changeset is UTF-8. So `%` → `%25`, `.` →
 * `%2E`, a leading `$` → `%24` and a lone surrogate → `%uD800` (its four hex digits); all else stands for itself. Every
 * name has exactly one key.
 *
 * @module
 */
import { memoizeNames } from './memoize-names.js';

const toEncode = /[%.\uD800-\uDFFF]|^\$/gu;
const toDecode = /%(?:25|2E|u(D[89A-F][0-9A-F]{2}))|^%24/g;

/** The Realm key of a name; the inverse of {@link decodeRealmKey}. */
export const encodeRealmKey = memoizeNames((name) => name.replace(toEncode, encodeCharacter), 1024);

/**
 * The name behind a Realm key. Never throws: of a key that {@link encodeRealmKey} cannot have made (another writer's),
 * what is no escape stands for itself, so that two such keys may have one name.
 */
export const decodeRealmKey = memoizeNames((key) => key.replace(toDecode, decodeEscape), 4096);

/** The escape of one character: `%` and two hex digits, or `%u` and four for a surrogate. */
export function encodeCharacter(character: string): string {
  const hex = character.charCodeAt(0).toString(16).toUpperCase();
  return hex.length > 2 ? `%u${hex}` : `%${hex.padStart(2, '0')}`;
}

function decodeEscape(escape: string, surrogate: string | undefined): string {
  if (surrogate !== undefined) return String.fromCharCode(parseInt(surrogate, 16));
  return escape === '%25' ? '%' : escape === '%2E' ? '.' : '$';
}
