/** The Fastify instance as routes see it: its types come from their schemas. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { MachineStore } from './machine-store.ts';
import type { ServiceMetrics } from './service-metrics.ts';
import type { ServiceLimits } from './service-options.ts';

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** What routes work on. */
export interface ServiceParts {
  readonly limits: ServiceLimits;
  readonly store: MachineStore;
  readonly metrics: ServiceMetrics;
  /** False once the service is closing. */
  isReady(): boolean;
}

/** Options of routes that take much of the control thread's time. */
export const dear = ({ limits }: ServiceParts): { readonly config: object } =>
  limits.dearRequestsPerSecond === 0
    ? { config: {} }
    : { config: { rateLimit: { max: limits.dearRequestsPerSecond, timeWindow: 1000, groupId: 'dear' } } };
