/**
 * The command line: its commands, its exit codes, and how errors are printed.
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
 * @returns the exit code: 0; 1 if the command failed; 2 if it was called wrongly
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
    // Errors of our own take one line; unexpected errors show their stack.
    note(`realm-ingest: ${RealmTelemetryError.isError(error) ? error.message : stackOf(error)}`);
    return exitCodes.failure;
  }
}

function createProgram(): Command {
  const program = new Command('realm-ingest')
    .description(
      'A Device Sync server for Data Ingest: stores the asymmetric objects that Realm clients upload.',
    )
    .version(packageVersion)
    // Before the commands are added: they inherit it.
    .exitOverride()
    .showHelpAfterError('(see --help)');
  addServeCommand(program);
  addExportCommand(program);
  addKeysCommand(program);
  addDeadLettersCommand(program);
  addSecretCommand(program);
  return program;
}

/** Commander has already printed its message. It ends wrong calls with 1; `commander.error` comes from our commands. */
function exitCodeOf({ code, exitCode }: CommanderError): number {
  return exitCode === 0 || code === 'commander.error' ? exitCode : exitCodes.usage;
}

/** Errors name options as in code; users of the command line know them as flags. */
function withFlag({ option, message }: InvalidOptionError): string {
  const flag = `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  return message.replace(`: ${option} is `, `: ${flag} is `);
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
