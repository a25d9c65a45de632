import type {
  AttributesLike,
  HrTimeLike,
  InstrumentationScopeLike,
  ResourceLike,
  SpanContextLike,
} from './readable-span.js';

/**
 * The part of OpenTelemetry's `ReadableLogRecord` that is exported, as a structural type. The types of `sdk-logs` 0.200 and
 * later, 3.x included, are assignable to it; no SDK is imported.
 */
export interface ReadableLogRecordLike {
  readonly hrTime: HrTimeLike;
  readonly hrTimeObserved: HrTimeLike;
  readonly spanContext?: SpanContextLike | undefined;
  readonly severityText?: string | undefined;
  /** OpenTelemetry's `SeverityNumber`. */
  readonly severityNumber?: number | undefined;
  /** OpenTelemetry's `AnyValue`. */
  readonly body?: unknown;
  readonly eventName?: string | undefined;
  readonly resource: ResourceLike;
  readonly instrumentationScope: InstrumentationScopeLike;
  readonly attributes: AttributesLike;
  readonly droppedAttributesCount: number;
}
