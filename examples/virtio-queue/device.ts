/**
 * The device: answers each request by its text in upper case. It lives in a device worker, in one thread, so its
 * state is plain fields; its callbacks and its loop never run at the same time.
 */
import { Doorbell, type DoorbellHandle, type HostedDeviceContext } from 'flatview/vcpu';
import { AVAILABLE, DESCRIPTOR_BYTES, DESCRIPTORS, DONE, QUEUE_SIZE } from './queue.ts';

/** The one vCPU, which is also whom the interrupt goes to. */
const DRIVER = 0;

export default function shouter(context: HostedDeviceContext) {
  let done = 0;

  const answerAll = (): void => {
    const memory = context.memory('memory'); // for this turn of the event loop; ask anew in the next
    const made = memory.read(AVAILABLE, 4);
    for (; done < made; done += 1) {
      const descriptor =
        DESCRIPTORS + DESCRIPTOR_BYTES * memory.read(AVAILABLE + 4 + 4 * (done % QUEUE_SIZE), 4);
      const address = memory.readBig(descriptor);
      const bytes = new Uint8Array(memory.read(descriptor + 8, 4));
      memory.readBytes(address, bytes);
      const answer = new TextDecoder().decode(bytes).toUpperCase();
      memory.writeBytes(address, new TextEncoder().encode(answer));
    }
    context.interrupt(DRIVER);
  };

  const serve = async (notified: Doorbell): Promise<never> => {
    for (;;) {
      await notified.next(); // one turn answers all that was made until then, however often it was rung
      answerAll();
    }
  };
  void serve(Doorbell.from(context.data as DoorbellHandle));

  return {
    read: (offset: number): number => (offset === DONE ? done : 0),
    write: (): void => {}, // notifications do not get here: they ring
  };
}
