/**
 * A store's URL as it may be shown: without the password, and without the options, which may hold secrets, too
 * (passwords of key files, tokens of sessions).
 */
export function storeNameOf(url: string): string {
  if (!/^mongodb/i.test(url)) return url;
  return url.replace(/\?.*$/s, '').replace(/^([^:]*:\/\/)[^/]*@/, '$1…@');
}
