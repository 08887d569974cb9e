/** The OpenAPI document, made from the schemas of the routes, at /openapi.json, and a page to read it, at /docs. */
import { createRequire } from 'node:module';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { App } from './app.ts';
import { PROBLEM } from './schemas.ts';

const DESCRIPTION =
  'Machines whose memory is what QEMU calls a region tree. Clients change the tree by transactions, and access memory ' +
  'through the ports of vCPUs that run on threads of their own, without a lock. Addresses in JSON are "0x" and hex ' +
  'digits. What fails is answered with a problem document (RFC 9457).';

export async function describeApi(app: App): Promise<void> {
  const { version } = createRequire(import.meta.url)('flatview/package.json') as { version: string };
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Flatview', version, description: DESCRIPTION },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    },
    transform: ({ schema, url }) => ({ schema: withProblem(schema), url }),
  });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  await app.register(swaggerUi, { routePrefix: '/docs' });
}

/** What every route may answer besides its own. */
function withProblem<T extends { readonly response?: unknown } | undefined>(schema: T): T {
  if (schema === undefined || schema.response === undefined) return schema;
  const problem = { description: 'A problem', content: { 'application/problem+json': { schema: PROBLEM } } };
  return { ...schema, response: { ...(schema.response as object), default: problem } };
}
