/**
 * The IOMMUs that a machine shows, as its readers find them: a table for each index, published like a view.
 * Control thread only.
 * Guarantee: an IOMMU that a view names has its roots; each table is the one before a transaction or the one
 * after it; one that cannot be encoded leaves all as they were.
 * Writes: the WORD_ROOTS of IOMMUs. Order: the Publisher's; it publishes and retires both in one generation.
 */
import { hiFromAddress, loFromAddress } from '../base/addresses.ts';
import { IOMMU_READ, IOMMU_WRITE, permissionBits } from '../base/iommu.ts';
import type { GraceWriter } from '../grace/writer.ts';
import { rootWord, type SharedWords } from '../layout/control-block.ts';
import * as section from '../layout/section-record.ts';
import type { AddressSpace } from '../model/address-space.ts';
import { CallbackIommu } from '../model/callback-iommu.ts';
import { EDITION_EMPTY, type Iommu, type IommuMapping } from '../model/iommu.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import { type CellStore, ENTRY_UNASSIGNED } from './cell-store.ts';
import { type EncodedIommu, sectionRecord } from './encode-view.ts';
import { MapEditor } from './map-editor.ts';
import type { RootWords } from './root-words.ts';

export interface IommuSurroundings {
  readonly roots: RootWords;
  /** @throws MemoryError ADDRESS_SPACE_UNKNOWN */
  indexOf(space: AddressSpace): number;
  nextVersion(): number;
  /** Must tell every reader thread of the translator: before a view that names it is published. */
  onTranslator(translator: number, iommu: CallbackIommu, targets: readonly number[]): void;
}

interface PublishedTable {
  edition: number;
  /** Null until something was mapped. */
  header: number | null;
  mappings: readonly IommuMapping[];
}

interface KnownIommu {
  readonly encoded: EncodedIommu;
  readonly tables: readonly PublishedTable[];
}

/** A table that shall take another's place. */
interface FreshTable {
  readonly root: number;
  readonly table: PublishedTable;
  readonly edition: number;
  readonly header: number;
  readonly mappings: readonly IommuMapping[];
}

/** Either publish() is called, and retire() after the generation has advanced; or what was made is undone. */
export interface PreparedTables {
  /** Stores the new roots. */
  publish(): void;
  /** Retires what they replaced. */
  retire(): void;
}

export class IommuTables {
  private readonly control: SharedWords;
  private readonly cells: CellStore;
  private readonly editor: MapEditor;
  private readonly grace: GraceWriter;
  private readonly around: IommuSurroundings;
  private readonly gracePeriod = (): Promise<void> => this.grace.synchronize();
  private readonly known = new Map<Iommu, KnownIommu>();
  /** Those that became known since the last settle(). */
  private readonly fresh: Iommu[] = [];
  private translatorCount = 0;

  constructor(control: SharedWords, cells: CellStore, grace: GraceWriter, around: IommuSurroundings) {
    this.control = control;
    this.cells = cells;
    this.editor = new MapEditor(cells);
    this.grace = grace;
    this.around = around;
  }

  /** By what readers know the IOMMU of `region`; from now on its tables are published. */
  iommuOf({ name, iommu }: MemoryRegion): EncodedIommu {
    const known = this.known.get(iommu!);
    if (known !== undefined) return known.encoded;
    const { indexCount } = iommu!;
    const translator = iommu instanceof CallbackIommu ? this.attach(iommu) : null;
    const encoded = {
      root: this.around.roots.take(indexCount, `IOMMU region '${name}'`),
      rule: ruleOf(iommu!),
      translator,
    };
    const tables = Array.from({ length: indexCount }, () => ({
      ...{ edition: EDITION_EMPTY, header: null, mappings: [] },
    }));
    this.known.set(iommu!, { encoded, tables });
    this.fresh.push(iommu!);
    iommu!.gracePeriods.add(this.gracePeriod);
    return encoded;
  }

  /**
   * Encodes what has changed; null if nothing has.
   * @throws MemoryError ADDRESS_SPACE_UNKNOWN, ARENA_FULL; what was made is to be undone in the store
   */
  prepare(): PreparedTables | null {
    const fresh: FreshTable[] = [];
    for (const [iommu, { encoded, tables }] of this.known) {
      for (const [index, table] of tables.entries()) {
        const edition = iommu.editionOf(index);
        if (edition === table.edition) continue;
        const mappings = [...iommu.mappingsOf(index)];
        fresh.push({
          root: encoded.root + index,
          table,
          edition,
          header: this.encode(table, mappings),
          mappings,
        });
      }
    }
    if (fresh.length === 0) return null;
    const before = fresh.flatMap(({ table }) => table.header ?? []);
    return { publish: () => this.publish(fresh), retire: () => this.retire(before) };
  }

  /** Those that are known stay so: readers are going to find them. */
  settle(): void {
    this.fresh.length = 0;
  }

  /** Forgets those that became known since the last settle(): where they lead may not be there next time. */
  undo(): void {
    for (let iommu = this.fresh.pop(); iommu !== undefined; iommu = this.fresh.pop()) {
      this.around.roots.giveBack(this.known.get(iommu)!.encoded.root, iommu.indexCount);
      this.known.delete(iommu);
      iommu.gracePeriods.delete(this.gracePeriod);
    }
  }

  private publish(fresh: readonly FreshTable[]): void {
    for (const { root, table, edition, header, mappings } of fresh) {
      Atomics.store(this.control, rootWord(root), header); // pairs with ViewReader.takeView
      this.cells.show(header);
      table.edition = edition;
      table.header = header;
      table.mappings = mappings;
    }
  }

  private retire(before: readonly number[]): void {
    for (const header of before) this.grace.retire(this.cells.hide(header), () => this.cells.release(header));
  }

  private attach(iommu: CallbackIommu): number {
    const targets = iommu.targets.map((space) => this.around.indexOf(space));
    const translator = this.translatorCount;
    this.around.onTranslator(translator, iommu, targets);
    this.translatorCount += 1;
    return translator;
  }

  /** The header of a table that differs from the published one by what was mapped and unmapped since. */
  private encode({ header, mappings: before }: PublishedTable, mappings: readonly IommuMapping[]): number {
    let mapRoot = header === null ? ENTRY_UNASSIGNED : this.cells.mapRootOf(header);
    const changed = changedParts(before, mappings);
    if (changed !== null) {
      const { start, end, added } = changed;
      mapRoot = this.editor.replace(
        ...([mapRoot, start, end, added.map((mapping) => this.section(mapping))] as const),
      );
    }
    return this.cells.header(mapRoot, this.around.nextVersion(), 0);
  }

  private section({ iova, size, target, space, permission }: IommuMapping): number {
    const record = sectionRecord(iova, size);
    const bits = permissionBits(permission)!;
    record[section.SECTION_FLAGS] =
      ((bits & IOMMU_READ) !== 0 ? section.SECTION_FLAG_IOMMU_READ : 0) |
      ((bits & IOMMU_WRITE) !== 0 ? section.SECTION_FLAG_IOMMU_WRITE : 0);
    record[section.SECTION_DEVICE] = this.around.indexOf(space);
    record[section.SECTION_REGION_OFFSET_LO] = loFromAddress(target);
    record[section.SECTION_REGION_OFFSET_HI] = hiFromAddress(target);
    return this.cells.section(record, null);
  }
}

/** Around all mappings that only one of two tables has; those of the second. Null where both have the same. */
function changedParts(before: readonly IommuMapping[], after: readonly IommuMapping[]) {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const added = after.slice(head, after.length - tail);
  const both = [...before.slice(head, before.length - tail), ...added];
  if (both.length === 0) return null;
  let { iova: start } = both[0]!;
  let end = start;
  for (const { iova, size } of both) {
    if (iova < start) start = iova;
    if (iova + size > end) end = iova + size;
  }
  return { start, end, added };
}

function ruleOf({ indexBits, minPageSize, indexCount }: Iommu): number {
  const pageShift = minPageSize.toString(2).length - 1;
  return section.iommuRule({ ...indexBits, pageShift, count: indexCount });
}
