/**
 * The metrics of an exporter about itself: OpenTelemetry's `otel.sdk.exporter.*`.
 *
 * Source: https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/
 *
 * @module
 */
import type { Attributes, Counter, Histogram, Meter, MeterProvider, UpDownCounter } from '@opentelemetry/api';
import type { ErrorCode, ExporterError } from '../errors.js';
import { packageVersion } from '../version.js';
import { describeCause } from '../connection-error.js';
import type { Diagnostics } from '../diagnostics.js';

/** The signal, as it stands in the metrics' names. */
export type Signal = 'span' | 'log';

const signals = {
  span: { unit: '{span}', items: 'spans' },
  log: { unit: '{log_record}', items: 'log records' },
} as const;

const METER_NAME = 'opentelemetry-exporter-realm';

/** The outcome of one export. Items that are in neither count are stored. */
export interface ExportOutcome {
  /** Items that cannot be mapped. They are dropped; the export does not fail because of them. */
  readonly unmappable: number;
  /** Items that were not stored. */
  readonly failed: number;
  /** Why they were not stored. Present if and only if the export failed. */
  readonly error?: ExporterError;
}

/** Exporters of each type that have metrics. The number is part of the name, which is the same after a restart. */
const instances = new Map<string, number>();

/** The instruments of one exporter. No method throws, whatever the app's meter does. */
export class ExporterMetrics {
  readonly #attributes: Attributes;
  readonly #diagnostics: Diagnostics;
  readonly #inflight: UpDownCounter;
  readonly #exported: Counter;
  readonly #duration: Histogram;

  private constructor(component: string, signal: Signal, meter: Meter, diagnostics: Diagnostics) {
    const { unit, items } = signals[signal];
    const instance = instances.get(component) ?? 0;
    instances.set(component, instance + 1);
    this.#attributes = {
      'otel.component.type': component,
      'otel.component.name': `${component}/${instance}`,
    };
    this.#diagnostics = diagnostics;
    this.#inflight = meter.createUpDownCounter(`otel.sdk.exporter.${signal}.inflight`, {
      unit,
      description: `The number of ${items} which were passed to the exporter, but that have not been exported yet (neither successful, nor failed).`,
    });
    this.#exported = meter.createCounter(`otel.sdk.exporter.${signal}.exported`, {
      unit,
      description: `The number of ${items} for which the export has finished, either successful or failed.`,
    });
    this.#duration = meter.createHistogram('otel.sdk.exporter.operation.duration', {
      unit: 's',
      description: 'The duration of exporting a batch of telemetry records.',
      // Sum and count only, as in the SDK's own exporters. A view of the app can add buckets.
      advice: { explicitBucketBoundaries: [] },
    });
  }

  /**
   * Creates the instruments of an exporter. If the meter provider throws, that is logged and nothing is measured.
   *
   * @param component - the exporter's class: the type of the component and the first part of its name
   */
  static of(
    component: string,
    signal: Signal,
    meterProvider: MeterProvider,
    diagnostics: Diagnostics,
  ): ExporterMetrics | undefined {
    try {
      const meter = meterProvider.getMeter(METER_NAME, packageVersion);
      return new ExporterMetrics(component, signal, meter, diagnostics);
    } catch (error) {
      diagnostics.report('warn', 'metrics', `nothing is measured: ${describeCause(error)}`);
      return undefined;
    }
  }

  /**
   * Counts items as in flight.
   *
   * @returns a function to call once, with the outcome
   */
  start(count: number): (outcome: ExportOutcome) => void {
    const startMillis = performance.now();
    this.#record(() => {
      this.#inflight.add(count, this.#attributes);
    });
    return (outcome) => {
      this.#record(() => {
        this.#end(count, performance.now() - startMillis, outcome);
      });
    };
  }

  #end(count: number, millis: number, { unmappable, failed, error }: ExportOutcome): void {
    this.#inflight.add(-count, this.#attributes);
    this.#count(count - unmappable - failed);
    this.#count(unmappable, 'unmappable-record');
    this.#count(failed, error?.code);
    this.#duration.record(millis / 1000, this.#with(error?.code));
  }

  #count(items: number, errorType?: ErrorCode): void {
    if (items > 0) this.#exported.add(items, this.#with(errorType));
  }

  #with(errorType: ErrorCode | undefined): Attributes {
    return errorType === undefined ? this.#attributes : { ...this.#attributes, 'error.type': errorType };
  }

  #record(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#diagnostics.report('warn', 'metrics', `an export was not measured: ${describeCause(error)}`);
    }
  }
}
