/** Loads, stores and atomics of a vCPU through its memory port; support/mix.ts describes the mix. */
import { DIRTY_CLIENT_VGA } from '../src/base/dirty-log.ts';
import { MemoryRegion } from '../src/model/memory-region.ts';
import type { Machine } from '../src/service/machine.ts';
import type { Row } from './support/measure.ts';
import { mixStream, registerFile, showMix } from './support/mix.ts';
import { measurePasses, type PassPlan } from './support/paced-vcpus.ts';
import { Random } from './support/random.ts';
import { type Stream, sequentialStream, sharedInts } from './support/stream.ts';

const RAM_START = 0x10_0000;
const WORD_COUNT = 65_536;

const mixPlan = (vcpus: number): PassPlan => {
  const stream = mixStream();
  return { kind: 'load', stream, vcpus, show: (machine) => showMix(machine, stream) };
};

/** @param isLogged a display logs it; its pages are dirty already, as nearly all are between two refreshes */
function ramPlan(kind: PassPlan['kind'], isLogged = false): PassPlan {
  const stream = sequentialStream(RAM_START, WORD_COUNT);
  const show = (machine: Machine): void => {
    const root = MemoryRegion.container('system', 2n ** 64n);
    const ram = MemoryRegion.ram('ram', 4 * WORD_COUNT);
    root.addSubregion(RAM_START, ram);
    if (isLogged) ram.dirtyLog.setLog(true, DIRTY_CLIENT_VGA);
    machine.writeRam(ram, 0, new Uint8Array(stream.words.buffer));
    machine.addAddressSpace('memory', root);
  };
  return { kind, stream, show };
}

/** First port and count of ports of devices that a PC has, with gaps and of single bytes. */
const PORTS: readonly (readonly [number, number])[] = [
  [0x20, 2],
  [0x40, 4],
  [0x60, 1],
  [0x64, 1],
  [0x70, 2],
  [0xa0, 2],
  [0x3f8, 8],
  [0xcf8, 1],
  [0xcf9, 1],
  [0xcfc, 4],
];

function portIoPlan(): PassPlan {
  const ports = PORTS.flatMap(([first, count]) => Array.from({ length: count }, (_, i) => first + i));
  const random = new Random(7);
  const stream: Stream = {
    his: sharedInts(16_384),
    los: sharedInts(16_384, () => ports[random.below(ports.length)]!),
    indices: sharedInts(16_384),
    words: sharedInts(0x1000, (port) => port & 0xff),
  };
  stream.indices.set(stream.los);
  const show = (machine: Machine): void => {
    const root = MemoryRegion.container('io', 0x1_0000);
    for (const [first, count] of PORTS) {
      const bytes = new Uint8Array(8).map((_, i) => (first + i) & 0xff);
      const device = registerFile(new Int32Array(bytes.buffer), 'none');
      root.addSubregion(first, MemoryRegion.io(`port-${first.toString(16)}`, count, device));
    }
    machine.addAddressSpace('io', root);
  };
  return { kind: 'load-byte', stream, show };
}

/** By row: how to measure it. A test makes one pass of each. */
export const accessPlans: Readonly<Record<string, () => PassPlan>> = {
  'access/random-mix': () => mixPlan(1),
  'access/random-mix-2vcpu': () => mixPlan(2),
  'access/sequential': () => ramPlan('load'),
  'access/write-sequential': () => ramPlan('store'),
  'access/write-logged': () => ramPlan('store', true),
  'access/atomic-add': () => ramPlan('atomic-add'),
  'access/port-io': portIoPlan,
};

export const accessRows: readonly Row[] = Object.entries(accessPlans).map(([name, plan]) => ({
  name,
  measure: () => measurePasses(plan()),
}));
