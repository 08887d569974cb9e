/** Reads devices that lead to each other, and knows of each pair whether it may. */
import { MEMTX_ACCESS_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { DEVICE_BYTES, ENDLESS, leadingAnswer, noted, plainAnswer } from '../devices/leading.ts';
import { stressProgram } from '../vcpu-side.ts';

export interface ReentrantJob {
  readonly base: number;
  /** By device that leads, by device that is led to. */
  readonly allowed: readonly (readonly boolean[])[];
  readonly state: SharedArrayBuffer;
  /** Those that may lead to themselves without end: until they are denied. */
  readonly endless: readonly number[];
}

const ENDLESS_ONE_IN = 500;

export default stressProgram<ReentrantJob>(({ vcpu, lane, random, job }) => {
  const { memory } = vcpu;
  const state = new Int32Array(job.state);
  const at = (device: number): number => job.base + device * DEVICE_BYTES;
  while (vcpu.checkpoint()) {
    const from = random.below(job.allowed.length);
    const to = random.below(job.allowed[from]!.length);
    lane.at(100 * from + to);
    Atomics.store(state, vcpu.id, 0);
    const value = memory.read(at(from) + 4 * to, 4);
    if (value !== leadingAnswer(from, to) || memory.result !== MEMTX_OK)
      lane.violation(`vCPU ${vcpu.id}: device ${from} gave ${value}, result ${memory.result}`);
    const inner = Atomics.load(state, vcpu.id);
    const isAllowed = job.allowed[from]![to]!;
    if (inner !== (isAllowed ? noted(plainAnswer(to), MEMTX_OK) : noted(0, MEMTX_ACCESS_ERROR)))
      lane.violation(
        `vCPU ${vcpu.id}: device ${from} led to ${to}, and noted ${inner}, allowed: ${isAllowed}`,
      );
    lane.checked(2);
    if (random.below(ENDLESS_ONE_IN) !== 0) continue;
    memory.write(at(random.pick(job.endless)) + ENDLESS, 4, 1);
    if (memory.result !== MEMTX_OK)
      lane.violation(`vCPU ${vcpu.id}: a write that led back without end gave ${memory.result}`);
    lane.checked();
  }
});
