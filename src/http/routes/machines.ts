/** Routes that make, list, describe and end machines. */
import { type Static, Type } from 'typebox';
import { machineNames } from '../../qemu/catalogue.ts';
import { type App, dear, type ServiceParts } from '../app.ts';
import {
  exactly,
  MACHINE_ID,
  MachineParams,
  MachineRequestBody,
  MachineState,
  type MachineStateJson,
} from '../schemas.ts';
import type { ServedMachine } from '../served-machine.ts';

const tags = ['machines'];

export function machineRoutes(app: App, parts: ServiceParts): void {
  const { store } = parts;
  app.get(
    '/v1/catalogue',
    {
      schema: { tags, summary: 'Names of the bundled layouts', response: { 200: Type.Array(Type.String()) } },
    },
    () => machineNames(),
  );
  app.get(
    '/v1/machines',
    { schema: { tags, summary: 'All machines', response: { 200: Type.Array(MachineState) } } },
    () => store.all.map(stateOf),
  );
  app.post(
    '/v1/machines',
    {
      ...dear(parts),
      schema: {
        tags,
        summary: 'Makes a machine from a bundled layout, a layout, or the text of info mtree',
        description: 'The text may also be the body itself, as text/plain, with id and vcpus in the query.',
        body: {
          content: {
            'application/json': { schema: MachineRequestBody },
            'text/plain': { schema: Type.String() },
          },
        },
        querystring: exactly({
          id: Type.Optional(MACHINE_ID),
          vcpus: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,2}$' })),
        }),
        response: { 201: MachineState },
      },
    },
    async (request, reply) => {
      const body = request.body as Static<typeof MachineRequestBody> | string; // as its content type's schema says
      const { vcpus, ...rest } = request.query;
      const machine = await store.create(
        typeof body === 'string'
          ? { ...rest, ...(vcpus !== undefined && { vcpus: Number(vcpus) }), mtree: body }
          : body,
      );
      reply.code(201).header('location', `/v1/machines/${machine.id}`);
      return stateOf(machine);
    },
  );
  app.get(
    '/v1/machines/:id',
    { schema: { tags, summary: 'One machine', params: MachineParams, response: { 200: MachineState } } },
    ({ params }) => stateOf(store.get(params.id)),
  );
  app.delete(
    '/v1/machines/:id',
    {
      ...dear(parts),
      schema: {
        tags,
        summary: 'Ends a machine and its threads',
        params: MachineParams,
        response: { 204: Type.Null() },
      },
    },
    async ({ params }, reply) => {
      await store.delete(params.id);
      reply.code(204);
    },
  );
}

function stateOf(served: ServedMachine): MachineStateJson {
  const { id, name, guessed, machine, inventory, commits, accesses, churn, load } = served;
  const { changes, ...churnRest } = churn.state;
  return {
    ...{ id, name, guessed: [...guessed], regions: inventory.regions.size },
    addressSpaces: [...inventory.spaces].map(([spaceId, space]) => ({
      id: spaceId,
      name: space.name,
      root: space.root === null ? null : (inventory.idOfRegion(space.root) ?? space.root.name),
    })),
    commit: commits.number,
    generation: commits.generation,
    readers: served.readers,
    gauges: { ...machine.gauges },
    accesses: { ...accesses.totals() },
    churn: { ...churnRest, changes: [...changes] },
    load: { ...load.state },
  };
}
