/**
 * Problem documents (RFC 9457): what every request that fails is answered with. A guest's failed access is no
 * problem: it is a result.
 */

import { STATUS_CODES } from 'node:http';
import type { MemoryError, MemoryErrorCode } from '../base/errors.ts';

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** What goes wrong at the service's own door; codes of MemoryError come from further in. */
export type ServiceCode =
  | 'HOST_REFUSED'
  | 'INTERNAL_ERROR'
  | 'INVALID_REQUEST'
  | 'MACHINES_EXHAUSTED'
  | 'MACHINE_EXISTS'
  | 'MACHINE_UNKNOWN'
  | 'NOT_FOUND'
  | 'RATE_LIMITED'
  | 'REGION_EXISTS'
  | 'REGION_UNKNOWN'
  | 'SERVICE_BUSY'
  | 'SERVICE_CLOSING'
  | 'STREAMS_EXHAUSTED'
  | 'TOKEN_REQUIRED'
  | 'VCPUS_EXHAUSTED'
  | 'VCPU_UNKNOWN';

export interface Problem {
  /** A URI that names the kind: `urn:flatview:problem:` and the code in small letters. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly requestId: string;
}

/** A request that cannot be served, with the status that says why. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly code: ServiceCode;
  readonly statusCode: number;

  constructor(statusCode: number, code: ServiceCode, detail: string) {
    super(detail);
    this.statusCode = statusCode;
    this.code = code;
  }
}

export const problemOf = (status: number, code: string, detail: string, requestId: string): Problem => ({
  type: `urn:flatview:problem:${code.toLowerCase().replaceAll('_', '-')}`,
  title: STATUS_CODES[status] ?? 'Unknown Status',
  ...{ status, detail, code, requestId },
});

/** Codes that are not a conflict with what is there, which the rest is. */
const STATUSES: Partial<Record<MemoryErrorCode, number>> = {
  ADDRESS_SPACE_UNKNOWN: 404,
  BACK_PRESSURE: 503,
  INVALID_ARGUMENT: 422,
  INVALID_FLAT_TEXT: 422,
  INVALID_LAYOUT: 422,
  INVALID_MTREE_TEXT: 422,
  RENDER_TOO_DEEP: 422,
  RENDER_TOO_LARGE: 422,
  ARENA_FULL: 507,
  ADDRESS_SPACES_EXHAUSTED: 507,
  RAM_EXHAUSTED: 507,
  VCPU_SLOTS_EXHAUSTED: 507,
  MACHINE_CLOSED: 404,
  VCPU_FAILED: 503,
};

export const statusOf = ({ code }: MemoryError): number => STATUSES[code] ?? 409;

/** The message without the code that MemoryError puts in front of it. */
export const detailOf = ({ code, message }: MemoryError): string =>
  message.startsWith(`${code}: `) ? message.slice(code.length + 2) : message;
