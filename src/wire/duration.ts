const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/**
 * Parses a duration: a whole number of at most nine digits and a unit, as in `45s`, `90m`, `12h` or `30d`.
 *
 * @returns seconds; undefined for any other text
 */
export function parseDurationSeconds(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const seconds = unitSeconds[unit];
  return seconds === undefined ? undefined : Number(count) * seconds;
}
