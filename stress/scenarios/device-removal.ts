/** Devices of every placement are taken away while vCPUs are inside of them, wait for them, or wait for their locks. */
import {
  controlDevice,
  type DeviceBinding,
  type DeviceLocking,
  hostedDevice,
  localDevice,
} from '../../src/base/device-binding.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { Owner } from '../../src/model/owner.ts';
import { type Bed, sharedWords } from '../bed.ts';
import { CALLS, FINALIZED, LATE, removableRegister, STATE_BYTES } from '../devices/removable.ts';
import { type RemovedJob, tagWith } from '../programs/removed-reader.ts';
import type { Scenario } from '../scenario.ts';

const program = new URL('../programs/removed-reader.ts', import.meta.url);
const deviceModule = new URL('../devices/removable.ts', import.meta.url);
const ADDRESS = 0x8000_0000;
const KINDS = ['control', 'hosted', 'shared', 'own', 'none'] as const;
/** Calls of a device before it goes, at most; some go before the first. */
const CALLS_MAX = 20;

class Removals {
  count = 0;
  private readonly bed: Bed;
  private readonly root: MemoryRegion;
  private readonly host: number;
  private readonly states: Int32Array[] = [];

  constructor(bed: Bed, root: MemoryRegion, host: number) {
    this.bed = bed;
    this.root = root;
    this.host = host;
  }

  /** The life of one device. */
  async one(): Promise<void> {
    const { bed, root } = this;
    this.count += 1;
    const state = new SharedArrayBuffer(STATE_BYTES);
    const words = new Int32Array(state);
    this.states.push(words);
    const kind = bed.random.pick(KINDS);
    let ends = 0;
    const owner = new Owner(`/machine/device ${this.count}`, {
      onFinalized: () => {
        ends += 1;
        Atomics.store(words, FINALIZED, 1);
      },
    });
    const region = MemoryRegion.io(`device ${this.count}`, 4096, this.binding(kind, state), { owner });
    if (kind !== 'none' && bed.random.below(4) === 0) region.coalescing.add(0, 16);
    bed.machine.layoutTag = tagWith(this.count);
    await bed.commit(() => root.addSubregion(ADDRESS, region));
    const calls = bed.random.below(CALLS_MAX);
    await bed.until(`${calls} calls of a device, ${kind}`, () => Atomics.load(words, CALLS) >= calls);
    bed.fault(`a device, ${kind}, is removed under access`);
    bed.machine.layoutTag = tagWith(this.count) + 1;
    await bed.commit(() => root.delSubregion(region));
    await bed.bounded(`the end of the owner of a device, ${kind}`, owner.destroy());
    if (ends !== 1) bed.violation(`the owner of a device, ${kind}, was finalised ${ends} times`);
    this.judge(kind, words);
    bed.checked();
  }

  /** Once no vCPU runs any more. */
  judgeAll(): void {
    for (const [index, words] of this.states.entries()) this.judge(`number ${index + 1}`, words);
  }

  private judge(kind: string, words: Int32Array): void {
    const late = Atomics.exchange(words, LATE, 0);
    if (late > 0) this.bed.violation(`a device, ${kind}, was called ${late} times after its owner's end`);
  }

  private binding(kind: (typeof KINDS)[number], state: SharedArrayBuffer): DeviceBinding {
    const data = { number: this.count, naps: true };
    if (kind === 'control') return controlDevice(removableRegister(state, { ...data, naps: false }));
    if (kind === 'hosted') return hostedDevice(this.host, deviceModule, { state, data });
    const lock: DeviceLocking = kind;
    return localDevice(deviceModule, { state, data, lock });
  }
}

export const deviceRemoval: Scenario = {
  name: 'device-removal',
  property:
    'a device may be removed under access: its owner is finalised once, after the last access to it, and none is lost',
  seconds: 4,
  async run(bed) {
    const machine = bed.open({
      onDeviceReport: (report) => bed.violation(`device ${report.regionName}: ${report.problem}`),
    });
    const root = MemoryRegion.container('root', 2n ** 64n);
    root.addSubregion(0, MemoryRegion.ram('ram', 4096));
    machine.addAddressSpace('memory', root);
    const host = await bed.bounded('start of the device host', machine.startDeviceHost(), 60_000);
    const job: RemovedJob = { address: ADDRESS, ram: 0 };
    for (let vcpu = 0; vcpu < bed.vcpuCount; vcpu += 1) bed.start(program, job, { words: sharedWords(1) });
    await bed.up();
    const removals = new Removals(bed, root, host);
    while (!bed.timeIsUp) await removals.one();
    await bed.stopVcpus();
    removals.judgeAll();
    return `${removals.count} devices removed under ${bed.vcpuCount} vCPUs`;
  },
};
