/**
 * json_error: tells a client what went wrong, and what to do about it.
 *
 * Source: sync protocol, section 7.
 *
 * @module
 */
import { demand, encodeMessage } from './message-bytes.js';
import type { Backoff, ServerErrorMessage } from './messages.js';
import { scopeOfWireCode } from './wire-codes.js';

/**
 * Encodes `json_error <code> <size> S\n` + JSON with every key that clients require; a missing one is fatal to them.
 *
 * @throws RangeError for a code that is not sent (some abort clients), one that does not fit the session ident, an
 * action that does not fit `tryAgain`, or a back-off that is not made of whole numbers
 */
export function encodeServerError(message: ServerErrorMessage): Uint8Array {
  const { code, sessionIdent, tryAgain, action, backoff } = message;
  const scope = scopeOfWireCode(code);
  demand(scope !== undefined, `json_error: no code ${code}`);
  demand((scope === 'connection') === (sessionIdent === 0), `json_error: ${code} concerns the ${scope}`);
  // Clients of different versions disagree about the other combinations.
  demand(
    tryAgain === (action === 'Transient'),
    'json_error: try again with Transient, and with nothing else',
  );
  demand(backoff === undefined || tryAgain, 'json_error: a back-off only where the client is to try again');
  const body = {
    tryAgain,
    message: message.message,
    logURL: '',
    shouldClientReset: false,
    isRecoveryModeDisabled: false,
    action,
    ...(backoff && backoffKeys(backoff)),
  };
  return encodeMessage(['json_error', code, sessionIdent], JSON.stringify(body), 2);
}

/** All three or none: some only are fatal. */
function backoffKeys({ intervalSeconds, maxDelaySeconds, multiplier }: Backoff): Record<string, number> {
  for (const value of [intervalSeconds, maxDelaySeconds, multiplier]) {
    demand(
      Number.isInteger(value) && value >= 0 && value < 2 ** 31,
      'json_error: back-off in whole numbers from 0 on',
    );
  }
  demand(multiplier >= 1, 'json_error: back-off multiplier from 1 on');
  return {
    backoffIntervalSec: intervalSeconds,
    backoffMaxDelaySec: maxDelaySeconds,
    backoffMultiplier: multiplier,
  };
}
