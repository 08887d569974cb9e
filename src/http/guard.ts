/**
 * Who may ask. With a token: whoever carries it. Without one the service listens on loopback, where everyone on this
 * computer may ask, but no web page that a browser has open: such a request names another host or origin.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ServiceError } from './problem.ts';

/** Refuses a request by throwing. */
export type Guard = (request: FastifyRequest, reply: FastifyReply) => void;

/** Whether only this computer can reach a service that listens there. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);

export const guardFor = (token: string | undefined): Guard =>
  token === undefined ? refuseForeignPages : tokenGuard(token);

/** What has to be asked without a token: whether the service lives, and the page that asks for the rest. */
const isOpen = (url: string): boolean => !url.startsWith('/v1/') && !url.startsWith('/metrics');

function tokenGuard(token: string): Guard {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const due = digest(`Bearer ${token}`);
  return (request, reply) => {
    if (isOpen(request.url)) return;
    if (timingSafeEqual(digest(request.headers.authorization ?? ''), due)) return;
    reply.header('www-authenticate', 'Bearer');
    throw new ServiceError(401, 'TOKEN_REQUIRED', 'carry the token: Authorization: Bearer …');
  };
}

const refuseForeignPages: Guard = ({ headers }) => {
  const { host, origin } = headers;
  if (host !== undefined && !isLoopback(host.replace(/:\d+$/, '')))
    throw new ServiceError(
      421,
      'HOST_REFUSED',
      `this service answers for this computer only, not for '${host}'`,
    );
  if (origin !== undefined && origin !== `http://${host}`)
    throw new ServiceError(403, 'HOST_REFUSED', `pages of '${origin}' may not ask this service`);
};
