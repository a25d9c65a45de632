/** The codes of OpenTelemetry's `ExportResultCode`. */
export const ExportResultCode = { SUCCESS: 0, FAILED: 1 } as const;

/**
 * OpenTelemetry's `ExportResult`, structurally: no SDK package has to be installed for our types.
 *
 * `code` 0 (SUCCESS): every record that can be stored is committed to the local file. `code` 1 (FAILED): records were
 * not stored; `error` says how many and why.
 */
export interface ExportResult {
  code: 0 | 1;
  error?: Error;
}
