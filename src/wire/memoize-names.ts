/** A name made up at run time is often long, and never seen again. */
const maxNameLength = 128;

/**
 * A function of names that remembers its first results: names of telemetry repeat for ever. Those beyond `maxNames` are
 * computed each time, so that names made up at run time do not fill the memory.
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
