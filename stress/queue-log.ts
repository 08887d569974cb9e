/** A device whose registers are counters, one a vCPU: writes must come one by one, in the order in which they were made. */
import type { DeviceCallbacks } from '../src/vcpu-program.ts';
import type { Bed } from './bed.ts';

export const QUEUE_REGISTERS = 64;
/** The register of those who are killed: whatever comes, comes. */
export const QUEUE_OF_THE_DEAD = QUEUE_REGISTERS - 1;

export class QueueLog implements DeviceCallbacks {
  private readonly bed: Bed;
  private readonly last = new Int32Array(QUEUE_REGISTERS);

  constructor(bed: Bed) {
    this.bed = bed;
  }

  read(offset: number): number {
    return this.last[offset >> 2]!;
  }

  write(offset: number, value: number): void {
    const register = offset >> 2;
    const before = this.last[register]!;
    this.last[register] = value;
    if (register === QUEUE_OF_THE_DEAD || value === ((before + 1) | 0)) return;
    this.bed.violation(`write ${value} of register ${register} was replayed after write ${before}`);
  }

  /** After everything was replayed. @param written how many writes vCPU `register` made */
  judge(register: number, written: number): void {
    if (this.last[register] !== written)
      this.bed.violation(`${written} writes of vCPU ${register} were queued, ${this.last[register]} came`);
  }
}
