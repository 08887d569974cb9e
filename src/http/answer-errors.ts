/** Turns whatever a request fails with into a problem document. What is a fault of ours is logged, not told. */
import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { MemoryError } from '../base/errors.ts';
import type { App } from './app.ts';
import { detailOf, PROBLEM_TYPE, type Problem, problemOf, ServiceError, statusOf } from './problem.ts';

const RETRY_AFTER_SECONDS = 1;

export function answerErrors(app: App): void {
  app.setErrorHandler((error: FastifyError, request, reply) => sendProblem(error, request, reply));
  app.setNotFoundHandler((request, reply) => {
    const detail = `there is no ${request.method} ${request.url.split('?', 1)[0]}; see /docs`;
    return sendProblem(new ServiceError(404, 'NOT_FOUND', detail), request, reply);
  });
}

export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = problemFrom(error, request.id);
  if (problem.status >= 500 && problem.code === 'INTERNAL_ERROR')
    request.log.error({ err: error }, 'a fault of ours');
  if (problem.status === 503 || problem.status === 429) reply.header('retry-after', RETRY_AFTER_SECONDS);
  // As a buffer: no serializer of the route's own answers is asked for.
  return reply
    .code(problem.status)
    .type(PROBLEM_TYPE)
    .send(Buffer.from(JSON.stringify(problem)));
}

function problemFrom(error: unknown, requestId: string): Problem {
  if (error instanceof ServiceError) return problemOf(error.statusCode, error.code, error.message, requestId);
  if (error instanceof MemoryError) return problemOf(statusOf(error), error.code, detailOf(error), requestId);
  const { statusCode = 500, message } = error as Partial<FastifyError>;
  if (statusCode < 400 || statusCode >= 500) {
    return problemOf(
      500,
      'INTERNAL_ERROR',
      'the service failed; its log has this request by its id',
      requestId,
    );
  }
  return problemOf(
    statusCode,
    codeOfStatus(statusCode),
    message ?? 'the request cannot be served',
    requestId,
  );
}

const codeOfStatus = (status: number): string => (status === 413 ? 'BODY_TOO_LARGE' : 'INVALID_REQUEST');

/** What is no HTTP at all, or too slow, is answered as far as it can be, and its connection ends. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const status =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
  const problem = problemOf(status, 'INVALID_REQUEST', 'this is no HTTP request that can be read', '');
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${status} ${problem.title}\r\ncontent-type: ${PROBLEM_TYPE}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
