/**
 * json_error: tells a client what went wrong and what to do.
 *
 * Source: sync protocol, section 7.
 *
 * @module
 */
import { demand, encodeMessage } from './message-bytes.js';
import type { Backoff, ServerErrorMessage } from './messages.js';
import { scopeOfWireCode } from './wire-codes.js';

/**
 * Encodes `json_error <code> <size> S\n` + JSON with every key that clients require; a missing key crashes them.
 *
 * @throws RangeError if the code is unknown here (some codes abort clients) or does not match the session ident, the
 *   action does not match `tryAgain`, or the back-off is not in whole numbers
 */
export function encodeServerError(message: ServerErrorMessage): Uint8Array {
  const { code, sessionIdent, tryAgain, action, backoff } = message;
  const scope = scopeOfWireCode(code);
  demand(scope !== undefined, `json_error: code ${code} is never sent`);
  demand((scope === 'connection') === (sessionIdent === 0), `json_error: ${code} concerns the ${scope}`);
  // Client versions disagree about all other combinations.
  demand(
    tryAgain === (action === 'Transient'),
    'json_error: tryAgain goes with Transient and with no other action',
  );
  demand(backoff === undefined || tryAgain, 'json_error: a back-off needs tryAgain');
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

/** All three keys or none: clients crash if only some are there. */
function backoffKeys({ intervalSeconds, maxDelaySeconds, multiplier }: Backoff): Record<string, number> {
  for (const value of [intervalSeconds, maxDelaySeconds, multiplier]) {
    demand(
      Number.isInteger(value) && value >= 0 && value < 2 ** 31,
      'json_error: back-off values are whole numbers from 0',
    );
  }
  demand(multiplier >= 1, 'json_error: the back-off multiplier is at least 1');
  return {
    backoffIntervalSec: intervalSeconds,
    backoffMaxDelaySec: maxDelaySeconds,
    backoffMultiplier: multiplier,
  };
}
