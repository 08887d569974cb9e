/** The face of `flatview/service`: the HTTP service, to be run inside a program of one's own. It loads Fastify. */
export { Service } from './http/service.ts';
export type { ServiceLimits, ServiceOptions } from './http/service-options.ts';
