/**
 * The part of OpenTelemetry's `ReadableSpan` that is exported, as structural types. The types of `sdk-trace-base` 2.x and
 * `sdk-trace` 3.x are assignable to them; no SDK is imported.
 *
 * @module
 */

/** OpenTelemetry's `HrTime`: seconds and nanoseconds, whose sum counts. */
export type HrTimeLike = readonly [seconds: number, nanoseconds: number];

/**
 * OpenTelemetry's `Attributes`. The values may differ from the SDK's types: spans of 2.x promise flat values, logs and 3.x
 * accept any value.
 */
export type AttributesLike = Readonly<Record<string, unknown>>;

/** OpenTelemetry's `SpanContext`. */
export interface SpanContextLike {
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** 16 lower-case hex digits. */
  readonly spanId: string;
  /** W3C trace flags, 8 bits. */
  readonly traceFlags: number;
  readonly isRemote?: boolean | undefined;
  readonly traceState?: { serialize(): string } | undefined;
}

/** OpenTelemetry's `Resource`. */
export interface ResourceLike {
  readonly attributes: AttributesLike;
  readonly schemaUrl?: string | undefined;
  /** Whether `attributes` still lacks asynchronously detected ones; see `waitForAsyncAttributes`. */
  readonly asyncAttributesPending?: boolean | undefined;
  waitForAsyncAttributes?(): Promise<void>;
}

/** OpenTelemetry's `InstrumentationScope`. Only scopes of loggers have attributes. */
export interface InstrumentationScopeLike {
  readonly name: string;
  readonly version?: string | undefined;
  readonly schemaUrl?: string | undefined;
  readonly attributes?: AttributesLike | undefined;
  readonly droppedAttributesCount?: number | undefined;
}

/** OpenTelemetry's `TimedEvent`. */
export interface TimedEventLike {
  readonly name: string;
  readonly time: HrTimeLike;
  readonly attributes?: AttributesLike | undefined;
  readonly droppedAttributesCount?: number | undefined;
}

/** OpenTelemetry's `Link`. */
export interface LinkLike {
  readonly context: SpanContextLike;
  readonly attributes?: AttributesLike | undefined;
  readonly droppedAttributesCount?: number | undefined;
}

/** OpenTelemetry's `ReadableSpan`. `duration` is not read: it is end minus start, exactly. */
export interface ReadableSpanLike {
  readonly name: string;
  /** OpenTelemetry's `SpanKind`. */
  readonly kind: number;
  spanContext(): SpanContextLike;
  readonly parentSpanContext?: SpanContextLike | undefined;
  readonly startTime: HrTimeLike;
  readonly endTime: HrTimeLike;
  /** OpenTelemetry's `SpanStatus`; `code` is a `SpanStatusCode`. */
  readonly status: { readonly code: number; readonly message?: string | undefined };
  readonly attributes: AttributesLike;
  readonly links: readonly LinkLike[];
  readonly events: readonly TimedEventLike[];
  readonly resource: ResourceLike;
  readonly instrumentationScope: InstrumentationScopeLike;
  readonly droppedAttributesCount: number;
  readonly droppedEventsCount: number;
  readonly droppedLinksCount: number;
}
