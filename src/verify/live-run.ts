/**
 * A machine under verification: vCPUs that run the probe program on a workload, and what they report.
 * Guarantee: close() leaves no thread, whatever happened before.
 */
import { assert } from '../base/assert.ts';
import { MemoryError } from '../base/errors.ts';
import type { SharedWords } from '../layout/control-block.ts';
import { Machine } from '../service/machine.ts';
import type { MachineGauges } from '../service/shared-buffers.ts';
import type { VcpuHandle } from '../service/vcpu-handle.ts';
import { AccessCounts } from './access-counts.ts';
import { advanceEra, createBoard, VCPU_SLICES, VCPU_VIOLATIONS, vcpuWord } from './board.ts';
import { TAG_MASK } from './cell-format.ts';
import { ChurnDriver } from './churn-driver.ts';
import { expectationTagAt } from './expectation-search.ts';
import { checkFinalMemory, writeFreshCells } from './memory-words.ts';
import { moduleUrl } from './probe-devices.ts';
import type { ProbeProgramData } from './probe-program.ts';
import { exampleViolations, misdirectedWrites, type Violation } from './violations.ts';
import type { Workload } from './workload.ts';

export interface LiveRunOptions {
  readonly vcpus: number;
  readonly seed: number;
  /** The vCPUs' program; tests give one that breaks the rules. */
  readonly program?: URL;
}

/** What was verified up to now. */
export interface Verification {
  readonly checked: number;
  readonly violations: number;
  readonly examples: readonly Violation[];
}

const WARM_UP_SLICES = 200;
const POLL_MS = 5;

export class LiveRun {
  readonly machine: Machine;
  readonly driver: ChurnDriver;
  readonly board: SharedWords;
  private readonly workload: Workload;
  private readonly options: LiveRunOptions;
  private readonly vcpus: readonly VcpuHandle[];
  private readonly counts: AccessCounts;
  private readonly found: Violation[] = [];
  private foundByControl = 0;
  private stallCount = 0;
  private failure: unknown = null;

  /** Starts the vCPUs; they begin to verify at once. */
  constructor(workload: Workload, options: LiveRunOptions) {
    const { vcpus } = options;
    this.workload = workload;
    this.options = options;
    this.board = createBoard(vcpus);
    this.counts = new AccessCounts(this.board, vcpus);
    const onStall = (): void => {
      this.stallCount += 1;
    };
    this.machine = new Machine({ vcpuSlots: vcpus, onStall });
    const groups = workload.spaces.map(({ group }) => group);
    this.driver = new ChurnDriver(this.machine, workload.plan, workload.tables, groups, this.board);
    try {
      for (const [index, { root }] of workload.addressSpaces.entries())
        this.machine.addAddressSpace(workload.spaces[index]!.name, root);
      writeFreshCells(this.machine, workload.book);
      this.vcpus = Array.from({ length: vcpus }, (_, vcpu) => this.start(vcpu));
    } catch (error) {
      void this.machine.close();
      throw error;
    }
    for (const { finished } of this.vcpus) finished.catch((error: unknown) => this.fail(error));
  }

  /** Resolves when every vCPU is in full swing; rejects if one fails. */
  async warmUp(ms: number): Promise<void> {
    const isWarm = (vcpu: number): boolean => this.board[vcpuWord(vcpu) + VCPU_SLICES]! >= WARM_UP_SLICES;
    while (!this.vcpus.every((_, vcpu) => isWarm(vcpu))) await this.wait(POLL_MS);
    await this.wait(ms);
  }

  /** Waits, unless a vCPU fails: then it throws what the vCPU threw. */
  async wait(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
    if (this.failure !== null) throw this.failure;
  }

  /** Accesses checked by each vCPU so far. Call it several times a second: shared counts wrap. */
  accesses(): readonly number[] {
    advanceEra(this.board, this.vcpus.length);
    return this.counts.update();
  }

  get violations(): number {
    const byVcpus = this.vcpus.reduce(
      (sum, _, vcpu) => sum + this.board[vcpuWord(vcpu) + VCPU_VIOLATIONS]!,
      this.foundByControl,
    );
    return byVcpus + this.workload.probes.misdirectedWrites;
  }

  /** How often a vCPU was seen to pass no checkpoint for long: mostly, that it got no time on a core. */
  get stalls(): number {
    return this.stallCount;
  }

  get gauges(): MachineGauges {
    return this.machine.gauges;
  }

  /** Stops the vCPUs and compares what they left in memory with what they say they wrote. */
  async finish(): Promise<void> {
    this.driver.stop();
    for (const vcpu of this.vcpus) void vcpu.stop();
    const added = await Promise.all(this.vcpus.map(({ finished }) => finished as Promise<Int32Array>)).catch(
      (error: unknown) => {
        throw ourFault(error);
      },
    );
    const { book, privateRam } = this.workload;
    const counters = privateRam.counterWords().map((place, index) => ({
      ...place,
      due: added.reduce((sum, counts) => (sum + counts[index]!) | 0, 0),
    }));
    const findings = checkFinalMemory(this.machine, book, counters);
    this.foundByControl += findings.count;
    this.found.push(...findings.examples);
  }

  verification(): Verification {
    const { book, spaces, tables, probes } = this.workload;
    const context = {
      book,
      spaceName: (space: number) => spaces[space]!.name,
      statesWithTag: (space: number, hi: number, lo: number, tag: number) =>
        expectationTagAt(tables, book, spaces[space]!.group, hi, lo, tag & TAG_MASK),
    };
    const others = [...this.found, ...misdirectedWrites(probes.misdirectedWrites)];
    const examples = exampleViolations(this.board, this.vcpus.length, context, others);
    const checked = this.accesses().reduce((sum, count) => sum + count, 0);
    return { checked, violations: this.violations, examples };
  }

  close(): Promise<void> {
    this.driver.stop();
    return this.machine.close();
  }

  private start(vcpu: number): VcpuHandle {
    const { workload, options } = this;
    const { book, tables, spaces, schedule, privateRam, privateSpace } = workload;
    const data: ProbeProgramData = {
      vcpu,
      seed: options.seed,
      board: this.board,
      cells: book.shared,
      tables,
      spaces,
      schedule,
      privatePlaces: privateRam.placesFor(vcpu),
      privateSpace,
    };
    const handle = this.machine.startVcpu({ program: options.program ?? moduleUrl('probe-program'), data });
    assert(handle.id === vcpu, 'vCPUs of a fresh machine are numbered in the order of their start');
    return handle;
  }

  private fail(error: unknown): void {
    this.failure ??= ourFault(error);
    this.driver.stop();
  }
}

/** The probe programs are ours: that one fails is no mistake of the caller's, as a MemoryError would say. */
export const ourFault = (error: unknown): unknown =>
  error instanceof MemoryError && error.code === 'VCPU_FAILED'
    ? new Error(error.message, { cause: error.cause })
    : error;
