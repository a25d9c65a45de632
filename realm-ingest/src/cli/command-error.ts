import { IngestError } from '../errors.js';

/** A command names something that does not exist. */
export class CommandError extends IngestError {}
