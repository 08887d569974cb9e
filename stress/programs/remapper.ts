/**
 * Writes to its own device where the device shall be next, and looks for it there at the very next access;
 * also from inside a read section.
 */
import { MEMTX_DECODE_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { stressProgram } from '../vcpu-side.ts';

export interface RemapJob {
  readonly base: number;
  readonly slots: number;
  readonly strideBytes: number;
}

/** Offset of the register that counts moves. */
export const MOVES = 4;

export default stressProgram<RemapJob>((under) => {
  const { vcpu, lane, random, job } = under;
  const { memory } = vcpu;
  const at = (slot: number): number => job.base + slot * job.strideBytes;
  const fail = (text: string): void => lane.violation(`vCPU ${vcpu.id}: ${text}`);
  let slot = 0;
  for (let moves = 1; vcpu.checkpoint(); moves += 1) {
    const next = random.below(job.slots);
    const inSection = random.below(4) === 0;
    if (inSection) vcpu.readLock();
    lane.at(moves);
    memory.write(at(slot), 4, next);
    if (memory.result !== MEMTX_OK) fail(`move ${moves} to slot ${next} gave result ${memory.result}`);
    const counted = memory.read(at(next) + MOVES, 4);
    if (counted !== moves || memory.result !== MEMTX_OK) {
      fail(
        `after move ${moves} from slot ${slot} to ${next} it gave ${counted} there, result ${memory.result}`,
      );
    }
    if (next !== slot) {
      memory.read(at(slot) + MOVES, 4);
      if (memory.result !== MEMTX_DECODE_ERROR)
        fail(`after move ${moves} slot ${slot} still gives ${memory.result}`);
    }
    if (inSection) vcpu.readUnlock();
    lane.checked(3);
    slot = next;
  }
});
