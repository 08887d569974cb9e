/**
 * Turns the oracle's answers into expectations that a vCPU can check in a few nanoseconds, and remembers
 * what each stands for. Control thread only.
 * Guarantee: one word of a RAM, ROM or ROM device region is one cell, through whatever alias it is reached,
 * and one vCPU alone writes it; a cell of a region that did not exist before is handed out for
 * initialisation before any vCPU can be told of it.
 */
import type { MemoryRegion } from '../model/memory-region.ts';
import * as format from './cell-format.ts';
import type { Answer } from './oracle.ts';
import { probeOf } from './probe-devices.ts';

/** What a cell stands for. */
export interface CellOrigin {
  readonly region: MemoryRegion;
  readonly offset: bigint;
  /** Of memory, as opposed to a device's answer. */
  readonly isMemory: boolean;
  readonly tag: number;
  readonly slot: number;
  readonly owner: number;
}

const WORD_BYTES = 4n;
const DEVICE_OFFSET_MAX = 1n << 53n;

export class CellBook {
  readonly shared: format.SharedCells;
  private readonly origins: CellOrigin[] = [];
  private readonly memoryCells = new Map<MemoryRegion, Map<bigint, number>>();
  private readonly deviceCells = new Map<MemoryRegion, Map<bigint, number>>();
  private readonly deviceSlots = new Map<number, number>();
  private readonly reserved = new Map<MemoryRegion, Set<bigint>>();
  private fresh: CellOrigin[] = [];
  private memoryTags = 0;
  private slots = 0;

  /** @param slotCount room for versions: memory cells and device registers; what is past it is skipped */
  constructor(vcpuCount: number, slotCount: number) {
    const words = (count: number): format.SharedCells['cells'] =>
      new Int32Array(new SharedArrayBuffer(4 * count));
    this.shared = {
      cells: words(format.CELL_COUNT_MAX * format.CELL_STRIDE_WORDS),
      versions: words(slotCount * vcpuCount),
      slotCount,
      vcpuCount,
    };
  }

  /** Keeps the words from `offset` on out of the cells: someone else writes them. */
  reserve(region: MemoryRegion, offset: bigint, sizeBytes: number): void {
    const words = this.reserved.get(region) ?? new Set<bigint>();
    this.reserved.set(region, words);
    for (let done = 0n; done < BigInt(sizeBytes); done += WORD_BYTES) words.add((offset + done) & ~3n);
  }

  /** What is expected of an access of `size` bytes at `address`, whose first byte has `answer`. */
  entryFor(answer: Answer, address: bigint, size: number): number {
    const { region, offset, readonly } = answer;
    const isWhole = answer.last - address >= BigInt(size - 1);
    if (region === null) return format.entryFrom(0, isWhole ? format.CLASS_HOLE : format.CLASS_SKIP);
    const isRomDevice = region.kind === 'rom-device';
    if (region.isRam || (isRomDevice && region.romd)) {
      if (!isWhole) return format.CLASS_SKIP;
      const kind = readonly ? format.CLASS_ROM : isRomDevice ? format.CLASS_ROM_DEVICE : format.CLASS_RAM;
      return this.entryOf(this.memoryCell(region, offset), kind);
    }
    return this.entryOf(
      this.deviceCell(region, offset),
      readonly ? format.CLASS_DEVICE_READONLY : format.CLASS_DEVICE,
    );
  }

  /** Memory cells made since the last call; their words must hold their tags before they are read. */
  takeFresh(): readonly CellOrigin[] {
    const { fresh } = this;
    this.fresh = [];
    return fresh;
  }

  originOf(cell: number): CellOrigin | undefined {
    return this.origins[cell];
  }

  /** Whose word carries `tag`, for the report of a violation. */
  findTag(tag: number): CellOrigin | undefined {
    return this.origins.find((origin) => origin.tag === tag);
  }

  /** All memory cells with the word that must be in memory once no vCPU runs. */
  *finalWords(): Iterable<{ readonly origin: CellOrigin; readonly word: number }> {
    const { versions, slotCount } = this.shared;
    for (const origin of this.origins) {
      if (!origin.isMemory) continue;
      const version = versions[origin.owner * slotCount + origin.slot]!;
      yield { origin, word: origin.tag | (version << format.VERSION_SHIFT) };
    }
  }

  private entryOf(cell: number | null, kind: number): number {
    return cell === null ? format.CLASS_SKIP : format.entryFrom(cell, kind);
  }

  private memoryCell(region: MemoryRegion, offset: bigint): number | null {
    const known = this.memoryCells.get(region)?.get(offset);
    if (known !== undefined) return known;
    const isOdd = (offset & 3n) !== 0n || offset + WORD_BYTES > region.size;
    if (isOdd || this.reserved.get(region)?.has(offset)) return null;
    if (this.memoryTags === format.MEMORY_TAG_MAX || this.slots === this.shared.slotCount) return null;
    const probe = probeOf(region);
    if (region.kind === 'rom-device' && probe === null) return null;
    const tag = this.memoryTags + 1;
    const writeTag = probe === null ? tag : format.deviceTag(probe, Number(offset));
    const cell = this.newCell({ region, offset, isMemory: true, tag }, writeTag, this.slots);
    if (cell === null) return null;
    this.memoryTags += 1;
    this.slots += 1;
    remember(this.memoryCells, region, offset, cell);
    this.fresh.push(this.origins[cell]!);
    return cell;
  }

  private deviceCell(region: MemoryRegion, offset: bigint): number | null {
    const known = this.deviceCells.get(region)?.get(offset);
    if (known !== undefined) return known;
    const probe = probeOf(region);
    if (probe === null || offset >= DEVICE_OFFSET_MAX) return null;
    const register = probe * format.REGISTER_COUNT + format.registerAt(Number(offset));
    const slot = this.deviceSlots.get(register) ?? this.slots;
    if (slot === this.shared.slotCount) return null;
    const tag = format.deviceTag(probe, Number(offset));
    const cell = this.newCell({ region, offset, isMemory: false, tag }, tag, slot);
    if (cell === null) return null;
    if (slot === this.slots) this.slots += 1;
    this.deviceSlots.set(register, slot);
    remember(this.deviceCells, region, offset, cell);
    return cell;
  }

  private newCell(part: Omit<CellOrigin, 'slot' | 'owner'>, writeTag: number, slot: number): number | null {
    const cell = this.origins.length;
    if (cell === format.CELL_COUNT_MAX) return null;
    const owner = slot % this.shared.vcpuCount;
    this.origins.push({ ...part, slot, owner });
    const word = cell * format.CELL_STRIDE_WORDS;
    this.shared.cells[word + format.CELL_TAG] = part.tag;
    this.shared.cells[word + format.CELL_WRITE_TAG] = writeTag;
    this.shared.cells[word + format.CELL_SLOT] = slot;
    this.shared.cells[word + format.CELL_OWNER] = owner;
    return cell;
  }
}

function remember(
  cells: Map<MemoryRegion, Map<bigint, number>>,
  region: MemoryRegion,
  offset: bigint,
  cell: number,
): void {
  const ofRegion = cells.get(region);
  if (ofRegion === undefined) cells.set(region, new Map([[offset, cell]]));
  else ofRegion.set(offset, cell);
}
