/** What the vCPU runs: the driver. It fills the queue, rings once, and sleeps until all is answered; twice. */
import type { Vcpu } from 'flatview/vcpu';
import {
  AVAILABLE,
  BUFFER_BYTES,
  BUFFERS,
  DESCRIPTOR_BYTES,
  DESCRIPTORS,
  DEVICE,
  DONE,
  NOTIFY,
  QUEUE_SIZE,
} from './queue.ts';

const TEXTS = ['a radix tree', 'walked without a lock', 'published by one store', 'reclaimed in grace'];

export default function driver(vcpu: Vcpu): string[] {
  const { memory } = vcpu;
  const answers: string[] = [];
  let made = 0;

  const request = (text: string): void => {
    const slot = made % QUEUE_SIZE;
    const buffer = BUFFERS + BUFFER_BYTES * slot;
    const bytes = new TextEncoder().encode(text);
    memory.writeBytes(buffer, bytes);
    memory.writeBig(DESCRIPTORS + DESCRIPTOR_BYTES * slot, BigInt(buffer));
    memory.write(DESCRIPTORS + DESCRIPTOR_BYTES * slot + 8, 4, bytes.length);
    memory.write(AVAILABLE + 4 + 4 * slot, 4, slot);
    made += 1;
    memory.write(AVAILABLE, 4, made);
  };

  for (const round of ['1', '2']) {
    for (const text of TEXTS) request(`${text}, round ${round}`);
    memory.write(DEVICE + NOTIFY, 4, 0); // rings: what was stored before is there for who hears it
    while (memory.read(DEVICE + DONE, 4) < made) if (!vcpu.waitForInterrupt()) return answers;
    for (let request = made - TEXTS.length; request < made; request += 1) {
      const slot = request % QUEUE_SIZE;
      const bytes = new Uint8Array(memory.read(DESCRIPTORS + DESCRIPTOR_BYTES * slot + 8, 4));
      memory.readBytes(BUFFERS + BUFFER_BYTES * slot, bytes);
      answers.push(new TextDecoder().decode(bytes));
    }
  }
  return answers;
}
