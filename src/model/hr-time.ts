const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;

/** Whether an integer fits into 64 bits, signed. */
export function isInt64(value: bigint): boolean {
  return value >= minInt64 && value <= maxInt64;
}

/**
 * Converts OpenTelemetry's `HrTime` to nanoseconds since 1970, exactly. Seconds and nanoseconds may have any sign and
 * size; their sum counts.
 *
 * @param time - not trusted: the SDK lets `[NaN, NaN]` and `[1, 1.5]` through
 * @returns undefined if it is not a pair of integers or does not fit into 64 bits
 */
export function hrTimeToUnixNano(time: unknown): bigint | undefined {
  if (!Array.isArray(time)) return undefined;
  const [seconds, nanoseconds] = time as unknown[];
  if (typeof seconds !== 'number' || typeof nanoseconds !== 'number') return undefined;
  if (!Number.isInteger(seconds) || !Number.isInteger(nanoseconds)) return undefined;
  const nanos = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
  return isInt64(nanos) ? nanos : undefined;
}
