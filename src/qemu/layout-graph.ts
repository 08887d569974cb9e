/**
 * Checks that the references of a layout hold: ids known and used once, one container a region at most,
 * no container inside itself, no chain of aliases that ends nowhere, nothing nested beyond bounds.
 * Nothing here recurses, and each region is looked at once.
 */
import { DEPTH_MAX } from '../model/visit-budget.ts';
import { type DocumentSource, failure } from './record-reader.ts';
import type { AddressSpaceRecord, LayoutState, RegionRecord } from './region-record.ts';

/** @throws MemoryError with the source's code at the first reference that does not hold */
export function checkLayout(
  source: DocumentSource,
  records: ReadonlyMap<string, RegionRecord>,
  addressSpaces: readonly AddressSpaceRecord[],
): LayoutState {
  const containers = containersById(source, records);
  for (const { root, path } of addressSpaces) {
    if (root !== null && !records.has(root)) throw failure(source, `${path}.root`, unknown(root));
  }
  const childrenFirst = ordered(
    source,
    records,
    (record) => containers.get(record.id),
    'be inside itself',
  ).reverse();
  const targetsFirst = ordered(source, records, (record) => targetOf(records, record), 'show itself');
  return { source, records, targetsFirst, childrenFirst, addressSpaces };
}

/** Records by id. @throws MemoryError with the source's code if an id occurs twice */
export function recordsById(
  source: DocumentSource,
  records: readonly RegionRecord[],
): Map<string, RegionRecord> {
  const byId = new Map<string, RegionRecord>();
  for (const record of records) {
    const first = byId.get(record.id);
    if (first !== undefined) {
      throw failure(
        source,
        `${record.path}.id`,
        `'${shortened(record.id)}' is the id of ${first.path} already`,
      );
    }
    byId.set(record.id, record);
  }
  return byId;
}

const shortened = (id: string): string => (id.length > 60 ? `${id.slice(0, 60)}…` : id);
const unknown = (id: string): string => `there is no region with the id '${shortened(id)}'`;

const targetOf = (
  records: ReadonlyMap<string, RegionRecord>,
  record: RegionRecord,
): RegionRecord | undefined => (record.alias === null ? undefined : records.get(record.alias.target));

function containersById(
  source: DocumentSource,
  records: ReadonlyMap<string, RegionRecord>,
): ReadonlyMap<string, RegionRecord> {
  const containers = new Map<string, RegionRecord>();
  for (const record of records.values()) {
    if (record.alias !== null && !records.has(record.alias.target)) {
      throw failure(source, `${record.path}.alias.target`, unknown(record.alias.target));
    }
    for (const [index, child] of record.children.entries()) {
      const container = containers.get(child.id);
      if (container === undefined && records.has(child.id)) {
        containers.set(child.id, record);
        continue;
      }
      const id = shortened(child.id);
      throw failure(
        source,
        `${record.path}.children[${index}].id`,
        container === undefined
          ? unknown(child.id)
          : `'${id}' is a child of ${container.path} already; use an alias for a second place`,
      );
    }
  }
  return containers;
}

/** All records, each after the one that `before` names for it. */
function ordered(
  source: DocumentSource,
  records: ReadonlyMap<string, RegionRecord>,
  before: (record: RegionRecord) => RegionRecord | undefined,
  mishap: string,
): RegionRecord[] {
  const result: RegionRecord[] = [];
  const depths = new Map<RegionRecord, number>();
  for (const start of records.values()) {
    const chain = new Set<RegionRecord>();
    let record: RegionRecord | undefined = start;
    for (; record !== undefined && !depths.has(record); record = before(record)) {
      if (chain.has(record))
        throw failure(source, record.path, `region '${shortened(record.name)}' would ${mishap}`);
      chain.add(record);
    }
    let depth = record === undefined ? 0 : depths.get(record)!;
    for (const next of [...chain].reverse()) {
      depth++;
      if (depth > DEPTH_MAX)
        throw failure(source, next.path, `is nested more than ${DEPTH_MAX} deep; nest less`);
      depths.set(next, depth);
      result.push(next);
    }
  }
  return result;
}
