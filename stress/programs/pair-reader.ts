/**
 * Looks at two address spaces that change together in each transaction. A checkpoint loads their roots one after the
 * other, in the order in which the vCPU was started with them: so the second is at most one transaction behind the
 * first, and any number ahead. Where nothing is published they are of the same one.
 */
import { MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { PAIR_ADDRESS, pairPage, pairWord } from '../pairs.ts';
import { INTENT, LATEST, wordOf } from '../shuffle.ts';
import { stressProgram, type UnderStress } from '../vcpu-side.ts';

export default stressProgram<null>((under) => {
  const { vcpu, lane, words, orders } = under;
  const seen = [0, 0] as const as [number, number];
  for (;;) {
    const floor = Atomics.load(words, LATEST);
    if (!vcpu.checkpoint()) return;
    const [first, second] = [look(under, 0), look(under, 1)];
    const intent = Atomics.load(words, INTENT);
    if (second < first - 1 || Math.min(first, second) < floor || Math.max(first, second) > intent) {
      lane.violation(
        `vCPU ${vcpu.id}: layouts ${first} and ${second}, after ${floor} was published, with ${intent} the newest`,
      );
    }
    if (first < seen[0] || second < seen[1])
      lane.violation(`vCPU ${vcpu.id}: layouts ${first} and ${second} after ${seen}`);
    seen[0] = first;
    seen[1] = second;
    if (first !== second) Atomics.add(words, pairWord(orders.number), 1);
  }
});

/** The layout of one of the two, whose page must be there. */
function look({ vcpu, lane }: UnderStress<null>, space: 0 | 1): number {
  const port = vcpu.ports[space]!;
  const tag = port.layoutTag;
  const page = pairPage(space, tag);
  const value = port.load32(0, PAIR_ADDRESS);
  if (value !== wordOf(page, 0) || port.result !== MEMTX_OK) {
    lane.violation(
      `vCPU ${vcpu.id}: layout ${tag} of address space ${space} gave 0x${(value >>> 0).toString(16)} for page ${page}`,
    );
  }
  lane.checked();
  return tag;
}
