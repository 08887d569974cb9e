/** A device of each kind that matters for who waits for whom, in a shuffled machine. */
import {
  controlDevice,
  type DeviceBinding,
  type DeviceLocking,
  hostedDevice,
  localDevice,
} from '../src/base/device-binding.ts';
import { MemoryRegion } from '../src/model/memory-region.ts';
import type { Bed } from './bed.ts';
import { HOMED_ANSWER } from './programs/survivor.ts';
import { QUEUE_REGISTERS, QueueLog } from './queue-log.ts';
import type { ShuffledMachine } from './shuffled-machine.ts';

const lockModule = new URL('./devices/lock-counter.ts', import.meta.url);
const hostedModule = new URL('./devices/echo.ts', import.meta.url);
const HOMED = 0x8000_0000;
const LOCKED = 0x8000_1000;
const OWN_LOCKED = 0x8000_2000;
const HOSTED = 0x8000_3000;
const QUEUED = 0x8000_4000;

/** Their addresses. */
export interface ParkJob {
  /** The layouts' seed. */
  readonly seed: number;
  readonly homed: number;
  readonly hosted: number;
  readonly locked: number;
  readonly ownLocked: number;
  /** Writes to it are queued. */
  readonly queued: number;
}

/** @param linger loads in a write to a locked device */
export async function mapDevices(
  bed: Bed,
  { root }: ShuffledMachine,
  linger: number,
): Promise<{ readonly job: ParkJob; readonly log: QueueLog; readonly queued: MemoryRegion }> {
  const host = await bed.bounded('start of the device host', bed.machine.startDeviceHost(), 60_000);
  const counter = (lock: DeviceLocking): DeviceBinding =>
    localDevice(lockModule, { state: new SharedArrayBuffer(16), data: linger, lock });
  const homed = controlDevice({ read: () => HOMED_ANSWER, write: () => {} });
  const log = new QueueLog(bed);
  const queued = MemoryRegion.io('queued', 4 * QUEUE_REGISTERS, controlDevice(log));
  queued.coalescing.setCoalescing();
  root.addSubregion(HOMED, MemoryRegion.io('homed', 4096, homed));
  root.addSubregion(LOCKED, MemoryRegion.io('locked', 4096, counter('shared')));
  root.addSubregion(OWN_LOCKED, MemoryRegion.io('under its own lock', 4096, counter('own')));
  root.addSubregion(HOSTED, MemoryRegion.io('hosted', 4096, hostedDevice(host, hostedModule)));
  root.addSubregion(QUEUED, queued);
  const addresses = { homed: HOMED, hosted: HOSTED, locked: LOCKED, ownLocked: OWN_LOCKED, queued: QUEUED };
  return { job: { seed: bed.seed, ...addresses }, log, queued };
}
