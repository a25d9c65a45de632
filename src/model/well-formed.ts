/** With the `u` flag a surrogate pair is one code point: this matches lone surrogates only. */
const loneSurrogate = /[\uD800-\uDFFF]/gu;

/**
 * A text in well-formed Unicode: each lone surrogate becomes U+FFFD. UTF-8, and so BSON and Realm, have no form for one.
 *
 * `String.prototype.toWellFormed` does the same, but not in React Native.
 */
export function toWellFormed(text: string): string {
  return text.search(loneSurrogate) === -1 ? text : text.replace(loneSurrogate, '\uFFFD');
}
