/** Reads and writes RAM that comes and goes: pattern, private words, holes, each as the layout in use has it. */
import { MEMTX_DECODE_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import {
  filledPages,
  HotPlug,
  type PluggedRam,
  PRIVATE_WORDS,
  ramWordOf,
  SLOT_COUNT,
  slotAddress,
} from '../hot-plug.ts';
import { LATEST } from '../shuffle.ts';
import { stressProgram, type UnderStress } from '../vcpu-side.ts';

export interface HotRamJob {
  readonly seed: number;
}

export default stressProgram<HotRamJob>((under) => {
  const { vcpu, lane, words, random, job } = under;
  const plug = new HotPlug(job.seed);
  for (;;) {
    const floor = Atomics.load(words, LATEST);
    if (!vcpu.checkpoint()) return;
    const tag = vcpu.memory.layoutTag;
    if (tag < floor || tag < plug.step)
      lane.violation(`vCPU ${vcpu.id}: layout ${tag} after ${plug.step}, ${floor}`);
    lane.at(tag);
    let newest = plug.slots[0] ?? null;
    while (plug.step < tag) newest = plug.next().is ?? newest;
    if (newest !== null && plug.slots[newest.slot] === newest) probe(under, newest);
    for (let accesses = 1 + random.below(100); accesses > 0; accesses -= 1) {
      const slot = random.below(SLOT_COUNT);
      const ram = plug.slots[slot]!;
      if (ram === null) probeHole(under, slot);
      else probe(under, ram);
    }
  }
});

function probe({ vcpu, lane, random, orders }: UnderStress<HotRamJob>, ram: PluggedRam): void {
  const { memory } = vcpu;
  const where = slotAddress(ram.slot);
  lane.checked(2);
  const offset = random.pick(filledPages(ram)) + 4 * (PRIVATE_WORDS + random.below(1024 - PRIVATE_WORDS));
  const value = memory.load32(0, where + offset);
  if (value !== ramWordOf(ram.step, offset) || memory.result !== MEMTX_OK) {
    lane.violation(
      `vCPU ${vcpu.id}: RAM of step ${ram.step} gave 0x${(value >>> 0).toString(16)} at 0x${offset.toString(16)}, ` +
        `result ${memory.result}, expected 0x${ramWordOf(ram.step, offset).toString(16)}`,
    );
  }
  const own = where + 4 * (orders.number % PRIVATE_WORDS);
  const stored = random.next();
  memory.store32(0, own, stored);
  const loaded = memory.load32(0, own);
  if (loaded !== stored)
    lane.violation(`vCPU ${vcpu.id}: RAM of step ${ram.step} lost a store of its only writer`);
}

function probeHole({ vcpu, lane }: UnderStress<HotRamJob>, slot: number): void {
  const value = vcpu.memory.load32(0, slotAddress(slot));
  lane.checked();
  if (value === 0 && vcpu.memory.result === MEMTX_DECODE_ERROR) return;
  lane.violation(
    `vCPU ${vcpu.id}: slot ${slot} is empty, but gave ${value} with result ${vcpu.memory.result}`,
  );
}
