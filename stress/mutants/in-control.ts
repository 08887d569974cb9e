/** Breaks in the control thread, by the mutant's name. */
import type { MessagePort } from 'node:worker_threads';
import { eachSection } from '../../src/dispatch/map-order.ts';
import { HoldKeeper } from '../../src/grace/hold-keeper.ts';
import { GraceWriter } from '../../src/grace/writer.ts';
import type { Attachment } from '../../src/layout/attachments.ts';
import {
  GENERATION_STEP,
  type SharedWords,
  WORD_DEVICE_LOCK,
  WORD_POSTS,
} from '../../src/layout/control-block.ts';
import { cellWord, POISON } from '../../src/layout/map-entry.ts';
import { SECTION_RAM_BYTE, SECTION_START_LO } from '../../src/layout/section-record.ts';
import { MailboxResponder } from '../../src/mailbox/responder.ts';
import { Iommu } from '../../src/model/iommu.ts';
import type { MemoryRegion } from '../../src/model/memory-region.ts';
import { CellStore } from '../../src/publish/cell-store.ts';
import { DirtyPages } from '../../src/publish/dirty-pages.ts';
import { Publisher } from '../../src/publish/publisher.ts';
import { RamStore } from '../../src/publish/ram-store.ts';
import { AttachmentHub } from '../../src/service/attachment-hub.ts';
import { Coalescing } from '../../src/service/coalescing.ts';
import { DeviceEnds, type DeviceEndsParts } from '../../src/service/device-ends.ts';
import { DeviceHosts } from '../../src/service/device-hosts.ts';
import { DeviceLocks } from '../../src/service/device-locks.ts';
import { HomedDevices } from '../../src/service/homed-devices.ts';
import { MachineDirtyLog } from '../../src/service/machine-dirty-log.ts';
import { VcpuSet, type VcpuSetParts } from '../../src/service/vcpu-set.ts';
import { breakDeviceLock } from '../../src/vcpu/device-lock.ts';
import { methodOf, patch } from './patch.ts';

type Undo = () => void;

interface WriterInside {
  readonly generation: number;
  readonly readers: Set<number>;
  readonly retired: { generation: number }[];
  poll(): number;
}

interface ResponderInside {
  readonly words: SharedWords;
  readonly asleep: number;
  readonly doorbell: number;
  readonly onWake: () => void;
  serveSlot(slot: number): void;
}

const nothing = (): void => {};

interface HomedDevicesInside {
  perform(...access: Parameters<HomedDevices['serve']>): number;
}

const breaks: Readonly<Record<string, () => Undo>> = {
  'serve-before-replay': () =>
    patch<HomedDevicesInside>(HomedDevices, 'serve', function (...access: Parameters<HomedDevices['serve']>) {
      return this.perform(...access);
    }),

  'reclaim-at-once': () => patch(GraceWriter, 'slowestReader', () => -1),

  'hold-unasked': () => patch(HoldKeeper, 'isHeld', () => false),

  'generation-stays': () =>
    patch<WriterInside>(GraceWriter, 'advance', function (this: WriterInside) {
      return this.generation;
    }),

  'retired-under-the-generation-before': () => {
    const retire = methodOf<[number, () => void], void>(GraceWriter, 'retire');
    return patch<WriterInside>(
      GraceWriter,
      'retire',
      function (this: WriterInside, size: number, reclaim: Undo) {
        retire.call(this, size, reclaim);
        this.retired.at(-1)!.generation -= GENERATION_STEP;
      },
    );
  },

  'time-out-is-done': () =>
    patch<WriterInside>(GraceWriter, 'reportStall', function (this: WriterInside, slot: number) {
      this.readers.delete(slot);
    }),

  'freed-while-shared': () => {
    const release = methodOf<[number], void>(CellStore, 'release');
    return patch<CellStore>(CellStore, 'release', function (this: CellStore, header: number) {
      eachSection(this.words, this.mapRootOf(header), (cell) => {
        this.words.fill(POISON, cellWord(cell) + SECTION_RAM_BYTE, cellWord(cell) + SECTION_START_LO);
        return false;
      });
      release.call(this, header);
    });
  },

  'stall-in-silence': () => patch(GraceWriter, 'reportStall', nothing),

  'dead-reader-stays': () => patch(GraceWriter, 'removeReader', nothing),

  'clear-waits-for-nobody': () => patch(MachineDirtyLog, 'storesLand', () => Promise.resolve()),

  'start-finds-nothing': () => patch(DirtyPages, 'published', nothing),

  'no-garbage-bound': () => patch(Publisher, 'refuseWhenBehind', nothing),

  'attachment-after-publication': () => {
    const post = methodOf<[Attachment], void>(AttachmentHub, 'post');
    return patch<AttachmentHub>(
      AttachmentHub,
      'post',
      function (this: AttachmentHub, attachment: Attachment) {
        if (attachment.kind === 'ram') setImmediate(() => post.call(this, attachment));
        else post.call(this, attachment);
      },
    );
  },

  'posted-uncounted': () => {
    const post = methodOf<[Attachment], void>(AttachmentHub, 'post');
    return patch<{ readonly words: SharedWords; posts: number }>(
      AttachmentHub,
      'post',
      function (attachment: Attachment) {
        post.call(this, attachment);
        this.posts -= 1;
        Atomics.store(this.words, WORD_POSTS, this.posts);
      },
    );
  },

  'ram-released-at-once': () =>
    patch<RamStore>(RamStore, 'release', function (this: RamStore, region: MemoryRegion) {
      this.detach(region)();
      return Promise.resolve();
    }),

  'no-look-before-sleep': () =>
    patch<ResponderInside>(MailboxResponder, 'sleep', function (this: ResponderInside) {
      const { words, asleep, doorbell } = this;
      Atomics.store(words, asleep, 1);
      const sleep = Atomics.waitAsync(words, doorbell, Atomics.load(words, doorbell));
      if (sleep.async) void sleep.value.then(this.onWake);
      else setImmediate(this.onWake);
    }),

  'bells-cleared-after-serving': () =>
    patch<ResponderInside>(MailboxResponder, 'takeBells', function (this: ResponderInside) {
      const bells = Atomics.load(this.words, this.doorbell);
      for (let slot = 0; slot < 32; slot += 1) if ((bells & (1 << slot)) !== 0) this.serveSlot(slot);
      Atomics.store(this.words, this.doorbell, 0);
    }),

  'removed-devices-at-once': () =>
    patch<{ readonly parts: DeviceEndsParts }>(DeviceEnds, 'release', function () {
      return this.parts.synchronize();
    }),

  'unmap-at-once': () => patch(Iommu, 'readersMovedOn', () => Promise.resolve()),

  'new-reader-unseen': () => patch(GraceWriter, 'addReader', nothing),

  'ring-of-the-dead': () => patch(Coalescing, 'readerGone', nothing),

  'death-untold': () => patch(DeviceHosts, 'declareDead', nothing),

  'dead-holder-keeps-lock': () =>
    patch<{ readonly parts: VcpuSetParts; readonly running: Map<number, unknown> }>(
      VcpuSet,
      'release',
      function (slot: number, port: MessagePort) {
        this.parts.hub.unsubscribe(port);
        port.close();
        this.running.delete(slot);
        this.parts.grace.removeReader(slot);
      },
    ),

  'dead-holder-keeps-own-lock': () =>
    patch<{ readonly control: SharedWords }>(DeviceLocks, 'breakFor', function (slot: number) {
      breakDeviceLock(this.control, WORD_DEVICE_LOCK, slot);
    }),
};

/** Breaks what `mutant` breaks in the control thread, if it does. Returns how to mend it. */
export const breakInControl = (mutant: string): Undo => breaks[mutant]?.() ?? nothing;

export const brokenInControl: readonly string[] = Object.keys(breaks);
