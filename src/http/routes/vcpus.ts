/** Routes that steer single vCPUs: to see that a machine goes on without them. */
import { Type } from 'typebox';
import { type App, dear, type ServiceParts } from '../app.ts';
import { ServiceError } from '../problem.ts';
import { exactly, READER } from '../schemas.ts';

const tags = ['workload'];
const params = exactly({ id: Type.String(), vcpu: Type.String({ pattern: '^[0-9]{1,3}$' }) });
const VCPU = '/v1/machines/:id/vcpus/:vcpu';

export function vcpuRoutes(app: App, parts: ServiceParts): void {
  const { store } = parts;
  app.put(
    VCPU,
    {
      ...dear(parts),
      schema: {
        ...{ tags, params, body: exactly({ paused: Type.Boolean() }), response: { 200: READER } },
        summary: 'Pauses a vCPU of the load, or lets it go on',
      },
    },
    async ({ params: { id, vcpu }, body: { paused } }) => {
      const served = store.get(id);
      const handle = served.load.vcpu(Number(vcpu));
      if (handle === null) throw unknownVcpu(vcpu, 'of the load');
      if (paused) await handle.pause();
      else handle.resume();
      const reader = served.readers.find((candidate) => candidate.id === handle.id);
      if (reader === undefined) throw unknownVcpu(vcpu, 'any more'); // it ended instead
      return reader;
    },
  );
  app.delete(
    VCPU,
    {
      ...dear(parts),
      schema: {
        ...{ tags, params, response: { 204: Type.Null() } },
        summary: 'Ends the thread of a vCPU wherever it is; one that serves accesses is replaced',
      },
    },
    async ({ params: { id, vcpu } }, reply) => {
      const handle = store.get(id).machine.vcpus.find((candidate) => candidate.id === Number(vcpu));
      if (handle === undefined) throw unknownVcpu(vcpu, 'in this machine');
      await handle.terminate();
      reply.code(204);
    },
  );
}

const unknownVcpu = (vcpu: string, where: string): ServiceError =>
  new ServiceError(404, 'VCPU_UNKNOWN', `there is no vCPU ${vcpu} ${where}; the machine's readers list them`);
