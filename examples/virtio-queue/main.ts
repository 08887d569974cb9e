/**
 * virtio-queue: a driver hands buffers to a device that works in a thread of its own, as virtio does.
 *
 *   node --import tsx examples/virtio-queue/main.ts
 *
 * The driver's notification is an ioeventfd: its store rings a doorbell where it is made, and waits for nobody.
 * The device sleeps until then, reads requests and buffers by DMA, answers in place, and raises an interrupt.
 * Only the driver's read of how much is done goes to the device by mailbox; that read is what orders the answers
 * before the driver's look at them.
 */
import { Doorbell, hostedDevice, Machine, MemoryRegion } from 'flatview';
import { DEVICE, DEVICE_BYTES, NOTIFY, RAM_BYTES } from './queue.ts';

const machine = new Machine();
try {
  const notified = new Doorbell();
  const worker = await machine.startDeviceHost();
  const module = new URL('./device.ts', import.meta.url);
  const device = MemoryRegion.io(
    'shouter',
    DEVICE_BYTES,
    hostedDevice(worker, module, { data: notified.handle }),
  );
  device.eventfds.add({ offset: NOTIFY, size: 4, notifier: notified });

  const system = MemoryRegion.container('system', 2n ** 64n);
  system.addSubregion(0, MemoryRegion.ram('ram', RAM_BYTES));
  system.addSubregion(DEVICE, device);
  machine.addAddressSpace('memory', system);

  const vcpu = machine.startVcpu({ program: new URL('./driver.ts', import.meta.url) });
  for (const answer of (await vcpu.finished) as string[]) console.log(answer);
} finally {
  await machine.close();
}
