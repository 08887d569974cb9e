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
import type { Arena } from './arena.ts';
import { CellWriter, type EncodedView, releaseView } from './cell-writer.ts';
import type { EncodedIommu } from './encode-view.ts';
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
  encoded: EncodedView | null;
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
  readonly encoded: EncodedView;
}

/** Either publish() is called, and retire() after the generation has advanced; or abandon() is. */
export interface PreparedTables {
  /** Stores the new roots. */
  publish(): void;
  /** Retires what they replaced. */
  retire(): void;
  /** Gives back what was encoded. */
  abandon(): void;
}

export class IommuTables {
  private readonly control: SharedWords;
  private readonly arena: Arena;
  private readonly grace: GraceWriter;
  private readonly around: IommuSurroundings;
  private readonly gracePeriod = (): Promise<void> => this.grace.synchronize();
  private readonly known = new Map<Iommu, KnownIommu>();
  private translatorCount = 0;

  constructor(control: SharedWords, arena: Arena, grace: GraceWriter, around: IommuSurroundings) {
    this.control = control;
    this.arena = arena;
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
    const tables = Array.from({ length: indexCount }, () => ({ edition: EDITION_EMPTY, encoded: null }));
    this.known.set(iommu!, { encoded, tables });
    iommu!.gracePeriods.add(this.gracePeriod);
    return encoded;
  }

  /**
   * Encodes what has changed; null if nothing has.
   * @throws MemoryError ADDRESS_SPACE_UNKNOWN, ARENA_FULL; nothing is left behind
   */
  prepare(): PreparedTables | null {
    const fresh: FreshTable[] = [];
    const abandon = (): void => {
      for (const { encoded } of fresh) releaseView(encoded, this.arena);
    };
    try {
      for (const [iommu, { encoded: ids, tables }] of this.known) {
        for (const [index, table] of tables.entries()) {
          const edition = iommu.editionOf(index);
          if (edition === table.edition) continue;
          const encoded = this.encode(iommu.mappingsOf(index));
          fresh.push({ root: ids.root + index, table, edition, encoded });
        }
      }
    } catch (error) {
      abandon();
      throw error;
    }
    if (fresh.length === 0) return null;
    const before = fresh.flatMap(({ table }) => table.encoded ?? []);
    return { publish: () => this.publish(fresh), retire: () => this.retire(before), abandon };
  }

  private publish(fresh: readonly FreshTable[]): void {
    for (const { root, table, edition, encoded } of fresh) {
      Atomics.store(this.control, rootWord(root), encoded.headerCell); // pairs with ViewReader.takeView
      table.edition = edition;
      table.encoded = encoded;
    }
  }

  private retire(before: readonly EncodedView[]): void {
    for (const table of before) this.grace.retire(table.sizeBytes, () => releaseView(table, this.arena));
  }

  private attach(iommu: CallbackIommu): number {
    const targets = iommu.targets.map((space) => this.around.indexOf(space));
    const translator = this.translatorCount;
    this.around.onTranslator(translator, iommu, targets);
    this.translatorCount += 1;
    return translator;
  }

  private encode(mappings: readonly IommuMapping[]): EncodedView {
    const writer = new CellWriter(this.arena);
    const { words } = this.arena;
    try {
      for (const { iova, size, target, space, permission } of mappings) {
        const addressSpace = this.around.indexOf(space);
        const word = writer.section(iova, size);
        const bits = permissionBits(permission)!;
        words[word + section.SECTION_FLAGS] =
          ((bits & IOMMU_READ) !== 0 ? section.SECTION_FLAG_IOMMU_READ : 0) |
          ((bits & IOMMU_WRITE) !== 0 ? section.SECTION_FLAG_IOMMU_WRITE : 0);
        words[word + section.SECTION_DEVICE] = addressSpace;
        words[word + section.SECTION_REGION_OFFSET_LO] = loFromAddress(target);
        words[word + section.SECTION_REGION_OFFSET_HI] = hiFromAddress(target);
      }
      return writer.finish(this.around.nextVersion(), 0, []);
    } catch (error) {
      writer.giveBack();
      throw error;
    }
  }
}

function ruleOf({ indexBits, minPageSize, indexCount }: Iommu): number {
  const pageShift = minPageSize.toString(2).length - 1;
  return section.iommuRule({ ...indexBits, pageShift, count: indexCount });
}
