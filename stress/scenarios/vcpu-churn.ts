/** vCPUs come and go, by themselves or killed, while grace periods are under way that a slow one holds up. */
import { type Bed, pause, type StartedVcpu, sharedWords } from '../bed.ts';
import type { ShuffleJob } from '../programs/shuffle-reader.ts';
import type { VisitorJob } from '../programs/visitor.ts';
import type { Scenario } from '../scenario.ts';
import { SHUFFLE_WORDS } from '../shuffle.ts';
import { ShuffledMachine } from '../shuffled-machine.ts';

const resident = new URL('../programs/shuffle-reader.ts', import.meta.url);
const visitor = new URL('../programs/visitor.ts', import.meta.url);
const CHECKPOINTS_MAX = 300;
/** One visitor in so many is killed somewhere between its start and its end. */
const KILLED_ONE_IN = 4;
const LIFE_MS = 20;
/** From its start to its end: threads need a core to come up, and there may be few. */
const STAY_MS_MAX = 60_000;

class Visitors {
  came = 0;
  private readonly bed: Bed;
  private readonly layouts: ShuffledMachine;
  private readonly inside = new Map<number, StartedVcpu>();
  private readonly stays = new Set<Promise<unknown>>();
  /** Grace periods that were begun and have not ended. */
  private readonly periods = new Set<Promise<void>>();

  constructor(bed: Bed, layouts: ShuffledMachine) {
    this.bed = bed;
    this.layouts = layouts;
  }

  get count(): number {
    return this.inside.size;
  }

  /** Starts one in the middle of a grace period. */
  start(): void {
    const { bed, layouts } = this;
    this.beginPeriod();
    const checkpoints = bed.random.below(CHECKPOINTS_MAX);
    const job: VisitorJob = { seed: bed.seed, floor: layouts.tag, checkpoints };
    const isDoomed = bed.random.below(KILLED_ONE_IN) === 0;
    const vcpu = bed.start(visitor, job, { words: layouts.words, mayFail: isDoomed });
    const { handle } = vcpu;
    if (this.inside.has(handle.id)) bed.violation(`slot ${handle.id} was given to a second vCPU`);
    this.inside.set(handle.id, vcpu);
    this.came += 1;
    const gone = (): void => {
      this.inside.delete(handle.id);
      this.beginPeriod();
    };
    const stay: Promise<unknown> = handle.finished.then(gone, gone).then(() => this.stays.delete(stay));
    this.stays.add(stay);
    if (isDoomed) void this.kill(vcpu);
  }

  private async kill({ handle }: StartedVcpu): Promise<void> {
    await pause(this.bed.random.below(LIFE_MS));
    this.bed.fault('a vCPU is killed while it comes, runs or goes');
    await handle.terminate();
  }

  private beginPeriod(): void {
    const { machine } = this.bed;
    const period: Promise<void> = machine.synchronize().then(() => {
      this.periods.delete(period);
      this.bed.checked();
    });
    this.periods.add(period);
  }

  /** All have gone, and every grace period that was begun has ended. */
  async end(): Promise<void> {
    await this.bed.bounded('the last visitors to go', Promise.all(this.stays), STAY_MS_MAX);
    await this.bed.bounded('grace periods during which vCPUs came and went', Promise.all(this.periods));
  }
}

export const vcpuChurn: Scenario = {
  name: 'vcpu-churn',
  property:
    'vCPUs that come and go during grace periods neither hold them up nor are missed; each begins on the newest map',
  seconds: 5,
  async run(bed) {
    const machine = bed.open({ vcpuSlots: bed.vcpuCount + 1 });
    const layouts = new ShuffledMachine(bed, sharedWords(SHUFFLE_WORDS));
    const job: ShuffleJob = { seed: bed.seed };
    bed.start(resident, job, { words: layouts.words });
    await bed.up();
    const visitors = new Visitors(bed, layouts);
    while (!bed.timeIsUp) {
      await layouts.next();
      if (visitors.count < bed.vcpuCount) visitors.start();
      else await pause(1); // their threads need a core to come up
    }
    await visitors.end();
    if (machine.vcpus.length !== 1) bed.violation(`${machine.vcpus.length} vCPUs are left, not 1`);
    return `${visitors.came} vCPUs came and went in ${bed.vcpuCount} slots, ${layouts.tag} layouts`;
  },
};
