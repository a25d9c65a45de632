/** The codes of OpenTelemetry's `ExportResultCode`. */
export const ExportResultCode = { SUCCESS: 0, FAILED: 1 } as const;

/**
 * OpenTelemetry's `ExportResult` as a structural type, so that our types need no SDK package.
 *
 * `code` 0 (SUCCESS): every record that can be mapped is committed to the local file. `code` 1 (FAILED): records were
 * not stored; `error` says how many and why.
 */
export interface ExportResult {
  code: 0 | 1;
  error?: Error;
}
