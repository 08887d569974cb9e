/**
 * Routes that access a machine's memory: by a vCPU's memory port, in the vCPU's thread. What the guest would see as
 * a failure is an answer, not a problem.
 */
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { AccessBatch } from '../access-channel.ts';
import type { App, ServiceParts } from '../app.ts';
import { ManyAccesses, SingleAccess } from '../requested-accesses.ts';
import {
  AccessParams,
  BatchAnswer,
  BatchRequest,
  exactly,
  LoadAnswer,
  SpaceParams,
  StoreAnswer,
  StoreRequest,
} from '../schemas.ts';

const tags = ['memory'];
const MEMORY = '/v1/machines/:id/address-spaces/:space/memory/:address';
/** The shape of these answers is ours, and small: what a schema's serializer gains, looking for it costs. */
const serializerCompiler = () => JSON.stringify;

export function accessRoutes(app: App, { store, limits }: ServiceParts): void {
  /** Has a batch of `make` served by the vCPU of the request's connection; it answers the request. */
  const submit = (
    request: FastifyRequest,
    params: { readonly id: string; readonly space: string },
    make: (space: number) => AccessBatch,
  ): void => {
    const { machine, inventory, accesses } = store.get(params.id);
    accesses.submit(request.socket, make(machine.indexOf(inventory.space(params.space))));
  };
  app.get(
    MEMORY,
    {
      serializerCompiler,
      schema: {
        tags,
        summary: 'Loads 1, 2, 4 or 8 bytes',
        params: AccessParams,
        querystring: exactly({
          size: Type.Optional(Type.Unsafe<string>({ type: 'string', enum: ['1', '2', '4', '8'] })),
        }),
        response: { 200: LoadAnswer },
      },
    },
    (request, reply) => {
      const { params, query } = request;
      const size = query.size === undefined ? 4 : Number(query.size);
      submit(request, params, (space) => new SingleAccess(space, params.address, size, null, reply));
    },
  );
  app.put(
    MEMORY,
    {
      serializerCompiler,
      schema: {
        tags,
        summary: 'Stores 1, 2, 4 or 8 bytes',
        params: AccessParams,
        body: StoreRequest,
        response: { 200: StoreAnswer },
      },
    },
    (request, reply) => {
      const { params, body } = request;
      const { value, size = 4 } = body;
      submit(request, params, (space) => new SingleAccess(space, params.address, size, value, reply));
    },
  );
  app.post(
    '/v1/machines/:id/address-spaces/:space/accesses',
    {
      serializerCompiler,
      schema: {
        tags,
        summary: 'Loads, stores and atomic adds, in order, all answered by one layout',
        params: SpaceParams,
        body: BatchRequest(limits.batch),
        response: { 200: BatchAnswer },
      },
    },
    (request, reply) => {
      submit(request, request.params, (space) => new ManyAccesses(space, request.body, reply));
    },
  );
}
