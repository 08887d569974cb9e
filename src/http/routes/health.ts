/** Routes for whoever keeps the service running. */
import { Type } from 'typebox';
import type { App, ServiceParts } from '../app.ts';
import { serviceCloses } from '../machine-store.ts';

const tags = ['health'];
const config = { rateLimit: false };
const STATUS = Type.Object({ status: Type.String() });

export function healthRoutes(app: App, { metrics, isReady }: ServiceParts): void {
  app.get(
    '/healthz',
    { config, schema: { tags, summary: 'Whether the service lives', response: { 200: STATUS } } },
    () => ({ status: 'ok' }),
  );
  app.get(
    '/readyz',
    { config, schema: { tags, summary: 'Whether it takes requests', response: { 200: STATUS } } },
    () => {
      if (!isReady()) throw serviceCloses();
      return { status: 'ready' };
    },
  );
  app.get(
    '/metrics',
    {
      config,
      schema: {
        tags,
        summary: 'Counts and distributions, for Prometheus',
        response: { 200: Type.Unknown() },
      },
    },
    async (_request, reply) => {
      const text = await metrics.text();
      return reply.type(metrics.contentType).send(Buffer.from(text));
    },
  );
}
