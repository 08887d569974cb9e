/**
 * The buffers that a machine's threads share, with what hands out and takes back their bytes: control block,
 * arena, RAM with its dirty bits, grace periods. Control thread only.
 */
import { GraceWriter } from '../grace/writer.ts';
import type { SharedMachine } from '../layout/attachments.ts';
import { createControlBlock, type SharedWords } from '../layout/control-block.ts';
import { CELL_BYTES, CELL_FIRST_FREE } from '../layout/map-entry.ts';
import { Arena } from '../publish/arena.ts';
import { DirtyPages } from '../publish/dirty-pages.ts';
import { encodeReservedCells } from '../publish/encode-view.ts';
import type { Publisher } from '../publish/publisher.ts';
import { RamStore } from '../publish/ram-store.ts';
import { AttachmentHub } from './attachment-hub.ts';
import type { FullMachineOptions } from './machine-options.ts';

/** Figures of the shared buffers; V8's heap figures do not count these. */
export interface MachineGauges {
  /** Arena bytes of published views. */
  readonly liveBytes: number;
  /** Arena bytes that wait for a grace period. */
  readonly retiredBytes: number;
  /** Arena bytes of replaced views that someone holds, by a mapping, a cache or a hold. */
  readonly heldBytes: number;
  /** The most of the arena that was ever in use. */
  readonly highWaterBytes: number;
  /** Bytes reserved for RAM in all buffers, touched or not. */
  readonly ramReservedBytes: number;
  /** Of all buffers that its threads share: control block, arena, RAM, dirty bits, locks and rings of devices. */
  readonly sharedBytes: number;
  /** Transactions that changed what vCPUs see. */
  readonly publications: number;
}

export class SharedBuffers {
  readonly control: SharedWords;
  readonly hub: AttachmentHub;
  readonly arena: Arena;
  readonly ram: RamStore;
  readonly dirtyPages: DirtyPages;
  readonly grace: GraceWriter;
  /** What a reader thread is started with. */
  readonly shared: SharedMachine;

  /** @param afterGrace calls a function after a grace period */
  constructor(options: FullMachineOptions, afterGrace: (free: () => void) => void) {
    this.control = createControlBlock(options.bounceBytesMax);
    this.hub = new AttachmentHub(this.control);
    this.arena = new Arena(options.arenaBytes, options.checked);
    encodeReservedCells(this.arena);
    this.ram = new RamStore(options.ramReserveBytes, (attachment) => this.hub.post(attachment), afterGrace);
    this.dirtyPages = new DirtyPages(this.ram);
    this.grace = new GraceWriter(this.control, options);
    this.shared = {
      control: this.control.buffer,
      arena: this.arena.words.buffer,
      ...this.ram.shared,
      traceAccesses: options.traceAccesses,
    };
  }

  /** @param deviceBytes of buffers that devices have of their own */
  gauges({ store, publications, shownBytes }: Publisher, deviceBytes: number): MachineGauges {
    const liveBytes = shownBytes + CELL_FIRST_FREE * CELL_BYTES;
    const unshown = this.arena.usedBytes - liveBytes;
    const heldBytes = Math.min(unshown, store.heldBytes); // a later view may show again what a held one has
    return {
      liveBytes,
      retiredBytes: unshown - heldBytes,
      heldBytes,
      highWaterBytes: this.arena.highWaterBytes,
      ramReservedBytes: this.ram.reservedBytes,
      sharedBytes:
        this.control.byteLength +
        this.arena.words.byteLength +
        this.ram.reservedBytes +
        this.ram.dirtyBytes +
        deviceBytes,
      publications,
    };
  }
}
