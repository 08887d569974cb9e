/**
 * Control side of the device locks: makes those of single devices, and frees what dead readers held.
 * Guarantee: after breakFor() the reader that had the slot holds no lock, and nobody sleeps on for its sake.
 * Writes: words of locks whose holder is gone (layout/device-lock.ts).
 */
import { sharedBuffer } from '../base/shared-memory.ts';
import { type SharedWords, WORD_DEVICE_LOCK } from '../layout/control-block.ts';
import { OWN_LOCK_BYTES, WORD_OWN_LOCK } from '../layout/device-lock.ts';
import { breakDeviceLock } from '../vcpu/device-lock.ts';

export class DeviceLocks {
  private readonly control: SharedWords;
  private readonly own: SharedWords[] = [];

  constructor(control: SharedArrayBuffer) {
    this.control = new Int32Array(control);
  }

  /** A lock for one more device; it lives as long as the machine, as threads know the device that long. */
  add(): SharedArrayBuffer {
    const buffer = sharedBuffer(OWN_LOCK_BYTES);
    this.own.push(new Int32Array(buffer));
    return buffer;
  }

  /** Of the locks of single devices. */
  get sharedBytes(): number {
    return this.own.length * OWN_LOCK_BYTES;
  }

  /** Call it once the exit of the reader in `slot` was confirmed, and before the slot is used again. */
  breakFor(slot: number): void {
    breakDeviceLock(this.control, WORD_DEVICE_LOCK, slot);
    for (const words of this.own) breakDeviceLock(words, WORD_OWN_LOCK, slot);
  }
}
