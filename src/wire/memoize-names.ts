/** Names made at run time are often long and occur once. */
const maxNameLength = 128;

/**
 * Caches the results of a function of names, because telemetry repeats the same names. Once `maxNames` results are cached,
 * other names are computed each time, so that names made at run time do not fill the memory.
 */
export function memoizeNames<T extends string | readonly string[]>(
  compute: (name: string) => T,
  maxNames: number,
): (name: string) => T {
  const results = new Map<string, T>();
  return (name) => {
    const known = results.get(name);
    if (known !== undefined) return known;
    const result = compute(name);
    if (results.size < maxNames && name.length <= maxNameLength) results.set(name, result);
    return result;
  };
}
