/** A vCPU that keeps an old map: most of its checkpoints are none, though it goes on as if they were. */
import type { Vcpu } from '../../src/vcpu/vcpu.ts';
import { type ProbeProgramData, Prober } from '../../src/verify/probe-program.ts';

class StaleProber extends Prober {
  private checkpoints = 0;

  protected override checkpoint(): boolean {
    this.checkpoints += 1;
    return this.checkpoints % 200 < 100 ? super.checkpoint() : true;
  }
}

export default function staleProgram(vcpu: Vcpu, data: ProbeProgramData): Int32Array {
  const prober = new StaleProber(vcpu, data);
  while (prober.slice()) prober.tell();
  prober.tell();
  return prober.privateMemory.added;
}
