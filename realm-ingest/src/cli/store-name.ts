/**
 * A store's URL for display: without the password, and without the options, which may hold secrets too (the password of
 * a key file, a session token).
 */
export function storeNameOf(url: string): string {
  if (!/^mongodb/i.test(url)) return url;
  return url.replace(/\?.*$/s, '').replace(/^([^:]*:\/\/)[^/]*@/, '$1…@');
}
