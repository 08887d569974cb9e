/**
 * The rings of coalesced writes of the devices that are homed in this thread; their only replayer.
 * Guarantee: once add() has returned, and RING_UNSERVED is gone, whoever serves an access after replayAll() answers
 * it with all writes done that were queued before, but for those to owners that are being accessed.
 * Writes: RING_UNSERVED, and what CoalescedRing.replayAll writes.
 */
import type { MemTxAttrs } from '../base/mem-tx-attrs.ts';
import { writeAccess } from '../layout/mailbox.ts';
import { CoalescedRing, type Replayer, serveRing } from '../mailbox/coalesced-ring.ts';
import type { DeviceHandler } from '../vcpu/device-handler.ts';

/** A write in the name of the reader in `slot`, as AccessServer.serve() takes it; rings are not looked at. */
type PerformWrite = (
  slot: number,
  device: number,
  offset: number,
  access: number,
  valueLo: number,
  valueHi: number,
  attrs: MemTxAttrs,
) => void;

interface HomeRing {
  readonly handler: DeviceHandler;
  readonly ring: CoalescedRing;
  readonly replayer: Replayer;
}

export class HomeRings {
  private readonly rings: HomeRing[] = [];
  private readonly perform: PerformWrite;

  constructor(perform: PerformWrite) {
    this.perform = perform;
  }

  add(device: number, handler: DeviceHandler, buffer: SharedArrayBuffer): void {
    const { perform } = this;
    const ring = new CoalescedRing(buffer);
    const replayer: Replayer = {
      replay: (slot, offset, size, valueLo, valueHi, attrs) =>
        perform(slot, device, offset, writeAccess(size), valueLo, valueHi, attrs),
    };
    this.rings.push({ handler, ring, replayer });
    serveRing(ring.words);
  }

  /** What is queued for an owner that is being accessed waits: its guard would deny the replay. */
  replayAll(): void {
    for (const { handler, ring, replayer } of this.rings) {
      if (!ring.isEmpty && !handler.isEngaged) ring.replayAll(replayer);
    }
  }
}
