/** Uses a device that comes and goes, by the layout in use: the port's layoutTag is even where it is there. */
import { MEMTX_DECODE_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { stressProgram } from '../vcpu-side.ts';

export interface RemovedJob {
  readonly address: number;
  /** A RAM word, to have something to do. */
  readonly ram: number;
}

/** Layout in which device `number` is there; in the next it is not. */
export const tagWith = (number: number): number => 2 * number;

export default stressProgram<RemovedJob>(({ vcpu, lane, random, job }) => {
  const { memory } = vcpu;
  const fail = (tag: number, what: string): void =>
    lane.violation(`vCPU ${vcpu.id}, layout ${tag}: the device ${what}, result ${memory.result}`);
  while (vcpu.checkpoint()) {
    const tag = memory.layoutTag;
    lane.at(tag);
    const isThere = tag > 0 && tag % 2 === 0;
    const isWrite = random.below(4) === 0;
    if (isWrite) memory.write(job.address, 4, 1);
    const value = isWrite ? tag / 2 : memory.read(job.address, 4);
    if (isThere && (value !== tag / 2 || memory.result !== MEMTX_OK)) fail(tag, `gave ${value}`);
    if (!isThere && memory.result !== MEMTX_DECODE_ERROR) fail(tag, 'answered after its removal');
    for (let loads = random.below(50); loads > 0; loads -= 1) memory.load32(0, job.ram);
    lane.checked();
  }
});
