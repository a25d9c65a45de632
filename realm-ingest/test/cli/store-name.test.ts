import assert from 'node:assert/strict';
import { storeNameOf } from '../../src/cli/store-name.js';

describe('storeNameOf', () => {
  const names: readonly [string, string][] = [
    ['sqlite:a b?c@d.db', 'sqlite:a b?c@d.db'],
    ['mongodb://host:27017/telemetry', 'mongodb://host:27017/telemetry'],
    ['mongodb://u:secret@a:1,b:2/telemetry?replicaSet=rs', 'mongodb://…@a:1,b:2/telemetry'],
    ['mongodb+srv://u:sec@ret@host/telemetry', 'mongodb+srv://…@host/telemetry'],
    ['MongoDB://u:secret@host/telemetry', 'MongoDB://…@host/telemetry'],
    ['mongodb://host/telemetry?tlsCertificateKeyFilePassword=secret', 'mongodb://host/telemetry'],
    ['mongodb://host/t?authMechanismProperties=AWS_SESSION_TOKEN:secret/@', 'mongodb://host/t'],
  ];
  for (const [url, name] of names) {
    it(`${url.replaceAll(/sec\W?ret/g, '***')} → ${name}`, () => {
      assert.equal(storeNameOf(url), name);
    });
  }
});
