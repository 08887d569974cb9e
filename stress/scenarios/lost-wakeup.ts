/**
 * One vCPU reads a register of the control thread with pauses of every length, so that the host falls asleep
 * at every point of the request; the others sleep until a kick says that there is work. Every read and every
 * piece of work is counted. A wake-up that is lost leaves someone asleep for ever: nobody else rings.
 */
import { controlDevice } from '../../src/base/device-binding.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { type Bed, pause, type StartedVcpu, sharedWords } from '../bed.ts';
import { ANSWERED, ASKED, handshakeWords, wordFor } from '../handshake.ts';
import type { WokenJob } from '../programs/woken.ts';
import type { Scenario } from '../scenario.ts';

const program = new URL('../programs/woken.ts', import.meta.url);
const REGISTER = 0x8000_0000;
/** Kicks between two turns of the event loop. */
const KICKS_PER_TURN = 20;
/** Loads, about 10 ns each, that the work of one kick gets before the control thread waits properly. */
const LOADS_MAX = 20_000;

/** Gives one piece of work to `vcpu`, at a random moment after it did the last one: about when it falls asleep. */
async function kick(bed: Bed, words: Int32Array<SharedArrayBuffer>, vcpu: StartedVcpu): Promise<void> {
  const asked = wordFor(vcpu.number, ASKED);
  const answered = wordFor(vcpu.number, ANSWERED);
  for (let loads = bed.random.below(300); loads > 0; loads -= 1) Atomics.load(words, answered);
  const work = Atomics.add(words, asked, 1) + 1;
  vcpu.handle.kick();
  for (let loads = LOADS_MAX; loads > 0; loads -= 1) if (Atomics.load(words, answered) === work) return;
  await bed.until(
    `work after a kick of vCPU ${vcpu.handle.id}`,
    () => Atomics.load(words, answered) === work,
  );
}

export const lostWakeup: Scenario = {
  name: 'lost-wakeup',
  property: 'no request, kick or pause is lost on one who is falling asleep',
  seconds: 5,
  async run(bed) {
    const machine = bed.open();
    const words = sharedWords(handshakeWords(bed.vcpuCount));
    const root = MemoryRegion.container('root', 2n ** 64n);
    machine.addAddressSpace('memory', root);
    let reads = 0;
    const register = controlDevice({
      read: () => {
        reads += 1;
        return reads;
      },
      write: () => {},
    });
    root.addSubregion(REGISTER, MemoryRegion.io('counter', 4096, register));
    const jobOf = (index: number): WokenJob => ({ register: index === 0 ? REGISTER : null });
    const vcpus = Array.from({ length: bed.vcpuCount }, (_, index) =>
      bed.start(program, jobOf(index), { words }),
    );
    await bed.up();
    const progress = bed.watch('a read of the counter', () => reads);
    const sleepers = vcpus.slice(1);
    let kicks = 0;
    let pauses = 0;
    for (let turn = 0; !bed.timeIsUp; turn += 1) {
      progress();
      if (sleepers.length > 0 && turn % 4 === 0) {
        for (let more = KICKS_PER_TURN; more > 0; more -= 1)
          await kick(bed, words, bed.random.pick(sleepers));
        kicks += KICKS_PER_TURN;
      }
      // Turns in which nothing happens, so that the host sleeps.
      await pause(bed.random.below(3));
      if (turn % 16 !== 0) continue;
      await bed.bounded('a pause of all vCPUs', machine.pause());
      machine.resume();
      pauses += 1;
    }
    return `${reads} reads of a sleepy host, ${kicks} kicks, ${pauses} pauses`;
  },
};
