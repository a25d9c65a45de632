/**
 * The URLs that clients are told to use; App Services API, section 1.1.
 *
 * @module
 */

/** The answer to a location request. Some client needs each of the four. */
export interface LocationAnswer {
  readonly deployment_model: string;
  readonly location: string;
  /** Scheme, host and port for HTTP, without a slash at the end. */
  readonly hostname: string;
  /** The same for the WebSocket. */
  readonly ws_hostname: string;
}

export function toLocationAnswer(origin: URL): LocationAnswer {
  const secure = origin.protocol === 'https:';
  return {
    deployment_model: 'GLOBAL',
    location: 'US-VA',
    hostname: `${origin.protocol}//${origin.host}`,
    ws_hostname: `${secure ? 'wss' : 'ws'}://${origin.host}`,
  };
}

/**
 * An origin as users write it: `https://telemetry.example.com`. Undefined if it is not an http or https URL, or has more
 * than scheme, host and port.
 */
export function parseOrigin(text: string): URL | undefined {
  if (!/^https?:\/\/[^/?#@\\\s]+\/?$/i.test(text) || !URL.canParse(text)) return undefined;
  return new URL(text);
}

/**
 * The origin that a client asked. It works for that client again, also through port mappings and tunnels. Undefined if the
 * `Host` header is missing or not valid.
 */
export function originOfHost(scheme: 'http' | 'https', hostHeader: string | undefined): URL | undefined {
  return hostHeader === undefined ? undefined : parseOrigin(`${scheme}://${hostHeader}`);
}

/** The origin of an address that a server listens on. */
export function originOfAddress(scheme: 'http' | 'https', host: string, port: number): URL {
  return new URL(`${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`);
}

/** Whether only programs on this machine can reach a host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
