/**
 * All vCPUs wait, some for an interrupt, some for a device that does not answer; layouts come and go; then
 * some are woken. The control thread asks one question at a time of each, so a vCPU that answers has woken
 * after the question, and must know every layout that was published before it.
 */
import { hostedDevice } from '../../src/base/device-binding.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { type Bed, type StartedVcpu, sharedWords } from '../bed.ts';
import { LET_THROUGH } from '../devices/gate.ts';
import { ANSWERED, ASKED, ASKED_AT, handshakeWords, wordFor } from '../handshake.ts';
import type { SleeperJob } from '../programs/sleeper.ts';
import type { Scenario } from '../scenario.ts';
import { ShuffledMachine } from '../shuffled-machine.ts';

const program = new URL('../programs/sleeper.ts', import.meta.url);
const gateModule = new URL('../devices/gate.ts', import.meta.url);
const GATE_ADDRESS = 0x8000_0000;
const LAYOUTS_MAX = 8;

interface Sleeper {
  readonly vcpu: StartedVcpu;
  /** State of its gate; null if it sleeps in waitForInterrupt(). */
  readonly gate: Int32Array | null;
}

async function startSleepers(bed: Bed, layouts: ShuffledMachine): Promise<readonly Sleeper[]> {
  const sleepers: Sleeper[] = [];
  const host = await bed.bounded('start of the device host', bed.machine.startDeviceHost(), 60_000);
  const state = new SharedArrayBuffer(8);
  for (let number = 0; number < bed.vcpuCount; number += 1) {
    // A host serves one access at a time, so only one vCPU may wait at a gate.
    const atGate = number === 1;
    if (atGate) {
      const gate = MemoryRegion.io('gate', 4096, hostedDevice(host, gateModule, { state }));
      layouts.root.addSubregion(GATE_ADDRESS, gate);
    }
    const job: SleeperJob = { seed: bed.seed, gate: atGate ? GATE_ADDRESS : null };
    const vcpu = bed.start(program, job, { words: layouts.words });
    sleepers.push({ vcpu, gate: atGate ? new Int32Array(state) : null });
  }
  return sleepers;
}

const isAsleep = ({ vcpu, gate }: Sleeper): boolean =>
  vcpu.handle.phase === (gate === null ? 'waiting-for-interrupt' : 'waiting-for-device');

function wake({ vcpu, gate }: Sleeper): void {
  if (gate === null) vcpu.handle.kick();
  else {
    Atomics.add(gate, LET_THROUGH, 1);
    Atomics.notify(gate, LET_THROUGH);
  }
}

export const sleepingOffline: Scenario = {
  name: 'sleeping-offline',
  property:
    'a vCPU that waits, for an interrupt or a device, holds up no grace period; awake it has the newest map',
  seconds: 4,
  async run(bed) {
    bed.open();
    const words = sharedWords(handshakeWords(bed.vcpuCount));
    const layouts = new ShuffledMachine(bed, words);
    const sleepers = await startSleepers(bed, layouts);
    const load = (number: number, word: number): number => Atomics.load(words, wordFor(number, word));
    await bed.up();
    let rounds = 0;
    try {
      for (; !bed.timeIsUp; rounds += 1) {
        await bed.until('all vCPUs to wait', () => sleepers.every(isAsleep));
        for (let more = 1 + bed.random.below(LAYOUTS_MAX); more > 0; more -= 1) await layouts.next();
        await bed.graceful('a grace period while all vCPUs wait');
        const woken = sleepers.filter(() => bed.random.below(2) === 0);
        for (const sleeper of woken) {
          const { number } = sleeper.vcpu;
          Atomics.store(words, wordFor(number, ASKED_AT), layouts.tag);
          Atomics.add(words, wordFor(number, ASKED), 1);
          wake(sleeper);
        }
        await bed.until('the woken to answer', () =>
          woken.every(({ vcpu }) => load(vcpu.number, ANSWERED) === load(vcpu.number, ASKED)),
        );
      }
    } finally {
      for (const { gate } of sleepers) {
        if (gate === null) continue;
        Atomics.store(gate, LET_THROUGH, 0x7fffffff);
        Atomics.notify(gate, LET_THROUGH);
      }
    }
    return `${rounds} rounds of sleep, ${layouts.tag} layouts`;
  },
};
