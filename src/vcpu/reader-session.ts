/**
 * A vCPU's reader together with the ports that rest on it: leaves the grace period before anything that
 * blocks, and comes back with every port on the newest layout.
 * Guarantee: after attach() and refresh() no port uses anything that was loaded before.
 * Writes: READER_PHASE, READER_DIRTY_EPOCH, READER_WAITS, and through GraceReader its other words. One thread's own.
 *
 * Inside a read section it stays online while it waits: what the section holds stays valid, and the grace
 * periods of others wait for it. Nothing deadlocks by that, for the control thread never waits for readers.
 */
import type { GraceReader } from '../grace/reader.ts';
import {
  GENERATION_OFFLINE,
  PHASE_RUNNING,
  PHASE_WAITING_FOR_DEVICE,
  READER_DIRTY_EPOCH,
  READER_PHASE,
  READER_RUN_STATE,
  READER_WAITS,
  RUN_STATE_RUN,
  readerWord,
  type SharedWords,
  WORD_DIRTY_EPOCH,
} from '../layout/control-block.ts';

/** What loads the root again, and forgets which stores need no mark; a MemoryPort. */
export interface Refreshable {
  refresh(): void;
  disarm(): void;
}

export class ReaderSession {
  readonly reader: GraceReader;
  /**
   * True if RUN_STATE must be looked at though the generation has not moved: it may have changed while
   * this reader was offline, before the generation that it came online with.
   */
  attention = false;
  /** WORD_DIRTY_EPOCH as the ports know it: no store goes unseen to a page whose dirty bits were cleared before. */
  dirtyEpoch: number;
  /**
   * Called when the reader comes online in another generation than the last time: what was posted meanwhile, and
   * that no access would miss, is to be taken in.
   */
  onMoved: () => void = () => {};
  private generation = GENERATION_OFFLINE;
  private readonly words: SharedWords;
  private readonly phaseWord: number;
  private readonly runStateWord: number;
  private readonly dirtyEpochWord: number;
  private readonly waitsWord: number;
  private readonly ports: Refreshable[] = [];

  constructor(words: SharedWords, reader: GraceReader) {
    this.words = words;
    this.reader = reader;
    this.phaseWord = readerWord(reader.slot) + READER_PHASE;
    this.runStateWord = readerWord(reader.slot) + READER_RUN_STATE;
    this.dirtyEpochWord = readerWord(reader.slot) + READER_DIRTY_EPOCH;
    this.waitsWord = readerWord(reader.slot) + READER_WAITS;
    this.dirtyEpoch = (Atomics.load(words, WORD_DIRTY_EPOCH) - 1) | 0; // so that the first rearm() says so
  }

  /** Keeps `port` on the newest layout from now on. */
  add(port: Refreshable): void {
    if (this.reader.isOnline) port.refresh();
    this.ports.push(port);
  }

  /** Before blocking. Whatever was loaded from the ports' map is forgotten by the caller. */
  detach(phase: number): void {
    Atomics.store(this.words, this.phaseWord, phase); // pairs with VcpuHandle.pause
    // Before it goes offline: who sees that sees that it may still be inside of a device.
    this.noteWait(phase === PHASE_WAITING_FOR_DEVICE);
    if (this.reader.isOnline && this.reader.sectionDepth === 0) this.reader.offline();
  }

  /** After blocking: online, on the newest layout. */
  attach(): void {
    if (!this.reader.isOnline) this.reader.online();
    this.words[this.phaseWord] = PHASE_RUNNING;
    this.refresh();
    if (this.reader.generation !== this.generation) {
      this.generation = this.reader.generation;
      this.onMoved();
    }
    // After online(): if its generation is already the one that announced a new run state, the store of
    // that run state is visible here. Otherwise the next checkpoint finds the generation moved.
    if (Atomics.load(this.words, this.runStateWord) !== RUN_STATE_RUN) this.attention = true; // pairs with VcpuSet.setRunState
  }

  /** Inside an access that waits; or, at a checkpoint, inside none. */
  noteWait(isInside: boolean): void {
    const { words, waitsWord } = this;
    const waits = words[waitsWord]!; // ours alone
    if (((waits & 1) !== 0) !== isInside) Atomics.store(words, waitsWord, (waits + 1) | 0); // pairs with DeviceEnds
  }

  refresh(): void {
    this.rearm();
    const ports = this.ports;
    for (let index = 0; index < ports.length; index += 1) ports[index]!.refresh();
  }

  /**
   * Lets the ports' stores look at the dirty bits again, if any were cleared. The epoch is loaded first: bits
   * that were cleared before it was reached are seen to be clear.
   */
  rearm(): void {
    const { words, ports } = this;
    const epoch = Atomics.load(words, WORD_DIRTY_EPOCH); // pairs with DirtyLog and CodeWatch, which add to it
    if (epoch === this.dirtyEpoch) return;
    this.dirtyEpoch = epoch;
    for (let index = 0; index < ports.length; index += 1) ports[index]!.disarm();
    Atomics.store(words, this.dirtyEpochWord, epoch); // pairs with CodeWatch.everyoneReached
  }

  /** Ends the session for good, also from the middle of a read section. */
  end(phase: number): void {
    while (this.reader.sectionDepth > 0) this.reader.readUnlock();
    this.detach(phase);
    Atomics.notify(this.words, this.phaseWord); // wakes VcpuHandle.pause
  }
}
