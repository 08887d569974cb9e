/** Reads what a random tree shows: after each checkpoint it takes the tree to the layout in use, and probes about its edges. */
import { MEMTX_DECODE_ERROR, MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { answerAt, cutsOf } from '../literal-view.ts';
import { RandomTree, treeWord } from '../random-tree.ts';
import { INTENT } from '../shuffle.ts';
import { stressProgram } from '../vcpu-side.ts';

export interface TreeJob {
  /** The trees' seed. */
  readonly seed: number;
}

const PROBES_MAX = 60;

export default stressProgram<TreeJob>(({ vcpu, lane, random, words, job }) => {
  const tree = new RandomTree(job.seed);
  const { memory } = vcpu;
  let cuts = cutsOf(tree);
  while (vcpu.checkpoint()) {
    const tag = memory.layoutTag;
    lane.at(1, tag);
    if (tag < tree.step || tag > Atomics.load(words, INTENT)) {
      lane.violation(`vCPU ${vcpu.id}: layout ${tag} after layout ${tree.step}`);
      return;
    }
    if (tag > tree.step) {
      while (tree.step < tag) tree.next();
      cuts = cutsOf(tree);
    }
    const probes = 1 + random.below(PROBES_MAX);
    for (let probe = 0; probe < probes; probe += 1) {
      // The words before and after a cut, and one anywhere near it.
      const near = [-4, 0, 4 * random.below(0x400)][random.below(3)]!;
      const address = BigInt.asUintN(64, random.pick(cuts) + BigInt(near));
      const answer = answerAt(tree, address);
      const expected = answer === null ? 0 : treeWord(answer.region, Number(answer.offset));
      const value = memory.load32(Number(address >> 32n) | 0, Number(address & 0xffff_ffffn) | 0);
      if (value === expected && memory.result === (answer === null ? MEMTX_DECODE_ERROR : MEMTX_OK)) continue;
      lane.violation(
        `vCPU ${vcpu.id}: layout ${tag}, 0x${address.toString(16)} gave 0x${(value >>> 0).toString(16)} with ` +
          `result ${memory.result}, expected ${answer === null ? 'a hole' : `0x${expected.toString(16)}`}`,
      );
    }
    lane.checked(probes);
  }
});
