/** Routes that show what a machine is: its tree, its flat views, its regions with the ids that mutations name. */
import { Type } from 'typebox';
import { PAGE_BITS_DEFAULT } from '../../qemu/dispatch-tree.ts';
import { flatJsonOf } from '../../qemu/flat-json.ts';
import { groupUnder } from '../../qemu/group-under.ts';
import { hierarchyJsonOf } from '../../qemu/hierarchy-json.ts';
import { printFlatViews, printMtree } from '../../qemu/mtree-printer.ts';
import type { FlatView } from '../../render/flat-view.ts';
import { type App, dear, type ServiceParts } from '../app.ts';
import { rangeJson } from '../flat-delta.ts';
import { regionJson } from '../region-changes.ts';
import { exactly, MachineParams, RegionState, ViewsAnswer } from '../schemas.ts';
import type { ServedMachine } from '../served-machine.ts';

const tags = ['inspection'];
const FLAG = Type.Optional(Type.Unsafe<'true' | 'false'>({ type: 'string', enum: ['true', 'false'] }));
const FORMAT = Type.Optional(
  Type.Unsafe<'json' | 'text'>({
    type: 'string',
    enum: ['json', 'text'],
    description: "text: as QEMU's monitor prints it",
  }),
);
const TEXT = 'text/plain; charset=utf-8';
const DOCUMENT = Type.Unknown();

export function inspectionRoutes(app: App, parts: ServiceParts): void {
  const { store } = parts;
  app.get(
    '/v1/machines/:id/mtree',
    {
      ...dear(parts),
      schema: {
        tags,
        summary: 'The region trees, as info mtree',
        params: MachineParams,
        querystring: exactly({ format: FORMAT, disabled: FLAG, owners: FLAG }),
        response: { 200: DOCUMENT },
      },
    },
    ({ params, query }, reply) => {
      const { machine } = store.get(params.id);
      const options = { showDisabled: query.disabled === 'true', showOwners: query.owners === 'true' };
      if (query.format !== 'text') return hierarchyJsonOf(machine.addressSpaces, options);
      return reply.type(TEXT).send(Buffer.from(printMtree(machine.addressSpaces, options)));
    },
  );
  app.get(
    '/v1/machines/:id/flat',
    {
      ...dear(parts),
      schema: {
        tags,
        summary: 'The flat views, as info mtree -f; with dispatch=true also the tree that QEMU dispatches by',
        params: MachineParams,
        querystring: exactly({
          format: FORMAT,
          owners: FLAG,
          dispatch: FLAG,
          pageBits: Type.Optional(Type.String({ pattern: '^[0-9]{1,2}$' })),
        }),
        response: { 200: DOCUMENT },
      },
    },
    ({ params, query }, reply) => {
      const { machine } = store.get(params.id);
      const options = {
        showOwners: query.owners === 'true',
        ...(query.dispatch === 'true' && { dispatchPageBits: Number(query.pageBits ?? PAGE_BITS_DEFAULT) }),
      };
      if (query.format !== 'text') return flatJsonOf(machine.addressSpaces, options);
      return reply.type(TEXT).send(Buffer.from(printFlatViews(machine.addressSpaces, options)));
    },
  );
  pictureRoutes(app, parts);
}

/** What someone who draws the machine begins with. */
function pictureRoutes(app: App, parts: ServiceParts): void {
  const { store } = parts;
  app.get(
    '/v1/machines/:id/regions',
    {
      ...dear(parts),
      schema: {
        tags,
        summary: 'All regions, with the ids that mutations name them by',
        params: MachineParams,
        response: { 200: Type.Array(RegionState) },
      },
    },
    ({ params }) => {
      const { inventory } = store.get(params.id);
      return [...inventory.regions].map(([id, region]) => regionJson(id, region, inventory));
    },
  );
  app.get(
    '/v1/machines/:id/views',
    {
      ...dear(parts),
      schema: {
        tags,
        summary: 'The published flat views with the ids of regions, and their commit: what events go on from',
        params: MachineParams,
        response: { 200: ViewsAnswer },
      },
    },
    ({ params }) => viewsOf(store.get(params.id)),
  );
}

/** Address spaces that show the same stand together, in the order in which they were added. */
function viewsOf({ machine, inventory, commits }: ServedMachine) {
  const spacesOf = new Map<FlatView, string[]>();
  for (const [id, space] of inventory.spaces) groupUnder(spacesOf, machine.flatViewOf(space), id);
  return {
    commit: commits.number,
    views: [...spacesOf].map(([view, addressSpaces]) => ({
      addressSpaces,
      ranges: view.ranges.map((range) => rangeJson(range, inventory)),
    })),
  };
}
