/** The control side of shuffle.ts: windows in a machine, moved from layout to layout. */
import { MemoryRegion } from '../src/model/memory-region.ts';
import type { Bed } from './bed.ts';
import {
  HOLE,
  INTENT,
  LATEST,
  PAGE_BYTES,
  PAGE_COUNT,
  pageIn,
  WINDOW_COUNT,
  windowAddress,
  windowChanges,
  wordOf,
} from './shuffle.ts';

export class ShuffledMachine {
  readonly root = MemoryRegion.container('root', 2n ** 64n);
  /** LATEST and INTENT are kept up to date here. */
  readonly words: Int32Array<SharedArrayBuffer>;
  tag = 0;
  private readonly bed: Bed;
  private readonly ram = MemoryRegion.ram('pages', PAGE_COUNT * PAGE_BYTES);
  private readonly windows: MemoryRegion[] = [];

  /** Publishes layout 0 as the address space `memory`. */
  constructor(bed: Bed, words: Int32Array<SharedArrayBuffer>) {
    this.bed = bed;
    this.words = words;
    const { machine, seed } = bed;
    const content = new Int32Array((PAGE_COUNT * PAGE_BYTES) / 4);
    for (let index = 0; index < content.length; index += 1) {
      content[index] = wordOf(index >> 10, (index & 1023) << 2);
    }
    machine.writeRam(this.ram, 0, new Uint8Array(content.buffer));
    for (let window = 0; window < WINDOW_COUNT; window += 1) {
      const page = pageIn(seed, 0, window);
      const offset = Math.max(page, 0) * PAGE_BYTES;
      const alias = MemoryRegion.alias(`window ${window}`, this.ram, offset, PAGE_BYTES, {
        enabled: page !== HOLE,
      });
      this.root.addSubregion(windowAddress(window), alias);
      this.windows.push(alias);
    }
    machine.layoutTag = 0;
    machine.addAddressSpace('memory', this.root);
  }

  /** Publishes the next layout, in one transaction. */
  async next(): Promise<void> {
    const change = this.begin();
    await this.bed.commit(change);
    this.end();
  }

  /** Changes everything to the next layout, for a transaction that fails: nobody is told that it may come. */
  get change(): () => void {
    const tag = this.tag + 1;
    this.bed.machine.layoutTag = tag;
    return () => {
      for (let window = 0; window < WINDOW_COUNT; window += 1) {
        if (windowChanges(window, tag)) this.turn(window, tag);
      }
    };
  }

  /** The same, with `more` in the transaction; false if it was refused because vCPUs are too far behind. */
  tryNext(more: () => void = () => {}): boolean {
    const change = this.begin();
    const done = this.bed.tryCommit(() => {
      change();
      more();
    });
    if (done) this.end();
    return done;
  }

  private begin(): () => void {
    Atomics.store(this.words, INTENT, this.tag + 1);
    return this.change;
  }

  private end(): void {
    this.tag += 1;
    Atomics.store(this.words, LATEST, this.tag);
  }

  private turn(window: number, tag: number): void {
    const alias = this.windows[window]!;
    const page = pageIn(this.bed.seed, tag, window);
    alias.setEnabled(page !== HOLE);
    if (page !== HOLE) alias.setAliasOffset(page * PAGE_BYTES);
  }
}
