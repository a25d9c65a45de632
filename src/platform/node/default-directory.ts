import { homedir, platform } from 'node:os';
import { isAbsolute, join } from 'node:path';

const NAME = 'opentelemetry-exporter-realm';

/** The user's directory for state: `$XDG_STATE_HOME` or `~/.local/state`, and its counterparts on macOS and Windows. */
export function defaultDirectory(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  system: string = platform(),
  home: string = homedir(),
): string {
  if (system === 'darwin') return join(home, 'Library', 'Application Support', NAME);
  if (system === 'win32') {
    return join(environment.LOCALAPPDATA ?? join(home, 'AppData', 'Local'), NAME);
  }
  // The XDG Base Directory Specification says to ignore relative paths.
  const stateHome = environment.XDG_STATE_HOME;
  const base = stateHome !== undefined && isAbsolute(stateHome) ? stateHome : join(home, '.local', 'state');
  return join(base, NAME);
}
