/**
 * Where clients are told to go; App Services API, section 1.1.
 *
 * @module
 */

/** Answer to a location request. All four are required by some client. */
export interface LocationAnswer {
  readonly deployment_model: string;
  readonly location: string;
  /** Scheme, host and port for HTTP, without a slash at the end. */
  readonly hostname: string;
  /** The same for the socket. */
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
 * An origin as users write it: `https://telemetry.example.com`. Undefined if it is no http or https URL, or has more
 * than scheme, host and port.
 */
export function parseOrigin(text: string): URL | undefined {
  if (!/^https?:\/\/[^/?#@\\\s]+\/?$/i.test(text) || !URL.canParse(text)) return undefined;
  return new URL(text);
}

/**
 * The origin by which a client asked: it reached us there once, so it will again, through port mappings and tunnels
 * too. Undefined if its `Host` header is missing or nonsense.
 */
export function originOfHost(scheme: 'http' | 'https', hostHeader: string | undefined): URL | undefined {
  return hostHeader === undefined ? undefined : parseOrigin(`${scheme}://${hostHeader}`);
}

/** The origin of an address that is listened on. */
export function originOfAddress(scheme: 'http' | 'https', host: string, port: number): URL {
  return new URL(`${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`);
}

/** Whether only programs of this machine reach a host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
