/**
 * The output of commands.
 *
 * @module
 */
import { once } from 'node:events';

/** Prints one line on stdout. Waits for a slow reader. */
export async function print(line: string): Promise<void> {
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain');
}

/** Prints one line on stderr. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Whether a write failed because the reader closed the pipe (`realm-ingest export … | head`). */
export function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'EPIPE';
}

/** Aligns columns. Control characters are replaced: they come from clients, and terminals obey them. */
export function toTable(rows: readonly (readonly string[])[]): string[] {
  const shown = rows.map((row) => row.map(toPrintable));
  const widths = (shown[0] ?? []).map((_, column) =>
    Math.max(...shown.map((row) => row[column]?.length ?? 0)),
  );
  return shown.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

export function toPrintable(text: string): string {
  return text.replace(/\p{Cc}|\p{Cf}/gu, '\u{fffd}');
}
