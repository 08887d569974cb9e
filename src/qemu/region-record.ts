/** A region as the layout format describes it, and how it is read from JSON. */
import type { MemoryRegionKind } from '../model/region-options.ts';
import type { DocumentSource, RecordReader } from './record-reader.ts';

export const REGIONS_MAX = 1 << 18;
export const ADDRESS_SPACES_MAX = 1 << 16;
/** An IOMMU's mappings are no part of a layout file. */
const KINDS = [
  'container',
  'io',
  'ram',
  'ram-device',
  'rom-device',
  'alias',
] as const satisfies readonly MemoryRegionKind[];

export interface ChildRecord {
  readonly id: string;
  readonly offset: bigint;
  readonly priority: number;
}

export interface RegionRecord {
  readonly id: string;
  readonly name: string;
  readonly kind: (typeof KINDS)[number];
  readonly size: bigint;
  readonly owner: string | null;
  readonly enabled: boolean;
  readonly readonly: boolean;
  readonly nonvolatile: boolean;
  readonly romd: boolean;
  readonly alias: { readonly target: string; readonly offset: bigint } | null;
  /** Of a region in no container: what it keeps from before. */
  readonly address: bigint;
  readonly priority: number;
  /** In list order. */
  readonly children: readonly ChildRecord[];
  /** Where it stands in the document, for messages. */
  readonly path: string;
}

export interface AddressSpaceRecord {
  readonly name: string;
  readonly root: string | null;
  readonly path: string;
}

/** A machine's layout at one moment; every reference in it is known to hold. */
export interface LayoutState {
  readonly source: DocumentSource;
  readonly records: ReadonlyMap<string, RegionRecord>;
  /** All records, each after its alias target. */
  readonly targetsFirst: readonly RegionRecord[];
  /** All records, each after its children. */
  readonly childrenFirst: readonly RegionRecord[];
  readonly addressSpaces: readonly AddressSpaceRecord[];
}

export function readRegion(reader: RecordReader): RegionRecord {
  const kind = reader.oneOf('kind', KINDS);
  const children = reader.records('children', REGIONS_MAX, []).map(readChild);
  if (kind === 'alias' && children.length > 0)
    reader.fail('children', 'an alias has no children; move them to its target');
  if (kind !== 'alias' && reader.has('alias'))
    reader.fail('alias', `only a region of kind 'alias' has one, this is '${kind}'`);
  const alias = kind === 'alias' ? reader.record('alias') : null;
  requireDescending(reader, children);
  return {
    id: reader.string('id'),
    name: reader.string('name'),
    kind,
    size: reader.size('size'),
    owner: reader.stringOrNull('owner'),
    enabled: reader.boolean('enabled', true),
    readonly: reader.boolean('readonly', false),
    nonvolatile: reader.boolean('nonvolatile', false),
    romd: reader.boolean('romd', false),
    alias: alias && { target: alias.string('target'), offset: alias.address('offset') },
    address: reader.address('address', 0n),
    priority: reader.priority('priority', 0),
    children,
    path: reader.path,
  };
}

const readChild = (reader: RecordReader): ChildRecord => ({
  id: reader.string('id'),
  offset: reader.address('offset'),
  priority: reader.priority('priority'),
});

function requireDescending(reader: RecordReader, children: readonly ChildRecord[]): void {
  for (let index = 1; index < children.length; index++) {
    const { priority } = children[index]!;
    const before = children[index - 1]!.priority;
    if (priority > before) {
      reader.fail(
        `children[${index}].priority`,
        `${priority} comes after ${before}; list order is priority descending`,
      );
    }
  }
}

export const readAddressSpace = (reader: RecordReader): AddressSpaceRecord => ({
  name: reader.string('name'),
  root: reader.stringOrNull('root'),
  path: reader.path,
});
