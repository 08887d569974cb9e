/**
 * A whole machine without a test runner: `node plain.mjs URL-OF-FLATVIEW`. Prints one JSON document; ends by
 * itself, with nothing on stderr.
 */
import { isMainThread, threadId } from 'node:worker_threads';

/** The vCPU's program, and (below) its devices. */
export default function program(vcpu, data) {
  const { memory } = vcpu;
  memory.store32(0, 0x10, 40);
  const seen = [memory.load32(0, 0x10) + 2];
  for (const address of data.devices) seen.push(memory.read(address, 4));
  while (data.untilStopped && vcpu.checkpoint()) memory.store32(0, 0x20, 1);
  return seen;
}

export const where = () => ({ read: () => threadId, write: () => {} });

async function run(
  { Machine, MemoryRegion, controlDevice, hostedDevice, localDevice, transaction },
  vcpuHost,
) {
  const machine = new Machine({ vcpuHost, ramReserveBytes: 2 ** 20, arenaBytes: 2 ** 20 });
  const root = MemoryRegion.container('root', 2n ** 64n);
  const ram = MemoryRegion.ram('ram', 0x1000);
  const self = new URL(import.meta.url);
  const host = await machine.startDeviceHost();
  const bindings = [
    controlDevice({ read: () => 7, write: () => {} }),
    localDevice(self, { exportName: 'where' }),
    hostedDevice(host, self, { exportName: 'where' }),
  ];
  const devices = bindings.map((_binding, i) => 0x1_0000 * (i + 1));
  transaction(() => {
    root.addSubregion(0, ram);
    bindings.forEach((binding, i) => {
      root.addSubregion(devices[i], MemoryRegion.io(`device-${i}`, 0x100, binding));
    });
    machine.addAddressSpace('memory', root);
  });
  const running = machine.startVcpu({ program: self, data: { devices, untilStopped: true } });
  const once = machine.startVcpu({ program: self, data: { devices, untilStopped: false } });
  const [word, control, local, hosted] = await once.finished;
  while (machine.readRam(ram, 0x20, 1)[0] === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  await running.stop();
  await running.finished;
  const dead = machine.startVcpu({ program: new URL('./nowhere.mjs', self) });
  const refusal = await dead.finished.catch((error) => error.code);
  await machine.close();
  return { vcpuHost, word, control, threadsDiffer: local !== hosted && local > 0 && hosted > 0, refusal };
}

/** No top-level await: this module is a device's, too. */
async function main() {
  const flatview = await import(process.argv[2]);
  const runs = [];
  for (const vcpuHost of ['piscina', 'threads']) runs.push(await run(flatview, vcpuHost));
  process.stdout.write(JSON.stringify(runs));
}

if (isMainThread) void main();
