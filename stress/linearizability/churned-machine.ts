/**
 * The control side of a history: a real machine that goes from layout to layout, and the record of what was done.
 * Guarantee: BOARD_INTENT and BOARD_PUBLISHED bound what any vCPU can have taken; a commit that was refused leaves
 * no trace in the record.
 */
import {
  controlDevice,
  type DeviceBinding,
  hostedDevice,
  localDevice,
} from '../../src/base/device-binding.ts';
import type { SharedWords } from '../../src/layout/control-block.ts';
import type { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import type { Bed } from '../bed.ts';
import { BOARD_INTENT, BOARD_PUBLISHED, LINE_MOVED, land, lineWord } from './board.ts';
import { firstLayout, HOSTED_DEVICE, moveOf, nextEdits, SPACES } from './churned-layout.ts';
import { codedByte, codedValue, type Giver, isPrivate, writerOf } from './coded-bytes.ts';
import type { History } from './history.ts';
import { type Edit, edited, type RecordedLayout } from './recorded-layout.ts';

const deviceModule = new URL('../devices/coded.ts', import.meta.url);
/** One write in so many to a BAR moves it. */
const MOVES_ONE_IN = 2;

export class ChurnedMachine {
  /** Number of the layout in use. */
  version = 0;
  private layout: RecordedLayout;
  /** Since the chapter began. */
  private changes: Edit[][] = [];
  private first: RecordedLayout;
  private readonly bed: Bed;
  private readonly board: SharedWords;
  private readonly host: number;
  private readonly regions: MemoryRegion[] = [];
  private readonly spaces: AddressSpace[];

  /** @param host where the hosted device lives */
  constructor(bed: Bed, board: SharedWords, host: number) {
    this.bed = bed;
    this.board = board;
    this.host = host;
    this.layout = firstLayout(bed.random);
    this.first = this.layout;
    const { regions, roots } = this.layout;
    for (const number of regions.keys()) this.regions.push(this.build(number));
    for (const [number, { children }] of regions.entries()) {
      for (const child of children) {
        const { address, priority } = regions[child]!;
        this.regions[number]!.addSubregionOverlap(address, this.regions[child]!, priority);
      }
    }
    this.spaces = roots.map((root, space) =>
      bed.machine.addAddressSpace(SPACES[space]!, this.regions[root]!),
    );
  }

  /** From here on a history begins. */
  beginChapter(): void {
    this.first = this.layout;
    this.changes = [];
  }

  /** The chapter's, with what the vCPUs saw. */
  history(vcpus: History['vcpus']): History {
    const { first, changes, version } = this;
    return { version: version - changes.length, first, changes, vcpus };
  }

  /** Publishes another layout; false if it was refused because vCPUs are too far behind. */
  tryNext(): boolean {
    return this.tryPublish(nextEdits(this.layout, this.bed.random));
  }

  private tryPublish(edits: Edit[]): boolean {
    const version = this.version + 1;
    Atomics.store(this.board, BOARD_INTENT, version);
    const done = this.bed.tryCommit(() => {
      for (const edit of edits) this.apply(edit);
    });
    if (!done) return false;
    this.layout = edits.reduce(edited, this.layout);
    this.changes.push(edits);
    this.version = version;
    Atomics.store(this.board, BOARD_PUBLISHED, version);
    return true;
  }

  /** A write of `vcpu` to a BAR: the BAR may go elsewhere before the write is answered. */
  private written(number: number, vcpu: number): void {
    if (this.bed.random.below(MOVES_ONE_IN) !== 0) return;
    if (!this.tryPublish([moveOf(this.layout, number, this.bed.random)])) return;
    Atomics.store(this.board, lineWord(vcpu, LINE_MOVED), this.version);
  }

  private apply(edit: Edit): void {
    if (edit.op === 'root') {
      this.spaces[edit.space]!.setRoot(this.regions[edit.region]!);
      return;
    }
    const region = this.regions[edit.region]!;
    if (edit.op === 'move') region.setAddress(edit.address);
    else if (edit.op === 'enable') region.setEnabled(edit.enabled);
    else if (edit.op === 'protect') region.setReadonly(edit.readonly);
    else if (edit.op === 'romd') region.setRomd(edit.romd);
    else if (edit.op === 'resize') region.setSize(edit.size);
    else if (edit.op === 'show') region.setAliasOffset(edit.aliasOffset);
    else {
      region.container?.delSubregion(region);
      if (edit.op === 'unmap') return;
      this.regions[edit.container]!.addSubregionOverlap(edit.address, region, edit.priority);
    }
  }

  /** Aliases come after what they show. */
  private build(number: number): MemoryRegion {
    const { name, kind, size, enabled, readonly, romd, target, aliasOffset } = this.layout.regions[number]!;
    const options = { enabled, readonly };
    if (kind === 'container') return MemoryRegion.container(name, BigInt(size), options);
    if (kind === 'alias') return MemoryRegion.alias(name, this.regions[target]!, aliasOffset, size, options);
    if (kind === 'local' || kind === 'homed')
      return MemoryRegion.io(name, size, this.bind(number, kind), options);
    const memory =
      kind === 'ram'
        ? MemoryRegion.ram(name, size, options)
        : MemoryRegion.romDevice(name, size, this.bind(number, 'local'), { ...options, romd });
    const byteAt = (offset: number): number => (isPrivate(offset) ? 0 : codedByte('memory', number, offset));
    const bytes = Uint8Array.from({ length: size }, (_, offset) => byteAt(offset));
    this.bed.machine.writeRam(memory, 0, bytes);
    return memory;
  }

  private bind(region: number, giver: Giver): DeviceBinding {
    const options = { state: this.board.buffer, data: { region, giver } };
    if (giver === 'local') return localDevice(deviceModule, { ...options, lock: 'none' });
    const onAsk = (vcpu: unknown): void => this.written(region, vcpu as number);
    if (region === HOSTED_DEVICE) return hostedDevice(this.host, deviceModule, { ...options, onAsk });
    return controlDevice({
      read: (offset, size) => codedValue('homed', region, offset, size),
      write: (offset, value, size) => {
        const vcpu = writerOf(value);
        land(this.board, vcpu, { region, offset, size });
        this.written(region, vcpu);
      },
    });
  }
}
