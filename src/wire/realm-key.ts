/**
 * Encodes names as keys of Realm dictionaries, and decodes them.
 *
 * Realm rejects keys that contain `.` or begin with `$`, and a changeset is UTF-8. So `%` → `%25`, `.` → `%2E`, a leading
 * `$` → `%24` and a lone surrogate → `%uD800` (its four hex digits). All other characters stay. Every name has exactly one
 * key.
 *
 * @module
 */
import { memoizeNames } from './memoize-names.js';

const toEncode = /[%.\uD800-\uDFFF]|^\$/gu;
const toDecode = /%(?:25|2E|u(D[89A-F][0-9A-F]{2}))|^%24/g;

/** The Realm key of a name; the inverse of {@link decodeRealmKey}. */
export const encodeRealmKey = memoizeNames((name) => name.replace(toEncode, encodeCharacter), 1024);

/**
 * The name of a Realm key. Never throws. If another writer made the key, a `%` that begins no escape stands for itself,
 * so two such keys may give the same name.
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
