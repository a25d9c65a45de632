import xhr2 from 'xhr2';
import { untraced } from './untraced.mjs';

/** XMLHttpRequest for the WebAssembly engine's calls of the App Services API. */
export class EngineXmlHttpRequest extends xhr2.XMLHttpRequest {
  send(body) {
    untraced(() => super.send(body));
  }
}
