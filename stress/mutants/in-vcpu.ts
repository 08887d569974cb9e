/** Breaks in the vCPU's thread, by the mutant's name. Installed by the stress program itself, after the vCPU came up. */
import { GraceReader } from '../../src/grace/reader.ts';
import {
  nextCount,
  queuedCount,
  queuedSince,
  RING_ENTRY_COUNT_MAX,
  RING_HEAD,
  RING_STATE,
  ringEntryWord,
  takesWrites,
} from '../../src/layout/coalesced-ring.ts';
import {
  PHASE_RUNNING,
  PHASE_WAITING_FOR_DEVICE,
  PHASE_WAITING_FOR_INTERRUPT,
  type SharedWords,
  WORD_GENERATION,
} from '../../src/layout/control-block.ts';
import { LOCK_AWAITED, LOCK_FREE } from '../../src/layout/device-lock.ts';
import { DOORBELL_RINGS, RING_STEP } from '../../src/layout/doorbell.ts';
import { cellWord, entryCell, entryIsNode, entryLevel, indexAt } from '../../src/layout/map-entry.ts';
import { VIEW_MAP_ROOT, VIEW_VERSION } from '../../src/layout/view-header.ts';
import { CoalescedRing } from '../../src/mailbox/coalesced-ring.ts';
import { Doorbell } from '../../src/mailbox/doorbell.ts';
import { CellCache } from '../../src/vcpu/cell-cache.ts';
import { DeltaReader } from '../../src/vcpu/delta-reader.ts';
import { DeviceHandler } from '../../src/vcpu/device-handler.ts';
import { DeviceLock, type ThreadLocks } from '../../src/vcpu/device-lock.ts';
import { ReaderSession } from '../../src/vcpu/reader-session.ts';
import { Vcpu } from '../../src/vcpu/vcpu.ts';
import { ViewReader } from '../../src/vcpu/view-reader.ts';
import { methodOf, patch } from './patch.ts';

type Undo = () => void;

interface ReaderInside {
  readonly words: SharedWords;
  announced: number;
  announce(generation: number): void;
}

interface ViewReaderInside {
  readonly arena: SharedWords;
  readonly control: SharedWords;
  readonly root: number;
  view: number;
  viewVersion: number;
  mapRoot: number;
  forgetPages(): void;
}

interface VcpuInside {
  readonly id: number;
  readonly words: SharedWords;
  readonly session: ReaderSession & { refresh?: () => void };
  readonly interruptWord: number;
  interruptsSeen: number;
  checkpoint(): boolean;
}

interface SessionInside {
  readonly words: SharedWords;
  readonly phaseWord: number;
  readonly reader: GraceReader;
  refresh(): void;
}

interface LockInside {
  readonly locks: ThreadLocks;
  readonly words: SharedWords;
  readonly word: number;
  readonly held: number;
  readonly isLeaf: boolean;
  depth: number;
}

const nothing = (): void => {};

/** The session stays online in this phase, though it blocks. */
function onlineIn(phase: number): Undo {
  const detach = methodOf<[number], void>(ReaderSession, 'detach');
  return patch<SessionInside>(ReaderSession, 'detach', function (why: number) {
    if (why !== phase) detach.call(this, why);
    else Atomics.store(this.words, this.phaseWord, phase);
  });
}

/** Takes what is published, in a way that is wrong. */
function takeView(access: ViewReaderInside, isSame: (view: number, version: number) => boolean): boolean {
  const view = Atomics.load(access.control, access.root);
  const version = access.arena[cellWord(view) + VIEW_VERSION]!;
  if (isSame(view, version)) return false;
  access.view = view;
  access.viewVersion = version;
  access.mapRoot = access.arena[cellWord(view) + VIEW_MAP_ROOT]!;
  return true;
}

const breaks: Readonly<Record<string, () => Undo>> = {
  'armed-for-ever': () => patch(ReaderSession, 'rearm', nothing),

  'roots-not-loaded': () => patch(ReaderSession, 'refresh', nothing),

  'announce-after-roots': () => {
    const checkpoint = methodOf<[], boolean>(Vcpu, 'checkpoint');
    return patch<VcpuInside>(Vcpu, 'checkpoint', function (this: VcpuInside) {
      const { session } = this;
      if (this.id !== 0) return checkpoint.call(this); // the others keep grace periods short
      session.refresh();
      // The unlucky moment: a publication in between. It is waited for a while, so that it shows soon.
      const generation = Atomics.load(this.words, WORD_GENERATION);
      for (let loads = 200_000; loads > 0 && Atomics.load(this.words, WORD_GENERATION) === generation; )
        loads -= 1;
      Object.defineProperty(session, 'refresh', { value: nothing, configurable: true });
      try {
        return checkpoint.call(this);
      } finally {
        delete (session as { refresh?: unknown }).refresh;
      }
    });
  },

  'tlb-kept': () =>
    patch<ViewReaderInside>(ViewReader, 'refreshView', function (this: ViewReaderInside) {
      return takeView(this, (view, version) => view === this.view && version === this.viewVersion);
    }),

  'deltas-undropped': () => patch(DeltaReader, 'drop', nothing),

  'addresses-kept': () => patch(CellCache, 'drop', nothing),

  'compare-cell-only': () =>
    patch<ViewReaderInside>(ViewReader, 'refreshView', function (this: ViewReaderInside) {
      const hasMoved = takeView(this, (view) => view === this.view);
      if (hasMoved) this.forgetPages();
      return hasMoved;
    }),

  'no-covers-test': () =>
    patch<ViewReaderInside>(ViewReader, 'lookup', function (this: ViewReaderInside, hi: number, lo: number) {
      let entry = this.mapRoot;
      while (entryIsNode(entry))
        entry = this.arena[cellWord(entryCell(entry)) + indexAt(hi, lo, entryLevel(entry))]!;
      return entryCell(entry);
    }),

  'announce-in-section': () =>
    patch<ReaderInside>(GraceReader, 'quiescent', function (this: ReaderInside) {
      const generation = Atomics.load(this.words, WORD_GENERATION);
      if (generation === this.announced) return false;
      this.announce(generation);
      return true;
    }),

  'online-in-sleep': () => onlineIn(PHASE_WAITING_FOR_INTERRUPT),
  'online-in-device-wait': () => onlineIn(PHASE_WAITING_FOR_DEVICE),

  'attach-without-refresh': () => {
    const attach = methodOf<[], void>(ReaderSession, 'attach');
    return patch<ReaderSession>(ReaderSession, 'attach', function (this: ReaderSession) {
      Object.defineProperty(this, 'refresh', { value: nothing, configurable: true });
      try {
        attach.call(this);
      } finally {
        delete (this as { refresh?: unknown }).refresh;
      }
    });
  },

  'run-state-unseen': () =>
    patch<SessionInside>(ReaderSession, 'attach', function (this: SessionInside) {
      if (!this.reader.isOnline) this.reader.online();
      this.words[this.phaseWord] = PHASE_RUNNING;
      this.refresh();
    }),

  'lock-not-taken': () => {
    const undo = [patch(DeviceLock, 'acquire', () => true), patch(DeviceLock, 'release', nothing)];
    return () => {
      for (const mend of undo) mend();
    };
  },

  'unlock-in-silence': () =>
    patch<LockInside>(DeviceLock, 'release', function () {
      this.depth -= 1;
      if (this.depth !== 0) return;
      if (this.isLeaf) this.locks.leaf = null;
      Atomics.store(this.words, this.word, LOCK_FREE);
    }),

  'woken-takes-it-unmarked': () =>
    patch<LockInside>(DeviceLock, 'sleepUntilTaken', function () {
      const { words, word } = this;
      for (;;) {
        const found = Atomics.compareExchange(words, word, LOCK_FREE, this.held);
        if (found === LOCK_FREE) return true;
        const marked = found | LOCK_AWAITED;
        if (Atomics.compareExchange(words, word, found, marked) !== found) continue;
        Atomics.wait(words, word, marked);
      }
    }),

  'ring-by-load-and-store': () =>
    patch<{ readonly words: SharedWords }>(Doorbell, 'ring', function () {
      const rings = Atomics.load(this.words, DOORBELL_RINGS);
      Atomics.store(this.words, DOORBELL_RINGS, rings + RING_STEP);
      Atomics.notify(this.words, DOORBELL_RINGS);
    }),

  'ring-in-silence': () =>
    patch<{ readonly words: SharedWords }>(Doorbell, 'ring', function () {
      Atomics.add(this.words, DOORBELL_RINGS, RING_STEP);
    }),

  'queue-without-lock': () =>
    patch<CoalescedRing>(
      CoalescedRing,
      'queue',
      function (...[slot, offset, size, valueLo, valueHi, attrs]: Parameters<CoalescedRing['queue']>) {
        const { words } = this;
        const state = Atomics.load(words, RING_STATE);
        const count = queuedCount(state);
        if (!takesWrites(state) || queuedSince(count, Atomics.load(words, RING_HEAD)) >= RING_ENTRY_COUNT_MAX)
          return false;
        const high = Math.floor(offset / 0x1_0000_0000);
        words.set([offset | 0, high, valueLo, valueHi, size, attrs, slot], ringEntryWord(count));
        Atomics.store(words, RING_STATE, nextCount(count));
        return true;
      },
    ),

  'no-reentrancy-guard': () => patch(DeviceHandler, 'engage', () => true),

  'sleep-without-compare': () =>
    patch<VcpuInside>(
      Vcpu,
      'waitForInterrupt',
      function (this: VcpuInside, timeoutMs = Number.POSITIVE_INFINITY) {
        const { words, interruptWord, session } = this;
        if (Atomics.load(words, interruptWord) === this.interruptsSeen && this.checkpoint()) {
          session.detach(PHASE_WAITING_FOR_INTERRUPT);
          Atomics.wait(words, interruptWord, Atomics.load(words, interruptWord), timeoutMs);
          session.attach();
        }
        this.interruptsSeen = Atomics.load(words, interruptWord);
        return this.checkpoint();
      },
    ),
};

/** Breaks what `mutant` breaks in a vCPU's thread, if it does. Returns how to mend it. */
export const breakInVcpu = (mutant: string): Undo => breaks[mutant]?.() ?? nothing;

export const brokenInVcpu: readonly string[] = Object.keys(breaks);
