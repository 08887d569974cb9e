/** One vCPU after the other falls silent, online, on its layout; the control thread publishes until it is refused. */
import type { StallReport } from '../../src/grace/writer.ts';
import { type Bed, pause, type StartedVcpu, sharedWords } from '../bed.ts';
import { ANSWERED, ASKED, COUNT, handshakeWords, wordFor } from '../handshake.ts';
import type { ShuffleJob } from '../programs/shuffle-reader.ts';
import type { Scenario } from '../scenario.ts';
import { ShuffledMachine } from '../shuffled-machine.ts';

const program = new URL('../programs/silent.ts', import.meta.url);
const GARBAGE_BYTES_MAX = 256 * 1024;
/** What a layout shares with none before is far over 256 bytes, so the bound is passed long before. */
const LAYOUTS_MAX = GARBAGE_BYTES_MAX / 256;
/** By how much the last layout that was taken may pass the bound. */
const LAYOUT_BYTES_MAX = 16 * 1024;

async function silence(
  bed: Bed,
  layouts: ShuffledMachine,
  vcpu: StartedVcpu,
  stalls: StallReport[],
): Promise<void> {
  const { machine } = bed;
  const { words } = layouts;
  const asked = wordFor(vcpu.number, ASKED);
  await bed.graceful('a grace period before the silence'); // all that is retired from now on, it holds
  const question = Atomics.add(words, asked, 1) + 1;
  bed.fault(`vCPU ${vcpu.handle.id} falls silent, online`);
  const answered = wordFor(vcpu.number, ANSWERED);
  await bed.until('the vCPU to fall silent', () => Atomics.load(words, answered) === question);
  stalls.length = 0;
  let published = 0;
  while (published <= LAYOUTS_MAX && layouts.tryNext()) published += 1;
  // Less than the bound: of what is retired several times the gauge counts what is not shown again, once.
  const atBound = machine.gauges.retiredBytes;
  if (published > LAYOUTS_MAX) {
    bed.violation(`${published} layouts were published past a silent vCPU without BACK_PRESSURE`);
  }
  if (atBound > GARBAGE_BYTES_MAX + LAYOUT_BYTES_MAX)
    bed.violation(`${atBound} bytes of garbage, though ${GARBAGE_BYTES_MAX} are the bound`);
  if (!bed.timeIsUp) {
    const named = () => stalls.some(({ slot }) => slot === vcpu.handle.id);
    await bed.until(`a stall report that names vCPU ${vcpu.handle.id}`, named);
    const kicked = wordFor(vcpu.number, COUNT);
    await bed.until('the silent vCPU to be kicked', () => Atomics.load(words, kicked) === question);
  }
  await pause(20);
  const { retiredBytes } = machine.gauges;
  if (retiredBytes !== atBound)
    bed.violation(`of ${atBound} bytes that were retired ${retiredBytes} are left under a silent vCPU`);
  if (layouts.tryNext())
    bed.violation('a transaction was taken while a silent vCPU held the garbage at its bound');
  Atomics.add(words, asked, 1);
  await bed.graceful('a grace period after the silent vCPU moved');
  if (machine.gauges.retiredBytes !== 0) {
    bed.violation(`${machine.gauges.retiredBytes} bytes are still retired after the silent vCPU moved`);
  }
  if (!layouts.tryNext()) bed.violation('BACK_PRESSURE though all vCPUs moved');
  bed.checked(published);
}

export const silentReader: Scenario = {
  name: 'silent-reader',
  property:
    'a vCPU that is online and passes no checkpoint is kicked and reported by name, loses nothing, and bounds the garbage',
  seconds: 4,
  async run(bed) {
    const stalls: StallReport[] = [];
    bed.open({
      stallMs: 20,
      garbageBytesMax: GARBAGE_BYTES_MAX,
      onStall: (report) => void stalls.push(report),
    });
    const layouts = new ShuffledMachine(bed, sharedWords(handshakeWords(bed.vcpuCount)));
    const job: ShuffleJob = { seed: bed.seed };
    const vcpus = Array.from({ length: bed.vcpuCount }, () =>
      bed.start(program, job, { words: layouts.words }),
    );
    await bed.up();
    let rounds = 0;
    for (; !bed.timeIsUp; rounds += 1) await silence(bed, layouts, bed.random.pick(vcpus), stalls);
    for (const { number } of vcpus) Atomics.store(layouts.words, wordFor(number, ASKED), 0);
    return `${rounds} silences, ${layouts.tag} layouts`;
  },
};
