/** An array's elements in pages of at most `size`, one command each. */
export function* pages<T>(elements: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < elements.length; start += size) yield elements.slice(start, start + size);
}
