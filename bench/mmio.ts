/** Reads of device registers, by where the device's callback runs. Random over 32 BARs of 16 KiB. */
import { type DeviceBinding, hostedDevice } from '../src/base/device-binding.ts';
import { MemoryRegion } from '../src/model/memory-region.ts';
import type { Machine } from '../src/service/machine.ts';
import type { Row } from './support/measure.ts';
import { BAR_BYTES, BAR_COUNT, BARS_START, REGISTER_FILE, registerFile } from './support/mix.ts';
import { measurePasses, type PassPlan } from './support/paced-vcpus.ts';
import { Random } from './support/random.ts';
import { fillWords, type Stream, sharedInts } from './support/stream.ts';

const WORDS_A_BAR = BAR_BYTES / 4;

/** A vCPU that is idle this long finds the device's host asleep: it stays awake for some 200 us. */
const IDLE_MS = 2;

function barStream(length: number): Stream {
  const random = new Random(11);
  const stream = {
    his: sharedInts(length),
    los: sharedInts(length),
    indices: sharedInts(length, () => random.below(BAR_COUNT * WORDS_A_BAR)),
    words: sharedInts(BAR_COUNT * WORDS_A_BAR),
  };
  stream.indices.forEach((word, i) => {
    stream.los[i] = BARS_START + 4 * word;
  });
  fillWords(stream.words);
  return stream;
}

function showBars(machine: Machine, device: (content: Int32Array) => DeviceBinding): void {
  const words = sharedInts(BAR_COUNT * WORDS_A_BAR);
  fillWords(words);
  const root = MemoryRegion.container('system', 2n ** 64n);
  for (let i = 0; i < BAR_COUNT; i += 1) {
    const content = words.slice(i * WORDS_A_BAR, (i + 1) * WORDS_A_BAR);
    root.addSubregion(BARS_START + i * BAR_BYTES, MemoryRegion.io(`bar-${i}`, BAR_BYTES, device(content)));
  }
  machine.addAddressSpace('memory', root);
}

function localPlan(lock: 'shared' | 'none', vcpus: number): PassPlan {
  const show = (machine: Machine): void => showBars(machine, (content) => registerFile(content, lock));
  return { kind: 'load', stream: barStream(16_384), vcpus, show };
}

/** Homed in a device worker. */
function homedPlan(accesses: number, rounds: number, idleMs: number): PassPlan {
  const show = async (machine: Machine): Promise<void> => {
    const host = await machine.startDeviceHost();
    showBars(machine, (content) => {
      const state = new SharedArrayBuffer(content.byteLength);
      new Int32Array(state).set(content);
      return hostedDevice(host, REGISTER_FILE, { state });
    });
  };
  return { kind: 'load', stream: barStream(accesses), rounds, idleMs, otherThreads: 1, show };
}

/** By row: how to measure it. A test makes one pass of each. */
export const mmioPlans: Readonly<Record<string, () => PassPlan>> = {
  'mmio/local': () => localPlan('none', 1),
  'mmio/local-2vcpu': () => localPlan('none', 2),
  'mmio/local-locked': () => localPlan('shared', 1),
  'mmio/homed-awake': () => homedPlan(500, 1, 0),
  'mmio/homed-asleep': () => homedPlan(1, 4, IDLE_MS),
};

export const mmioRows: readonly Row[] = Object.entries(mmioPlans).map(([name, plan]) => ({
  name,
  measure: () => measurePasses(plan()),
}));
