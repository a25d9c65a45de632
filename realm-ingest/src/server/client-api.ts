/**
 * The App Services client API over HTTP: routes and their answers; also `/healthz`.
 *
 * Source: App Services API, sections 1, 3, 4 and 7.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import createRouter, { type HTTPMethod } from 'find-my-way';
import { AuthError } from '../auth/auth-error.js';
import type { Authenticator } from '../auth/authenticator.js';
import type { Logger } from '../logger.js';
import { ErrorAnswers, errorAnswer, preflightAnswer, sendAnswer, type Answer } from './http-answer.js';
import { bearerTokenOf, readJsonBody } from './http-request.js';
import { toLocationAnswer } from './location.js';

/** What the routes need. */
export interface ClientApiOptions {
  readonly appId: string;
  readonly authenticator: Authenticator;
  /** The origin that clients are told to use. */
  readonly originFor: (request: IncomingMessage) => URL;
  /** Resolves if the server can take uploads now. */
  readonly checkReady: () => Promise<void>;
  /** Whether the server closes. */
  readonly isClosing: () => boolean;
  readonly logger: Logger;
}

type Params = Readonly<Record<string, string | undefined>>;
type Handler = (request: IncomingMessage, params: Params) => Answer | Promise<Answer>;

const apiPath = '/api/client/v2.0';
const appPath = `${apiPath}/app/`;
const methods: readonly HTTPMethod[] = ['GET', 'POST', 'PUT', 'DELETE'];

/** Path of an app's sync socket. */
export function syncPathOf(appId: string): string {
  return `${appPath}${appId}/realm-sync`;
}

export function appNotFound(appId: string): AuthError {
  return new AuthError(404, 'AppNotFound', `cannot find app using Client App ID '${appId.slice(0, 100)}'`);
}

/** Creates the request listener of node:http's server. */
export function createClientApi(
  options: ClientApiOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { authenticator, logger } = options;
  const errorAnswers = new ErrorAnswers(logger, options.isClosing);
  const router = createRouter({
    maxParamLength: 200,
    defaultRoute: (request, response) => {
      void respond('none', request, response, () => unrouted(request));
    },
    onBadUrl: (_path, request, response) => {
      void respond('none', request, response, () => {
        throw new AuthError(400, 'BadRequest', 'the path is not a valid URL path');
      });
    },
  });

  function route(method: HTTPMethod | HTTPMethod[], path: string, handler: Handler): void {
    router.on(method, path, (request, response, params) => {
      void respond(path, request, response, () => {
        if (path.startsWith(appPath) && params.appId !== options.appId) throw appNotFound(params.appId ?? '');
        return handler(request, params);
      });
    });
  }

  route(['GET', 'HEAD'], '/healthz', async () => {
    try {
      await options.checkReady();
      return { status: 200, body: { status: 'ok' } };
    } catch {
      return { status: 503, body: { status: 'unavailable' } };
    }
  });
  route('GET', `${appPath}:appId/location`, (request) => ({
    status: 200,
    body: toLocationAnswer(options.originFor(request)),
  }));
  route('POST', `${appPath}:appId/auth/providers/:provider/login`, async (request, { provider = '' }) => {
    if (isLink(request)) throw new AuthError(400, 'BadRequest', 'this server cannot link credentials');
    return { status: 200, body: await authenticator.login(provider, await readJsonBody(request)) };
  });
  route('GET', `${apiPath}/auth/profile`, async (request) => ({
    status: 200,
    body: await authenticator.profile(accessTokenOf(request)),
  }));
  route('POST', `${apiPath}/auth/session`, async (request) => ({
    status: 200,
    // Without a token: 400, as for anything that is not a token. Only a revoked one gets 401 here.
    body: await authenticator.refresh(bearerTokenOf(request) ?? ''),
  }));
  route('DELETE', `${apiPath}/auth/session`, async (request) => {
    await authenticator.logOut(bearerTokenOf(request) ?? '');
    return { status: 204 };
  });
  route('DELETE', `${apiPath}/auth/delete`, async (request) => {
    await authenticator.deleteUser(accessTokenOf(request));
    return { status: 204 };
  });
  route('POST', `${appPath}:appId/functions/call`, () => {
    throw new AuthError(404, 'FunctionNotFound', 'this server has no functions: it only takes uploads');
  });
  route('OPTIONS', '/api/*', () => preflightAnswer);

  function unrouted(request: IncomingMessage): Answer {
    const [path = ''] = (request.url ?? '').split('?', 1);
    if (path.startsWith(appPath)) {
      const [appId = ''] = path.slice(appPath.length).split('/', 1);
      if (appId !== options.appId) throw appNotFound(appId);
    }
    const allowed = methods.filter((method) => router.find(method, path) !== null);
    if (allowed.length === 0) throw new AuthError(404, 'NotFound', 'this server has no such route');
    return {
      ...errorAnswer(405, 'BadRequest', `this route takes ${allowed.join(', ')}`),
      headers: { Allow: allowed.join(', ') },
    };
  }

  async function respond(
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
    handle: () => Answer | Promise<Answer>,
  ): Promise<void> {
    const begun = performance.now();
    let answer: Answer;
    try {
      answer = await handle();
    } catch (error) {
      answer = errorAnswers.toAnswer(error);
    }
    // The rest of the body is not read.
    if (answer.status === 413) response.setHeader('Connection', 'close');
    sendAnswer(response, answer);
    // The route, never the URL: the URL of a sync connection contains a token.
    logger.debug(
      {
        method: request.method,
        route: path,
        status: answer.status,
        millis: Math.round(performance.now() - begun),
      },
      'request',
    );
  }

  return (request, response) => {
    router.lookup(request, response);
  };
}

function accessTokenOf(request: IncomingMessage): string {
  const token = bearerTokenOf(request);
  if (token === undefined) throw new AuthError(401, 'InvalidSession', 'the request carries no access token');
  return token;
}

/** Section 3, linking. */
function isLink(request: IncomingMessage): boolean {
  return new URLSearchParams((request.url ?? '').split('?', 2)[1]).get('link') === 'true';
}
