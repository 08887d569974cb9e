/**
 * The process that `npm run load` asks: the service with one machine, and beside it an empty Fastify route, which is
 * what no service can be faster than. Sends where both listen, and, asked, its processor time in microseconds; ends
 * with its parent.
 */
import Fastify from 'fastify';
import { Service } from '../../src/http/service.ts';

const MACHINE = 'q35';
const UNLIMITED = 0;

const [, , vcpus = '1'] = process.argv;

const empty = Fastify({ logger: false });
empty.get('/', () => ({ status: 'ok' }));
const service = new Service({ requestsPerSecond: UNLIMITED });
const emptyUrl = await empty.listen({ port: 0, host: '127.0.0.1' });
const serviceUrl = await service.listen(0);
await service.store.create({ machine: MACHINE, id: MACHINE, vcpus: Number(vcpus) });

process.on('disconnect', () => {
  void Promise.all([empty.close(), service.close()]).then(() => process.exit());
});
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.(user + system);
});
process.send?.({ emptyUrl, machineUrl: `${serviceUrl}/v1/machines/${MACHINE}` });
