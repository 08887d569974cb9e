/** Reads and writes all over a layout that changes, and records what came of it, chapter after chapter. */
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import type { ViewHold } from '../../src/vcpu/view-hold.ts';
import {
  BOARD_CHAPTER,
  BOARD_INTENT,
  BOARD_PUBLISHED,
  forgetLandings,
  LINE_DONE,
  LINE_MOVED,
  LINE_RECORDED,
  landings,
  lineWord,
} from '../linearizability/board.ts';
import {
  AREA_PAGES,
  AREA_START,
  FIRST_RAM,
  PAGE_BYTES,
  RAM_COUNT,
  RAM_PAGES,
  SPACE_RAM,
  SPACES,
} from '../linearizability/churned-layout.ts';
import { mark, PRIVATE_BYTES, privateOffset } from '../linearizability/coded-bytes.ts';
import { COPY_BYTES_MAX, Recorder } from '../linearizability/history.ts';
import { spin, stressProgram, type UnderStress } from '../vcpu-side.ts';

export interface HistorianJob {
  /** Where it writes what it saw. */
  readonly history: SharedArrayBuffer;
}

const SIZES = [1, 2, 4, 4, 4, 8] as const;
/** Addresses to which a vCPU comes back, so that they are in its TLB. */
const SPOTS = 48;
const SLICE_MAX = 40;
/** One checkpoint in so many is a sleep, so that others get the cores too. */
const SLEEPS_ONE_IN = 12;
/** Copies by a layout that is held, on average: over some 1,000 accesses. */
const HELD_COPIES = 64;
const IDLE_MS = 2;

class Historian {
  private readonly under: UnderStress<HistorianJob>;
  private readonly ports: readonly MemoryPort[];
  private readonly recorder: Recorder;
  private readonly spots: readonly number[];
  private moved = 0;
  private held: { readonly space: number; readonly hold: ViewHold } | null = null;

  constructor(under: UnderStress<HistorianJob>) {
    this.under = under;
    this.ports = SPACES.map((name) => under.vcpu.port(name));
    this.recorder = new Recorder(new Int32Array(under.job.history));
    this.spots = Array.from({ length: SPOTS }, () => this.anywhere());
  }

  /** @returns false if the vCPU shall stop */
  chapter(): boolean {
    const { under, recorder } = this;
    const { vcpu, random } = under;
    recorder.clear();
    this.letGo();
    while (!recorder.isFull) {
      const oldest = this.published;
      const goesOn = random.below(SLEEPS_ONE_IN) === 0 ? vcpu.waitForInterrupt(1) : vcpu.checkpoint();
      if (!goesOn) return false;
      recorder.checkpoint(oldest, this.intended);
      this.slice(1 + random.below(SLICE_MAX));
    }
    return true;
  }

  private slice(count: number): void {
    const { vcpu, random } = this.under;
    const inSection = random.below(8) === 0;
    if (inSection) vcpu.readLock();
    for (let access = 0; access < count && !this.recorder.isFull; access += 1) {
      const kind = random.weighted([12, 2, 1, 1]);
      if (kind === 0) this.read();
      else if (kind === 1) this.write();
      else if (kind === 2) this.copy(random.below(SPACE_RAM), null);
      else this.copyHeld();
      if (inSection) vcpu.checkpoint(); // it must change nothing, so it is not recorded
      if (random.below(64) === 0) spin(random.below(2000));
    }
    if (inSection) vcpu.readUnlock();
  }

  private read(): void {
    const { random } = this.under;
    const space = random.below(SPACE_RAM);
    const port = this.ports[space]!;
    const size = random.pick(SIZES);
    const spot = random.below(4) === 0 ? this.anywhere() : random.pick(this.spots);
    const address = random.below(3) === 0 ? spot + random.below(16) - 8 : spot - (spot % size);
    const hi = Math.floor(address / 2 ** 32);
    const lo = address | 0;
    const oldest = this.published;
    const value =
      size === 1
        ? port.load8(hi, lo)
        : size === 2
          ? port.load16(hi, lo)
          : size === 4
            ? port.load32(hi, lo)
            : port.load64(hi, lo);
    const { result, high } = port;
    this.recorder.read({ space, address, result, oldest, newest: this.intended }, size, value, high);
    this.count();
  }

  /** By a layout that stays, over many checkpoints. */
  private copyHeld(): void {
    const { random } = this.under;
    if (this.held === null || random.below(HELD_COPIES) === 0) {
      this.letGo();
      const space = random.below(SPACE_RAM);
      this.held = { space, hold: this.ports[space]!.holdView() };
      this.recorder.hold(space);
    }
    this.copy(this.held.space, this.held.hold);
  }

  private letGo(): void {
    this.held?.hold.release();
    this.held = null;
  }

  private copy(space: number, hold: ViewHold | null): void {
    const { random } = this.under;
    const address = this.anywhere() - random.below(COPY_BYTES_MAX);
    const bytes = new Uint8Array(1 + random.below(COPY_BYTES_MAX));
    const oldest = this.published;
    const result = (hold ?? this.ports[space]!).readBytes(address, bytes);
    this.recorder.copy({ space, address, result, oldest, newest: this.intended }, hold !== null, bytes);
    this.count();
  }

  /** Into the bytes that are its own in every page, so that it disturbs nobody. */
  private write(): void {
    const { random, words, orders } = this.under;
    const space = random.below(SPACE_RAM);
    const port = this.ports[space]!;
    const size = random.pick(SIZES);
    const inPage = privateOffset(orders.number) + random.below(PRIVATE_BYTES + 1 - size);
    const spot = random.pick(this.spots);
    const address = spot - (spot % PAGE_BYTES) + (random.below(3) === 0 ? inPage : inPage - (inPage % size));
    const hi = Math.floor(address / 2 ** 32);
    const lo = address | 0;
    const value = Math.imul(mark(orders.number), 0x01010101);
    forgetLandings(words, orders.number);
    const oldest = this.published;
    if (size === 1) port.store8(hi, lo, value);
    else if (size === 2) port.store16(hi, lo, value);
    else if (size === 4) port.store32(hi, lo, value);
    else port.store64(hi, lo, value, value);
    const { result } = port;
    const newest = this.intended;
    this.recorder.write({ space, address, result, oldest, newest }, size, this.made(), this.landed());
    this.count();
  }

  /** Where the write went: what devices tell, and what is found in RAM, where it is wiped out again. */
  private landed(): [region: number, offset: number][] {
    const { words, orders } = this.under;
    const landed = landings(words, orders.number).flatMap(({ region, offset, size }) =>
      Array.from({ length: size }, (_, byte): [number, number] => [region, offset + byte]),
    );
    const port = this.ports[SPACE_RAM]!;
    for (let page = 0; page < RAM_COUNT * RAM_PAGES; page += 1) {
      const own = page * PAGE_BYTES + privateOffset(orders.number);
      for (let word = own; word < own + PRIVATE_BYTES; word += 4) {
        if (port.load32(0, word) === 0) continue;
        for (let at = word; at < word + 4; at += 1) {
          if (port.load8(0, at) === 0) continue;
          const offset = at % (RAM_PAGES * PAGE_BYTES);
          landed.push([FIRST_RAM + Math.floor(page / RAM_PAGES), offset]);
        }
        port.store32(0, word, 0);
      }
    }
    return landed;
  }

  /** The newest layout that a device made of this vCPU's write, if it has not been told yet. */
  private made(): number {
    const { words, orders } = this.under;
    const moved = Atomics.load(words, lineWord(orders.number, LINE_MOVED));
    const isNew = moved !== this.moved;
    this.moved = moved;
    return isNew ? moved : 0;
  }

  /** Pages' starts, more often than what is in between. */
  private anywhere(): number {
    const { random } = this.under;
    const page = AREA_START + random.below(AREA_PAGES) * PAGE_BYTES;
    return page + (random.below(2) === 0 ? 0 : random.below(PAGE_BYTES));
  }

  private count(): void {
    Atomics.add(this.under.words, lineWord(this.under.orders.number, LINE_RECORDED), 1);
  }

  private get published(): number {
    return Atomics.load(this.under.words, BOARD_PUBLISHED);
  }

  private get intended(): number {
    return Atomics.load(this.under.words, BOARD_INTENT);
  }
}

export default stressProgram<HistorianJob>((under) => {
  const { vcpu, words, orders } = under;
  const historian = new Historian(under);
  for (let chapter = 1; ; chapter += 1) {
    while (Atomics.load(words, BOARD_CHAPTER) < chapter) if (!vcpu.waitForInterrupt(IDLE_MS)) return;
    if (!historian.chapter()) return;
    Atomics.store(words, lineWord(orders.number, LINE_DONE), chapter);
  }
});
