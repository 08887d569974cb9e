/**
 * What a vCPU program is given: memory ports that are lock-free readers of the machine's layout, and the
 * points at which it lets go of old layouts and obeys the control thread.
 * Guarantee: between two checkpoints every port shows one layout, unless an access to a homed device
 * brought a newer one; at a checkpoint every port takes the newest.
 * Writes: its reader's words (through GraceReader), READER_PHASE. One thread's own.
 */

import type { MessagePort } from 'node:worker_threads';
import { MemoryError } from '../base/errors.ts';
import { MEMTXATTRS_SECURE, type MemTxAttrs } from '../base/mem-tx-attrs.ts';
import type { GraceReader } from '../grace/reader.ts';
import type { SharedMachine } from '../layout/attachments.ts';
import {
  ADDRESS_SPACE_COUNT_MAX,
  PHASE_FINISHED,
  PHASE_PAUSED,
  PHASE_WAITING_FOR_INTERRUPT,
  READER_INTERRUPTS,
  READER_KICK,
  READER_PHASE,
  READER_RUN_STATE,
  RUN_STATE_PAUSE,
  RUN_STATE_STOP,
  readerWord,
  type SharedWords,
  WORD_DIRTY_EPOCH,
} from '../layout/control-block.ts';
import { AttachmentInbox } from './attachment-inbox.ts';
import { CodeWatch } from './code-watch.ts';
import type { DeviceReport } from './failure-reports.ts';
import type { MemoryPort } from './memory-port.ts';
import type { ReaderSession } from './reader-session.ts';
import { ThreadMemory } from './thread-memory.ts';

/** What a vCPU is made of in its thread. */
export interface VcpuParts {
  readonly slot: number;
  readonly machine: SharedMachine;
  /** Attachments arrive here, device reports leave. */
  readonly port: MessagePort;
  /** Address spaces by name, `memory` first; empty: the machine's first. */
  readonly addressSpaces: readonly string[];
}

const dirtyEpochWord = WORD_DIRTY_EPOCH; // a local name: V8 does not fold imported bindings

export class Vcpu {
  /** Also its reader slot. */
  readonly id: number;
  /** The first of its address spaces. */
  readonly memory: MemoryPort;
  /**
   * Which of its address spaces an access with given attributes belongs to, as an index into `ports`: the
   * second for secure ones, where there are two. Another rule may be put in its place.
   * @source QEMU asidx_from_attrs
   */
  asidxFromAttrs: (attrs: MemTxAttrs) => number;
  /** Which guest code was written since it was translated. */
  readonly code: CodeWatch;
  /** To the address spaces that it was started with, in their order. */
  readonly ports: readonly MemoryPort[];
  private readonly thread: ThreadMemory;
  private readonly words: SharedWords;
  private readonly reader: GraceReader;
  private readonly session: ReaderSession;
  private readonly inbox: AttachmentInbox;
  private readonly runStateWord: number;
  private readonly interruptWord: number;
  private readonly phaseWord: number;
  private readonly kickWord: number;
  private interruptsSeen = 0;

  /** Online, on the newest layout, with all devices loaded. end() must follow, whatever happens. */
  constructor(parts: VcpuParts) {
    const { slot, machine, port } = parts;
    this.id = slot;
    this.thread = new ThreadMemory(machine, slot, (report: DeviceReport) => port.postMessage(report));
    const { words, reader, session, ram, devices } = this.thread;
    this.words = words;
    this.reader = reader;
    this.session = session;
    this.inbox = new AttachmentInbox(words, port, this.thread);
    this.code = new CodeWatch(words, session, ram);
    this.thread.onMissing = () => this.inbox.drain();
    this.thread.holds.clients.onWaiting = () => {
      session.attention = true; // the next checkpoint looks for bounce bytes
    };
    session.onMoved = () => this.inbox.drain();
    devices.memory = { memory: (name) => this.port(name) };
    this.runStateWord = readerWord(slot) + READER_RUN_STATE;
    this.interruptWord = readerWord(slot) + READER_INTERRUPTS;
    this.phaseWord = readerWord(slot) + READER_PHASE;
    this.kickWord = readerWord(slot) + READER_KICK;
    const names = parts.addressSpaces.length > 0 ? parts.addressSpaces : [null];
    this.ports = names.map((name) => this.thread.port(this.inbox.addressSpace(name)));
    this.memory = this.ports[0]!;
    this.asidxFromAttrs = (attrs) => (attrs & MEMTXATTRS_SECURE && this.ports.length > 1 ? 1 : 0);
    devices.loadAll();
    session.attach();
    Atomics.notify(this.words, this.phaseWord); // pairs with VcpuHandle.comesUp
  }

  /**
   * The port to the machine's newest address space of that name; an address space has one port.
   * @throws MemoryError ADDRESS_SPACE_UNKNOWN
   */
  port(addressSpaceName: string): MemoryPort {
    return this.thread.port(this.inbox.addressSpace(addressSpaceName));
  }

  /**
   * The port to the address space of that number: Machine.indexOf. Of a number that no address space has, or has
   * any more, nothing is mapped.
   * @throws MemoryError ADDRESS_SPACE_UNKNOWN for what can be no such number
   */
  portAt(addressSpace: number): MemoryPort {
    if (Number.isInteger(addressSpace) && addressSpace >= 0 && addressSpace < ADDRESS_SPACE_COUNT_MAX)
      return this.thread.port(addressSpace);
    throw new MemoryError(
      'ADDRESS_SPACE_UNKNOWN',
      `vCPU ${this.id}: ${addressSpace} numbers no address space; give what Machine.indexOf() gave`,
    );
  }

  /**
   * The port for accesses with `attrs`, by asidxFromAttrs; it carries them from now on.
   * @throws MemoryError ADDRESS_SPACE_UNKNOWN if the rule names none that the vCPU was started with
   */
  portFor(attrs: MemTxAttrs): MemoryPort {
    const index = this.asidxFromAttrs(attrs);
    const port = this.ports[index];
    if (port === undefined) {
      throw new MemoryError(
        'ADDRESS_SPACE_UNKNOWN',
        `asidxFromAttrs gave ${index}, but vCPU ${this.id} was started with ${this.ports.length} address spaces`,
      );
    }
    port.attrs = attrs;
    return port;
  }

  /**
   * Lets go of the layout in use, takes the newest, and sleeps while the vCPU is paused. In quiet times it
   * costs an Atomics.load and a plain one; call it every few hundred to few thousand accesses. In a read section
   * it lets go of nothing.
   * @returns false if the vCPU shall stop: return from the program
   */
  checkpoint(): boolean {
    if (this.reader.quiescent() || this.session.attention) return this.attend();
    // A plain load: if a clear happened before, by whatever ordered it before this checkpoint, it is seen here.
    if (this.words[dirtyEpochWord] !== this.session.dirtyEpoch) this.session.rearm();
    return true;
  }

  /**
   * True while a grace period waits for this vCPU and has done so for a while. A program whose slices are long
   * asks now and then, and ends its slice; it costs one Atomics.load. checkpoint() is what it is kicked to.
   */
  get isKicked(): boolean {
    return Atomics.load(this.words, this.kickWord) !== 0; // pairs with GraceWriter.readerMoves
  }

  /**
   * Sleeps until an interrupt or kick that no call has seen yet, at most `timeoutMs`. Like a guest's WFI it
   * may return early: a pause, too, wakes it.
   * @returns what checkpoint() returns
   */
  waitForInterrupt(timeoutMs: number = Number.POSITIVE_INFINITY): boolean {
    if (this.reader.sectionDepth > 0) {
      throw new MemoryError(
        'INVALID_ARGUMENT',
        `vCPU ${this.id} calls waitForInterrupt() in a read section, where it would hold up every grace period; call readUnlock() first`,
      );
    }
    const { words, interruptWord } = this;
    if (Atomics.load(words, interruptWord) === this.interruptsSeen && this.checkpoint()) {
      this.thread.devices.handOverQueued();
      this.session.detach(PHASE_WAITING_FOR_INTERRUPT);
      Atomics.wait(words, interruptWord, this.interruptsSeen, timeoutMs); // pairs with raiseInterrupt
      this.session.attach();
    }
    this.interruptsSeen = Atomics.load(words, interruptWord);
    return this.checkpoint();
  }

  /** Opens a read section: until the matching readUnlock() the layout in use stays valid. They nest. */
  readLock(): void {
    if (this.reader.readLock()) this.session.refresh();
  }

  readUnlock(): void {
    this.reader.readUnlock();
  }

  /** Lets go of everything, for good. For the vCPU's runner. */
  end(): void {
    this.thread.devices.handOverQueued();
    this.thread.holds.end();
    this.session.end(PHASE_FINISHED);
  }

  /** The generation has moved, or the run state did while this reader was offline. */
  private attend(): boolean {
    if (this.reader.sectionDepth > 0) return true;
    this.session.noteWait(false);
    this.session.refresh();
    this.inbox.drain(); // views of removed RAM go, doorbells and coalesced ranges come
    this.thread.devices.handOverQueued();
    const { clients } = this.thread.holds;
    clients.poll();
    for (;;) {
      // After quiescent(): the control thread stores the run state, then begins a generation.
      const state = Atomics.load(this.words, this.runStateWord); // pairs with VcpuSet.setRunState
      // A program that goes on is told again; map clients are polled until they were called.
      this.session.attention = state === RUN_STATE_STOP || clients.waitingCount > 0;
      if (state === RUN_STATE_STOP) return false;
      if (state !== RUN_STATE_PAUSE) return true;
      this.sleepPaused();
    }
  }

  private sleepPaused(): void {
    this.session.detach(PHASE_PAUSED);
    Atomics.notify(this.words, this.phaseWord); // wakes VcpuHandle.pause
    while (Atomics.load(this.words, this.runStateWord) === RUN_STATE_PAUSE) {
      Atomics.wait(this.words, this.runStateWord, RUN_STATE_PAUSE); // pairs with VcpuSet.setRunState
    }
    this.session.attach();
  }
}
