/** A vCPU that keeps the first map it gets for most of a replay. */
import type { Vcpu } from '../../src/vcpu/vcpu.ts';
import { Replayer, type ReplayProgramData } from '../../src/verify/replay-program.ts';

class StaleReplayer extends Replayer {
  private checkpoints = 0;

  protected override checkpoint(): boolean {
    this.checkpoints += 1;
    return this.checkpoints % 3000 < 20 ? super.checkpoint() : true;
  }
}

export default function staleReplayProgram(vcpu: Vcpu, data: ReplayProgramData): void {
  const replayer = new StaleReplayer(vcpu, data);
  while (replayer.pass());
}
