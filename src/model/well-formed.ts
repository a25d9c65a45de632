/** With the `u` flag a surrogate pair is one code point, so this matches lone surrogates only. */
const loneSurrogate = /[\uD800-\uDFFF]/gu;

/**
 * Makes a text well-formed Unicode: each lone surrogate becomes U+FFFD, because UTF-8, and so BSON and Realm, cannot
 * encode it.
 *
 * `String.prototype.toWellFormed` does the same, but React Native lacks it.
 */
export function toWellFormed(text: string): string {
  return text.search(loneSurrogate) === -1 ? text : text.replace(loneSurrogate, '\uFFFD');
}
