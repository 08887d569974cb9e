/**
 * For a vCPU that translates guest code: whether pages were written since it read them, by any thread, by stores
 * or in bulk. One thread's own.
 * Guarantee: if isIntact() says true, nothing was written to the page since the first protect() of it that said
 * true, but what the guest itself leaves unordered with the question. It never takes a lock and never waits.
 * Writes: the bits of DIRTY_CLIENT_CODE of pages that it protects, WORD_DIRTY_EPOCH.
 *
 * A page is protected in two steps. Its bit is cleared, so that whoever looks at it before a store moves its
 * version; and every thread must drop the stores that it armed before. So protect() says false until each reader has
 * passed a checkpoint or is offline: what is translated meanwhile must not be kept.
 */
import { DIRTY_CLIENT_CODE } from '../base/dirty-log.ts';
import { MemoryError } from '../base/errors.ts';
import {
  GENERATION_OFFLINE,
  READER_ANNOUNCED,
  READER_COUNT_MAX,
  READER_DIRTY_EPOCH,
  readerWord,
  type SharedWords,
  WORD_DIRTY_EPOCH,
} from '../layout/control-block.ts';
import { codeVersion, pagesAreDirty, takeDirtyPages } from '../layout/dirty-bitmap.ts';
import type { AddressSpacePort } from './address-space-port.ts';
import type { RamViews } from './ram-views.ts';
import type { ReaderSession } from './reader-session.ts';
import { PAGE_MASK } from './tlb.ts';
import { CODE_BUFFER_PAGES, NO_CODE_PAGE } from './view-reader.ts';

/** What the thread knows of one guest page. */
interface Protection {
  /** The page of RAM: see ViewReader.codePage. */
  readonly code: number;
  /** Version of the page before its bit was cleared. */
  readonly version: number;
  /** Every reader that reached it has dropped its armed stores. */
  readonly epoch: number;
  isComplete: boolean;
}

const CODE_MASK = 1 << DIRTY_CLIENT_CODE;

export class CodeWatch {
  /**
   * Called in the thread whose write hits a page that some vCPU protects, just before the write. It may note what to
   * drop, but not protect again.
   */
  onWritten: (hi: number, lo: number, size: number) => void = () => {};
  private readonly words: SharedWords;
  private readonly session: ReaderSession;
  private readonly ram: RamViews;
  private readonly known = new WeakMap<AddressSpacePort, Map<number, Protection>>();
  private inWrite = false;

  constructor(words: SharedWords, session: ReaderSession, ram: RamViews) {
    this.words = words;
    this.session = session;
    this.ram = ram;
    ram.onCodeWritten = (hi, lo, size) => this.written(hi, lo, size);
  }

  /**
   * Protects the pages of `size` bytes at (hi, lo). Call it before the code is read.
   * @returns true if what is read from now on is guarded; false if not yet, or never: the page is not wholly RAM or
   *   ROM that logs code (DirtyLog.setLogsCode), aligned as in its buffer
   * @throws MemoryError INVALID_ARGUMENT from inside onWritten
   */
  protect(port: AddressSpacePort, hi: number, lo: number, size: number): boolean {
    if (this.inWrite) {
      throw new MemoryError(
        'INVALID_ARGUMENT',
        'protect() was called by onWritten, before the write that it tells of; note the page and protect it afterwards',
      );
    }
    const known = this.knownOf(port);
    let isComplete = true;
    for (let at = lo & PAGE_MASK, left = pageCount(lo, size); left > 0; left -= 1) {
      if (!this.protectPage(known, port, hi, at)) isComplete = false;
      at = (at - PAGE_MASK) | 0;
      if (at === 0) hi = (hi + 1) | 0;
    }
    return isComplete;
  }

  /** Whether none of those pages was written or remapped since protect() said true. */
  isIntact(port: AddressSpacePort, hi: number, lo: number, size: number): boolean {
    const known = this.knownOf(port);
    for (let at = lo & PAGE_MASK, left = pageCount(lo, size); left > 0; left -= 1) {
      const protection = known.get(pageKey(hi, at));
      if (protection?.isComplete !== true || !this.isCurrent(protection, port, hi, at)) return false;
      at = (at - PAGE_MASK) | 0;
      if (at === 0) hi = (hi + 1) | 0;
    }
    return true;
  }

  private protectPage(
    known: Map<number, Protection>,
    port: AddressSpacePort,
    hi: number,
    lo: number,
  ): boolean {
    let protection = known.get(pageKey(hi, lo));
    if (protection === undefined || !this.isCurrent(protection, port, hi, lo) || this.mustClear(protection)) {
      const code = port.codePage(hi, lo);
      if (code === NO_CODE_PAGE) return false;
      protection = this.clear(code);
      known.set(pageKey(hi, lo), protection);
    }
    // A store that moved the version may set the bit later, when it was cleared again: so it is looked at last.
    protection.isComplete ||= this.everyoneReached(protection.epoch) && !this.mustClear(protection);
    return protection.isComplete;
  }

  /** Its bit was set by a thread that had moved the version before we took it. */
  private mustClear({ code, isComplete }: Protection): boolean {
    return !isComplete && pagesAreDirty(this.bitsOf(code), pageOf(code), pageOf(code), CODE_MASK);
  }

  private isCurrent({ code, version }: Protection, port: AddressSpacePort, hi: number, lo: number): boolean {
    return port.codePage(hi, lo) === code && codeVersion(this.bitsOf(code), pageOf(code)) === version;
  }

  private clear(code: number): Protection {
    const bits = this.bitsOf(code);
    const page = pageOf(code);
    const version = codeVersion(bits, page);
    takeDirtyPages(bits, page, page, DIRTY_CLIENT_CODE, () => {});
    const epoch = (Atomics.add(this.words, WORD_DIRTY_EPOCH, 1) + 1) | 0; // pairs with ReaderSession.rearm
    Atomics.notify(this.words, WORD_DIRTY_EPOCH); // wakes ControlMemory.rearmInTurns
    this.session.rearm();
    return { code, version, epoch, isComplete: false };
  }

  /** Whether no reader has stores left that it armed before `epoch`. One that is offline will look when it comes. */
  private everyoneReached(epoch: number): boolean {
    for (let slot = 0; slot < READER_COUNT_MAX; slot += 1) {
      const word = readerWord(slot);
      if (Atomics.load(this.words, word + READER_ANNOUNCED) === GENERATION_OFFLINE) continue;
      const reached = Atomics.load(this.words, word + READER_DIRTY_EPOCH); // pairs with ReaderSession.rearm
      if (((reached - epoch) | 0) < 0) return false;
    }
    return true;
  }

  private bitsOf(code: number): SharedWords {
    return this.ram.get(Math.floor(code / CODE_BUFFER_PAGES)).dirty;
  }

  private written(hi: number, lo: number, size: number): void {
    this.inWrite = true;
    try {
      this.onWritten(hi, lo, size);
    } finally {
      this.inWrite = false;
    }
  }

  private knownOf(port: AddressSpacePort): Map<number, Protection> {
    const known = this.known.get(port) ?? new Map<number, Protection>();
    this.known.set(port, known);
    return known;
  }
}

const pageOf = (code: number): number => code % CODE_BUFFER_PAGES;

/** Number of the guest's page, below 2^52. */
const pageKey = (hi: number, lo: number): number => (hi >>> 0) * 2 ** 20 + (lo >>> 12);

/** How many pages `size` bytes from `lo` on touch. */
const pageCount = (lo: number, size: number): number => Math.ceil(((lo & ~PAGE_MASK) + size) / -PAGE_MASK);
