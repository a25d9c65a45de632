import { encodeCharacter } from 'opentelemetry-exporter-realm/wire';

/**
 * A free field name for a value that must not be lost: its own name, or, if that is taken or reserved (as `ingest`), the
 * name with its first character percent-encoded (`%69ngest`, `%2569ngest`, …) until it is free.
 */
export function claimField(name: string, isTaken: (name: string) => boolean): string {
  let claimed = name;
  while (isTaken(claimed)) claimed = claimed === '' ? '%' : encodeCharacter(claimed) + claimed.slice(1);
  return claimed;
}
