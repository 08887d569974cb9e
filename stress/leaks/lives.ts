/** Lives of a machine, from its making to its end: each of the ways in which one ends. */
import { controlDevice, hostedDevice, localDevice } from '../../src/base/device-binding.ts';
import { Doorbell } from '../../src/mailbox/doorbell.ts';
import { AddressSpace } from '../../src/model/address-space.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { Owner } from '../../src/model/owner.ts';
import { Machine } from '../../src/service/machine.ts';
import type { MachineOptions } from '../../src/service/machine-options.ts';
import type { VcpuHandle } from '../../src/service/vcpu-handle.ts';

export const PROGRAM = new URL('./program.ts', import.meta.url);

/** Reserved for RAM by each machine: two leaked ones are seen in the address space of the process. */
export const RAM_BYTES = 2 ** 27;

const quiet = (): void => {};

/** A machine with a device, a doorbell, an owner, a listener and RAM that does not fit its reserve. */
function furnished(options: MachineOptions = {}): { machine: Machine; root: MemoryRegion } {
  const machine = new Machine({
    ...{ ramReserveBytes: RAM_BYTES, arenaBytes: 2 ** 22, stallMs: 10_000 },
    ...{ onDeviceReport: quiet, onDeviceHostDeath: quiet },
    ...options,
  });
  const owner = new Owner('/machine/leaky');
  const root = MemoryRegion.container('root', 2n ** 64n);
  const state = new SharedArrayBuffer(4);
  const local = localDevice(PROGRAM, { exportName: 'register', state, lock: 'own' });
  const device = MemoryRegion.io('local', 0x1000, local, { owner });
  device.eventfds.add({ offset: 8, size: 4, notifier: new Doorbell() });
  device.coalescing.add(0x100, 0x10);
  root.addSubregion(0, MemoryRegion.ram('ram', 0x1_0000, { owner }));
  root.addSubregion(0x1_0000, device);
  root.addSubregion(2 ** 32, MemoryRegion.ram('large', 2 * RAM_BYTES));
  machine.addAddressSpace('memory', root);
  machine.addListener({ name: 'listener', priority: 0 }, machine.addressSpaces[0]!);
  return { machine, root };
}

function start(machine: Machine, deaf = false): VcpuHandle {
  const vcpu = machine.startVcpu({ program: PROGRAM, data: { deaf } });
  vcpu.finished.catch(quiet); // some are ended by force
  return vcpu;
}

async function stopped(): Promise<void> {
  const { machine } = furnished();
  const vcpus = [start(machine), start(machine)];
  await Promise.all(vcpus.map(({ started }) => started));
  await machine.stop();
  await machine.close();
}

async function closedWhileRunning(): Promise<void> {
  const { machine } = furnished({ vcpuHost: 'threads' });
  await start(machine).started;
  start(machine); // not even up
  await machine.close();
}

async function workerKilled(): Promise<void> {
  const { machine, root } = furnished();
  const vcpu = start(machine, true);
  await vcpu.started;
  root.children[0]!.setEnabled(false); // a view that the dead one still holds
  await vcpu.terminate();
  await machine.close();
}

async function withDeviceHost(): Promise<void> {
  const { machine, root } = furnished();
  const host = await machine.startDeviceHost();
  const homed = hostedDevice(host, PROGRAM, { exportName: 'register', state: new SharedArrayBuffer(4) });
  root.addSubregion(0x1_1000, MemoryRegion.io('homed', 0x1000, homed));
  root.addSubregion(
    0x1_2000,
    MemoryRegion.io('control', 0x1000, controlDevice({ read: () => 1, write: quiet })),
  );
  await start(machine).started;
  await machine.close();
}

/** A program that is none, a space that is unknown, a layout that is too large, options out of bounds. */
async function failedStart(): Promise<void> {
  const { machine, root } = furnished();
  const nowhere = machine.startVcpu({ program: new URL('./nowhere.ts', PROGRAM) });
  const unknown = machine.startVcpu({ program: PROGRAM, addressSpaces: ['unknown'] });
  await Promise.allSettled([nowhere.finished, unknown.finished]);
  for (const body of [
    () => machine.startVcpu({ program: 'relative' }),
    () => root.addSubregion(2n ** 40n, MemoryRegion.ram('too large', 2n ** 60n)),
    () => new Machine({ ramReserveBytes: RAM_BYTES, arenaBytes: 1 }),
    () => machine.memory(new AddressSpace('unknown')),
  ]) {
    try {
      body();
    } catch {
      // as it should
    }
  }
  await machine.close();
}

/** Never started at all. */
async function idle(): Promise<void> {
  const { machine } = furnished();
  await machine.close();
}

export interface Life {
  readonly name: string;
  /** Whether a thread ends other than by itself. */
  readonly isHard: boolean;
  run(): Promise<void>;
}

export const lives: readonly Life[] = [
  { name: 'stopped and closed', isHard: false, run: stopped },
  { name: 'closed with vCPUs running', isHard: true, run: closedWhileRunning },
  { name: 'a worker killed', isHard: true, run: workerKilled },
  { name: 'with a device host', isHard: true, run: withDeviceHost },
  { name: 'a start that fails', isHard: false, run: failedStart },
  { name: 'never started', isHard: false, run: idle },
];
