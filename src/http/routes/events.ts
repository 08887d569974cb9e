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
        summary: 'Commits, what they change, readers, grace periods and throughput (text/event-stream)',
        description: EVENTS,
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

const EVENTS = `Addresses are "0x" and hex digits, \`last\` is inclusive, times are in microseconds.

Every 100 ms, where there is something to tell:
- \`commits\` {count, commits: the newest 16}
- \`delta\` {commit, addressSpaces: [{addressSpace, windows, ranges, complete}]}: in \`windows\`, \`ranges\` are what answers
  now, and nothing between them; not complete: ask for …/views
- \`regions\` {commit, regions, complete}: those whose fields changed; not complete: some came, went or were mapped: ask for …/regions
- \`grace\` {count, p50Us, p99Us, maxUs}: grace periods that ended
- \`readers\` {readers, retiredBytes}: how far each vCPU is, and what waits

Every 500 ms: \`throughput\` {accessesPerSecond, loadAccessesPerSecond, publicationsPerSecond, readers, liveBytes,
retiredBytes, churn, loadVcpus}.

As it happens: \`period\` {commit, cause, generation, elapsedUs, samples, readers: [{id, heldUs, passedUs, how}], waitingBytes,
freedUs, isOver}: one grace period at a time, followed by looking at every vCPU's announcement again and again. A vCPU was last
seen to hold the old layout \`heldUs\` after the commit, and first seen to have let go after \`passedUs\`, null while it has not; \`how\`:
announced, offline or gone. Told when it ends, and while it lasts.

\`missed\` {count}: events that this client did not take in time. \`end\` {}: the machine or the service ends.`;
