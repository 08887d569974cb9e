/** Devices of every kind whose handlers access each other and themselves, from all vCPUs at once. */
import {
  controlDevice,
  type DeviceBinding,
  type DeviceLocking,
  hostedDevice,
  localDevice,
} from '../../src/base/device-binding.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { type Bed, pause, sharedWords } from '../bed.ts';
import { DEVICE_BYTES, type LeadingData, plainAnswer, STATE_BYTES } from '../devices/leading.ts';
import type { ReentrantJob } from '../programs/reentrant.ts';
import type { Scenario } from '../scenario.ts';

const program = new URL('../programs/reentrant.ts', import.meta.url);
const deviceModule = new URL('../devices/leading.ts', import.meta.url);
const BASE = 0x8000_0000;

interface Kind {
  readonly lock: DeviceLocking | 'hosted' | 'control';
  readonly owner: string | null;
}
/** By number. Those before the last lead to others. */
const KINDS: readonly Kind[] = [
  { lock: 'shared', owner: null },
  { lock: 'shared', owner: 'card' },
  { lock: 'shared', owner: 'card' },
  { lock: 'own', owner: null },
  { lock: 'own', owner: null },
  { lock: 'none', owner: null },
  { lock: 'hosted', owner: null },
  { lock: 'control', owner: null },
];
const LEADING = KINDS.slice(0, -1);

/** docs/decisions/0011 and 0019: who holds a lock, or is a device worker, waits for no host; own locks are leaves. */
function mayLead(from: number, to: number): boolean {
  const [leader, led] = [KINDS[from]!, KINDS[to]!];
  if (leader.owner !== null && leader.owner === led.owner) return false; // the owner's guard
  if (leader.lock === 'none' || from === to) return true;
  if (led.lock === 'control' || led.lock === 'hosted') return false;
  return leader.lock !== 'own' || led.lock === 'none';
}

function bindingOf(host: number, { lock }: Kind, number: number, state: SharedArrayBuffer): DeviceBinding {
  const data: LeadingData = { number, base: BASE };
  if (lock === 'control') return controlDevice({ read: () => plainAnswer(number), write: () => {} });
  if (lock === 'hosted') return hostedDevice(host, deviceModule, { state, data });
  return localDevice(deviceModule, { lock, state, data });
}

async function openDevices(bed: Bed): Promise<ReentrantJob> {
  const { machine } = bed;
  const host = await bed.bounded('start of the device host', machine.startDeviceHost(), 60_000);
  const state = new SharedArrayBuffer(STATE_BYTES);
  const root = MemoryRegion.container('root', 2n ** 64n);
  for (const [number, kind] of KINDS.entries()) {
    const { lock, owner } = kind;
    const binding = bindingOf(host, kind, number, state);
    const region = MemoryRegion.io(`${lock} ${number}`, DEVICE_BYTES, binding, { owner });
    root.addSubregion(BASE + number * DEVICE_BYTES, region);
  }
  machine.addAddressSpace('memory', root);
  const allowed = LEADING.map((_, from) => KINDS.map((_, to) => mayLead(from, to)));
  const endless = [...KINDS.keys()].filter((number) => ['shared', 'own'].includes(KINDS[number]!.lock));
  return { base: BASE, allowed, state, endless };
}

export const reentrantHandlers: Scenario = {
  name: 'reentrant-handlers',
  property:
    'a handler that accesses others or itself gets what the rules of locks and owners say, always, and nobody hangs',
  seconds: 4,
  async run(bed) {
    let denials = 0;
    bed.open({ onDeviceReport: () => void (denials += 1) });
    const job = await openDevices(bed);
    const vcpus = Array.from({ length: bed.vcpuCount }, () =>
      bed.start(program, job, { words: sharedWords(1) }),
    );
    await bed.up();
    while (!bed.timeIsUp) {
      await pause(20);
      await bed.allGoOn('every vCPU to come out of its devices', vcpus);
    }
    return `${bed.operations} accesses checked, ${denials} denials reported`;
  },
};
