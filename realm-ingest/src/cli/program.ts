/**
 * The command line: its commands, its exit codes, and how errors are told.
 *
 * @module
 */
import { Command, CommanderError } from 'commander';
import { InvalidOptionError, RealmTelemetryError } from 'opentelemetry-exporter-realm/wire';
import { packageVersion } from '../version.js';
import { addDeadLettersCommand } from './dead-letters-command.js';
import { exitCodes } from './exit-codes.js';
import { addExportCommand } from './export-command.js';
import { addKeysCommand } from './keys-command.js';
import { addSecretCommand } from './secret-command.js';
import { addServeCommand } from './serve-command.js';
import { isBrokenPipe, note } from './terminal.js';

/**
 * Runs one command.
 *
 * @param args - without the program's name
 * @returns the exit code: 0, 1 where the command failed, 2 where it was called wrongly
 */
export async function runProgram(args: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync(args, { from: 'user' });
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof CommanderError) return exitCodeOf(error);
    if (isBrokenPipe(error)) return exitCodes.ok;
    if (error instanceof InvalidOptionError) {
      note(`realm-ingest: ${withFlag(error)}`);
      return exitCodes.usage;
    }
    // What we foresaw is told in a line; what we did not, with all that helps to find it.
    note(`realm-ingest: ${RealmTelemetryError.isError(error) ? error.message : stackOf(error)}`);
    return exitCodes.failure;
  }
}

function createProgram(): Command {
  const program = new Command('realm-ingest')
    .description(
      'A Device Sync server for Data Ingest: keeps what Realm clients write to asymmetric classes.',
    )
    .version(packageVersion)
    // Before the commands are added: they inherit it.
    .exitOverride()
    .showHelpAfterError('(--help tells more)');
  addServeCommand(program);
  addExportCommand(program);
  addKeysCommand(program);
  addDeadLettersCommand(program);
  addSecretCommand(program);
  return program;
}

/** Commander has printed help, version, or what was wrong. Its own codes are 1; `commander.error` is a command's. */
function exitCodeOf({ code, exitCode }: CommanderError): number {
  return exitCode === 0 || code === 'commander.error' ? exitCode : exitCodes.usage;
}

/** The library names options as in code; whoever reads this wrote them as flags. */
function withFlag({ option, message }: InvalidOptionError): string {
  const flag = `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  return message.replace(`: ${option} is `, `: ${flag} is `);
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
