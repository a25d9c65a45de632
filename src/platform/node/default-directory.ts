import { homedir, platform } from 'node:os';
import { isAbsolute, join } from 'node:path';

const NAME = 'opentelemetry-exporter-realm';

/** The directory for state of this user: `$XDG_STATE_HOME` or `~/.local/state`, and their like on macOS and Windows. */
export function defaultDirectory(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  system: string = platform(),
  home: string = homedir(),
): string {
  if (system === 'darwin') return join(home, 'Library', 'Application Support', NAME);
  if (system === 'win32') {
    return join(environment.LOCALAPPDATA ?? join(home, 'AppData', 'Local'), NAME);
  }
  // The XDG base directory specification has relative paths ignored.
  const stateHome = environment.XDG_STATE_HOME;
  const base = stateHome !== undefined && isAbsolute(stateHome) ? stateHome : join(home, '.local', 'state');
  return join(base, NAME);
}
