/**
 * What a transaction of a client may do to a machine's layout, in the words of the layout format: a region's
 * fields are set, a region is mapped and unmapped, made and dropped; address spaces come, go, and get another root.
 * Guarantee: applyMutations() runs inside a transaction, and what it throws leaves nothing changed: not the tree,
 * which the transaction puts back, nor the inventory.
 */
import { MemoryError } from '../base/errors.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import { RecordReader } from '../qemu/record-reader.ts';
import { regionFromRecord } from '../qemu/region-from-record.ts';
import { readRegion } from '../qemu/region-record.ts';
import type { Machine } from '../service/machine.ts';
import type { Inventory } from './inventory.ts';
import { detailOf, ServiceError } from './problem.ts';
import { registers } from './registers-device.ts';

export interface MutatedMachine {
  readonly machine: Machine;
  readonly inventory: Inventory;
}

/** Does one kind of mutation. @returns a region that has ended with it, or nothing */
type Mutator = (machine: MutatedMachine, mutation: RecordReader) => MemoryRegion | undefined;

const MUTATORS = {
  set: setFields,
  map({ inventory }, mutation) {
    const container = inventory.region(mutation.string('container'));
    const child = inventory.region(mutation.string('region'));
    container.addSubregionOverlap(mutation.address('offset'), child, mutation.priority('priority', 0));
    return undefined;
  },
  unmap({ inventory }, mutation) {
    const region = inventory.region(mutation.string('region'));
    if (region.container === null) mutation.fail('region', 'is in no container');
    region.container!.delSubregion(region);
    return undefined;
  },
  create,
  drop,
  'add-address-space'({ machine, inventory }, mutation) {
    const root = mutation.stringOrNull('root');
    const space = machine.addAddressSpace(
      mutation.string('name'),
      root === null ? null : inventory.region(root),
    );
    inventory.addSpace(space);
    return undefined;
  },
  'set-root'({ inventory }, mutation) {
    const root = mutation.stringOrNull('root');
    inventory.space(mutation.string('addressSpace')).setRoot(root === null ? null : inventory.region(root));
    return undefined;
  },
  'remove-address-space'({ machine, inventory }, mutation) {
    void machine.removeAddressSpace(inventory.removeSpace(mutation.string('addressSpace')));
    return undefined;
  },
} as const satisfies Readonly<Record<string, Mutator>>;

type Operation = keyof typeof MUTATORS;

export const OPERATIONS = Object.keys(MUTATORS) as readonly Operation[];

/**
 * Does all of them, inside the transaction that is open.
 * @returns the regions that were dropped: to be finalised once the transaction has ended well
 * @throws MemoryError, ServiceError: what is wrong with which of them
 */
export function applyMutations(machine: MutatedMachine, mutations: readonly unknown[]): MemoryRegion[] {
  const dropped: MemoryRegion[] = [];
  const source = { file: 'transaction', code: 'INVALID_ARGUMENT' } as const;
  for (const [index, mutation] of mutations.entries()) {
    const path = `mutations[${index}]`;
    const reader = new RecordReader(source, path, mutation);
    const mutator: Mutator = MUTATORS[reader.oneOf('op', OPERATIONS)];
    try {
      const region = mutator(machine, reader);
      if (region !== undefined) dropped.push(region);
    } catch (error) {
      throw located(error, path);
    }
  }
  return dropped;
}

/** The same error, with which mutation it was. */
function located(error: unknown, path: string): unknown {
  if (error instanceof ServiceError)
    return new ServiceError(error.statusCode, error.code, `${path}: ${error.message}`);
  if (!(error instanceof MemoryError)) return error;
  const detail = detailOf(error);
  return detail.startsWith('transaction: ')
    ? error
    : new MemoryError(error.code, `${path}: ${detail}`, { cause: error });
}

function setFields({ inventory }: MutatedMachine, mutation: RecordReader): undefined {
  const region = inventory.region(mutation.string('region'));
  if (mutation.has('size')) setSize(region, mutation);
  if (mutation.has('readonly')) region.setReadonly(mutation.boolean('readonly', false));
  if (mutation.has('nonvolatile')) region.setNonvolatile(mutation.boolean('nonvolatile', false));
  if (mutation.has('romd')) region.setRomd(mutation.boolean('romd', false));
  if (mutation.has('aliasOffset')) region.setAliasOffset(mutation.address('aliasOffset'));
  if (mutation.has('address')) region.setAddress(mutation.address('address'));
  if (mutation.has('enabled')) region.setEnabled(mutation.boolean('enabled', true));
  return undefined;
}

function setSize(region: MemoryRegion, mutation: RecordReader): void {
  if (region.isRam || region.kind === 'rom-device')
    mutation.fail('size', `of a region of kind '${region.kind}' is fixed: its bytes were allocated`);
  region.setSize(mutation.size('size'));
}

function create({ inventory }: MutatedMachine, mutation: RecordReader): undefined {
  const record = readRegion(mutation.record('region'));
  if (record.children.length > 0)
    mutation.fail('region.children', "a new region has none; map them with 'map' afterwards");
  const target = record.alias === null ? null : inventory.region(record.alias.target);
  inventory.addRegion(
    record.id,
    regionFromRecord(record, target, ({ size }) => registers(size)),
  );
  return undefined;
}

function drop({ inventory }: MutatedMachine, mutation: RecordReader): MemoryRegion {
  const id = mutation.string('region');
  const region = inventory.region(id);
  const [space] = region.addressSpaces;
  if (space !== undefined)
    mutation.fail('region', `is the root of address space '${inventory.idOfSpace(space)}'`);
  if (region.container !== null) mutation.fail('region', "is in a container; 'unmap' it first");
  for (const [aliasId, alias] of inventory.regions)
    if (alias.aliasTarget === region)
      mutation.fail('region', `is what alias '${aliasId}' shows; drop that first`);
  return inventory.dropRegion(id);
}
