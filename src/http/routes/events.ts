/** The stream of a machine's events: server-sent events, until the client goes, or the machine or service ends. */
import { PassThrough } from 'node:stream';
import type { App, ServiceParts } from '../app.ts';
import { ServiceError } from '../problem.ts';
import { MachineParams } from '../schemas.ts';

/** Bytes that wait for a client that does not read; past them events are left out. */
const BACKLOG_BYTES = 64 * 1024;

export function eventRoutes(app: App, parts: ServiceParts): void {
  let open = 0;
  app.get(
    '/v1/machines/:id/events',
    {
      exposeHeadRoute: false,
      schema: {
        tags: ['events'],
        summary: 'Commits, deltas, grace periods and throughput as they happen (text/event-stream)',
        description:
          'Events: commits {count, commits}, delta {commit, addressSpaces: [{windows, ranges, complete}]}, ' +
          'grace {count, p50Us, p99Us, maxUs}, throughput {accessesPerSecond, loadAccessesPerSecond, ' +
          'publicationsPerSecond, readers, liveBytes, retiredBytes, churn, loadVcpus}, missed {count}, end {}.',
        params: MachineParams,
      },
    },
    (request, reply) => {
      const served = parts.store.get(request.params.id);
      if (open >= parts.limits.streams) {
        const detail = `${parts.limits.streams} clients watch already, which is the limit; try again later`;
        throw new ServiceError(503, 'STREAMS_EXHAUSTED', detail);
      }
      const stream = new PassThrough({ highWaterMark: BACKLOG_BYTES });
      const end = (): void => {
        stream.end('event: end\ndata: {}\n\n');
      };
      const tell = (text: string): boolean => {
        if (stream.writableNeedDrain) return false;
        stream.write(text);
        return true;
      };
      const unwatch = served.events.watch(tell, end);
      open += 1;
      stream.once('close', () => {
        open -= 1;
        unwatch();
      });
      reply.raw.once('close', () => stream.destroy());
      stream.write(`retry: 1000\n\n`);
      return reply
        .type('text/event-stream; charset=utf-8')
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        .send(stream);
    },
  );
}
