/** What requests carry and answers hold, once for types, checks and the OpenAPI document. */
import { type Static, type TSchema, Type } from 'typebox';
import { OPERATIONS } from './mutations.ts';

/** Objects that take no other fields than theirs. */
export const exactly = <T extends Record<string, TSchema>>(fields: T, description?: string) =>
  Type.Object(fields, { additionalProperties: false, ...(description !== undefined && { description }) });

const choices = <T extends string | number>(values: readonly T[], description?: string) =>
  Type.Unsafe<T>({ enum: [...values], ...(description !== undefined && { description }) });

export const NUMBER_64 = Type.Unsafe<string | number>({
  type: ['string', 'integer'],
  description: '"0x" and up to 16 hex digits, or an integer',
});
export const SIZE = Type.Unsafe<1 | 2 | 4 | 8>({
  type: 'integer',
  enum: [1, 2, 4, 8],
  default: 4,
  description: 'bytes',
});
const nullable = (description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], description });
const RATE_TOLD = ['number', 'string', 'null'];
const HEX = Type.String({ description: '"0x" and hex digits' });
const WINDOW = { addressSpace: Type.String(), start: HEX, last: Type.String({ description: 'inclusive' }) };

export const MACHINE_ID = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$' });
export const MachineParams = exactly({ id: Type.String({ description: 'id of a machine' }) });

export const PROBLEM = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.String({ description: 'what programs look at' }),
    requestId: Type.String(),
  },
  { description: 'Problem document (RFC 9457), application/problem+json' },
);

export const MachineRequestBody = exactly({
  id: Type.Optional(MACHINE_ID),
  vcpus: Type.Optional(Type.Integer({ minimum: 1, description: 'vCPUs that serve accesses; 1 by default' })),
  machine: Type.Optional(Type.String({ description: 'a bundled layout: GET /v1/catalogue' })),
  layout: Type.Optional(Type.Unknown({ description: 'a document of flatview-layout/1' })),
  mtree: Type.Optional(Type.String({ description: "text of QEMU's info mtree, best with -D" })),
  flat: Type.Optional(Type.String({ description: 'text of info mtree -f of the same moment, with mtree' })),
});

export const READER = Type.Object({
  id: Type.Integer(),
  phase: Type.String(),
  role: Type.Unsafe<'access' | 'load'>({
    enum: ['access', 'load'],
    description: 'serves the accesses of requests, or makes load',
  }),
  generation: Type.Union([Type.Integer(), Type.Null()], { description: 'null while it is offline' }),
  lag: Type.Integer({ description: 'generations that it has not announced' }),
});

export const RATE = Type.Unsafe<number | 'max'>({
  anyOf: [{ type: 'number', exclusiveMinimum: 0, maximum: 1e9 }, { const: 'max' }],
  description: 'a second, or "max"',
});

export const ChurnRequest = exactly({
  rate: RATE,
  seed: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 0x7fffffff, description: 'of what is chosen to change' }),
  ),
});
export const ChurnState = Type.Object({
  running: Type.Boolean(),
  rate: Type.Unsafe<number | 'max' | null>({
    type: RATE_TOLD,
    description: 'layouts a second, "max", or null',
  }),
  published: Type.Integer(),
  changes: Type.Array(Type.Object({ kind: Type.String(), region: Type.String() })),
  problem: nullable('why it stopped by itself'),
});

export const LoadRequestBody = exactly({
  vcpus: Type.Integer({ minimum: 1 }),
  addressSpace: Type.String(),
  rate: Type.Optional(RATE),
  writePercent: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 100, description: 'stores among the accesses; 0 by default' }),
  ),
  checkpointEvery: Type.Optional(
    Type.Integer({
      ...{ minimum: 1, maximum: 2 ** 26 },
      description: 'accesses of a vCPU between two checkpoints, 1024 by default: more hold up grace periods',
    }),
  ),
});
export const LoadState = Type.Object({
  running: Type.Boolean(),
  vcpus: Type.Integer(),
  addressSpace: Type.String(),
  rate: Type.Unsafe<number | 'max'>({ type: RATE_TOLD, description: 'accesses a second, or "max"' }),
  writePercent: Type.Integer(),
  checkpointEvery: Type.Integer(),
});

export const MachineState = Type.Object({
  id: Type.String(),
  name: Type.String(),
  guessed: Type.Array(Type.String(), { description: 'what the text of info mtree left out' }),
  regions: Type.Integer(),
  addressSpaces: Type.Array(
    Type.Object({
      id: Type.String({ description: 'as URLs name it' }),
      name: Type.String(),
      root: nullable('id of a region'),
    }),
  ),
  commit: Type.Integer({ description: 'number of the last transaction that changed something' }),
  generation: Type.Integer({ description: 'that readers of its layout announce' }),
  readers: Type.Array(READER),
  gauges: Type.Record(Type.String(), Type.Number()),
  accesses: Type.Record(Type.String(), Type.Number()),
  churn: ChurnState,
  load: LoadState,
});
export type MachineStateJson = Static<typeof MachineState>;

export const RegionState = Type.Object({
  id: Type.String({ description: 'as mutations name it' }),
  name: Type.String(),
  kind: Type.String(),
  type: Type.String({ description: "as info mtree has it; an alias's is its final target's" }),
  size: HEX,
  address: Type.String({ description: 'within its container' }),
  priority: Type.Integer(),
  enabled: Type.Boolean(),
  readonly: Type.Boolean(),
  nonvolatile: Type.Boolean(),
  romd: Type.Boolean(),
  owner: nullable('as captured or given; null for an orphan'),
  container: nullable('id of a region'),
  alias: Type.Unsafe<{ target: string | null; offset: string } | null>({
    description: 'of an alias: {target: id of a region, offset}; else null',
  }),
  children: Type.Array(Type.String(), { description: 'ids, in list order' }),
});

export type RegionStateJson = Static<typeof RegionState>;

export const ViewsAnswer = Type.Object({
  commit: Type.Integer({ description: 'events of later ones change what is here' }),
  views: Type.Array(
    Type.Object({
      addressSpaces: Type.Array(Type.String(), { description: 'ids of those that show this' }),
      ranges: Type.Array(
        Type.Object({
          start: HEX,
          last: Type.String({ description: 'inclusive' }),
          type: Type.String(),
          name: Type.String(),
          region: nullable('id'),
          offset: Type.String({ description: 'in the region' }),
          priority: Type.Integer(),
        }),
      ),
    }),
  ),
});

/** Which fields belong to which `op` is checked when it is applied: the message then names the field. */
export const TransactionRequest = (mutationsMax: number) =>
  exactly({
    mutations: Type.Array(
      Type.Object(
        {
          op: choices(
            OPERATIONS,
            'set {region, and any of enabled, address, size, readonly, nonvolatile, romd, aliasOffset}; ' +
              'map {container, region, offset, priority}; unmap {region}; create {region: a record of flatview-layout/1}; ' +
              'drop {region}; add-address-space {name, root}; set-root {addressSpace, root}; remove-address-space {addressSpace}',
          ),
        },
        { additionalProperties: true },
      ),
      { minItems: 1, maxItems: mutationsMax },
    ),
    waitMs: Type.Optional(
      Type.Integer({
        ...{ minimum: 0, maximum: 60_000 },
        description:
          'longest wait until every vCPU has let go of the layout before; 1000 by default, 0: none',
      }),
    ),
  });
export const TransactionAnswer = Type.Object({
  commit: Type.Integer({ description: 'its number; that of the one before if nothing changed' }),
  generation: Type.Integer(),
  mutations: Type.Integer(),
  commitUs: Type.Number({ description: 'from the first mutator until it was published' }),
  gracePeriodUs: Type.Unsafe<number | null>({
    type: ['number', 'null'],
    description: 'null if it was not awaited, or not to the end',
  }),
  changed: Type.Array(Type.Object(WINDOW), { description: 'addresses that answer differently' }),
});

export const SpaceParams = exactly({
  id: Type.String(),
  space: Type.String({ description: 'id of an address space' }),
});
export const AccessParams = exactly({
  id: Type.String(),
  space: Type.String({ description: 'id of an address space' }),
  address: Type.String({ description: '"0x" and up to 16 hex digits' }),
});
const RESULT = Type.Integer({
  description: 'MemTxResult: 0 ok; an OR of 1 error, 2 nothing there or not taken, 4 access denied',
});
const LAYOUT = Type.Integer({ description: 'commit that made what the address space showed to this access' });
export const LoadAnswer = Type.Object({
  value: Type.Unsafe<number | string>({
    type: ['integer', 'string'],
    description: 'unsigned; of 8 bytes a hex string',
  }),
  result: RESULT,
  layout: LAYOUT,
});
export const StoreRequest = exactly({ value: NUMBER_64, size: Type.Optional(SIZE) });
export const StoreAnswer = Type.Object({ result: RESULT, layout: LAYOUT });

export const BatchRequest = (batchMax: number) =>
  exactly({
    accesses: Type.Array(
      exactly({
        op: Type.Optional(
          choices(['load', 'store', 'add'], "'load' by default; 'add' is an atomic fetch and add"),
        ),
        address: NUMBER_64,
        size: Type.Optional(SIZE),
        value: Type.Optional(NUMBER_64),
      }),
      { minItems: 1, maxItems: batchMax },
    ),
  });
export type BatchRequestJson = Static<ReturnType<typeof BatchRequest>>;
export const BatchAnswer = Type.Object({
  values: Type.Array(Type.Unsafe<number | string>({ type: ['integer', 'string'] }), {
    description: 'of each access: what was loaded or was there before; 0 for a store',
  }),
  results: Type.Array(RESULT),
  failed: Type.Integer({ description: 'accesses whose result is not 0' }),
  layout: LAYOUT,
});
