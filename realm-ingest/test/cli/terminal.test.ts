import assert from 'node:assert/strict';
import { toPrintable, toTable } from '../../src/cli/terminal.js';

describe('the output of commands', () => {
  it('aligns the columns of tables, without blanks at the end of a line', () => {
    assert.deepEqual(
      toTable([
        ['ID', 'USER'],
        ['1', 'kiosk'],
        ['1234', ''],
      ]),
      ['ID    USER', '1     kiosk', '1234'],
    );
  });

  it('replaces control characters of clients', () => {
    assert.equal(toPrintable('\u001b[2Jevil\r\nline\u202etxt\u009b'), '�[2Jevil��line�txt�');
    assert.equal(toPrintable('Größe 測定 😀'), 'Größe 測定 😀');
  });
});
