import { encodeCharacter } from 'opentelemetry-exporter-realm/wire';

/**
 * The name under which something goes into a map that must lose nothing: its own, or, where that is the server's (as
 * `ingest`) or taken, with its first character percent-encoded (`%69ngest`, `%2569ngest`, …) until it is free.
 */
export function claimField(name: string, isTaken: (name: string) => boolean): string {
  let claimed = name;
  while (isTaken(claimed)) claimed = claimed === '' ? '%' : encodeCharacter(claimed) + claimed.slice(1);
  return claimed;
}
