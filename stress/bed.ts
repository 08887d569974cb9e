/**
 * What a scenario lies on: a machine in checked mode, vCPUs with lanes to tell what they saw, a clock, and a
 * watchdog for everything that must not hang.
 * Guarantee: after end() every thread has ended and the machine is closed, or a violation says what did not.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MemoryError } from '../src/base/errors.ts';
import {
  registerParticipant,
  type TransactionChanges,
  transaction,
  unregisterParticipant,
} from '../src/model/transaction.ts';
import { Machine } from '../src/service/machine.ts';
import type { MachineOptions } from '../src/service/machine-options.ts';
import type { VcpuHandle } from '../src/service/vcpu-handle.ts';
import { Random } from '../src/verify/random.ts';
import { evidenceOf } from './evidence.ts';
import type { Evidence } from './failure.ts';
import { EXAMPLES_MAX, Lane } from './lane.ts';
import { layoutText } from './layout-text.ts';
import type { StressOptions } from './scenario.ts';
import { StepLog } from './step-log.ts';
import type { Orders } from './vcpu-side.ts';

/** Nothing here takes a hundredth of this, also where many threads share few cores: who needs longer hangs. */
const PATIENCE_MS = 8000;
/** Commits between two turns of the event loop, where homed devices are served and grace periods end. */
const COMMITS_PER_TURN = 8;

/** Looks of until() before it waits a millisecond between two. */
const EAGER_LOOKS = 200;

/** Something did not happen within PATIENCE_MS; it has been noted. */
export class Hang extends Error {}

export interface StartedVcpu {
  readonly handle: VcpuHandle;
  readonly lane: Lane;
  readonly number: number;
  readonly machine: Machine;
}

export interface StartOptions {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly addressSpaces?: readonly string[];
  /** It will be killed: that it fails is no violation. */
  readonly mayFail?: boolean;
}

export class Bed {
  readonly vcpuCount: number;
  readonly seed: number;
  readonly random: Random;
  /** What the control side did. Layouts get there by themselves; a scenario may add what it decides. */
  readonly steps: StepLog;
  private readonly options: StressOptions;
  private readonly started: StartedVcpu[] = [];
  private readonly violations: string[] = [];
  private readonly machines: Machine[] = [];
  private deadlineMs = Number.POSITIVE_INFINITY;
  private vcpusFailed = 0;
  private sinceTurn = 0;
  private hung = false;
  private checkedHere = 0;
  private faultCount = 0;
  /** What is published afterwards, to tidy up, comes where time says, and is not compared by a replay. */
  private isOver = false;
  private readonly sinceMs = performance.now();
  private noticed: { readonly evidence: Evidence; readonly seconds: number } | null = null;
  private readonly onUncaught = (error: unknown): void =>
    this.violation(`in the control thread: ${textOf(error)}`);
  private readonly participant = {
    prepare: (changes: TransactionChanges) => ({
      publish: () => {
        if (this.isOver) this.steps.did(layoutText(changes));
        else this.steps.published(layoutText(changes));
      },
      abandon: () => {},
    }),
  };

  constructor(options: StressOptions) {
    this.options = options;
    this.vcpuCount = options.vcpus;
    this.seed = options.seed;
    this.random = new Random(options.seed);
    this.steps = new StepLog(options.recorded);
    registerParticipant(this.participant);
    process.on('uncaughtException', this.onUncaught);
  }

  get mutant(): string | null {
    return this.options.mutant;
  }

  /** Makes the scenario's machine; a scenario that makes another one leaves the first alone. */
  open(options: MachineOptions = {}): Machine {
    const machine = new Machine({
      checked: true,
      vcpuHost: this.random.pick(['piscina', 'threads'] as const),
      onStall: () => {}, // a vCPU that gets no core for a while is no violation
      ...options,
    });
    this.steps.did('opens a machine');
    this.machines.push(machine);
    return machine;
  }

  /** The machine that was made last. */
  get machine(): Machine {
    return this.machines.at(-1)!;
  }

  start(program: URL, job: unknown, options: StartOptions): StartedVcpu {
    const number = this.started.length;
    const lane = new Lane();
    const orders: Orders = {
      lane: lane.buffer,
      words: options.words.buffer,
      seed: Math.imul(this.seed + 1, 1_000_003) + number,
      number,
      mutant: this.options.mutant,
    };
    const handle = this.machine.startVcpu({
      program,
      data: { orders, job },
      addressSpaces: options.addressSpaces ?? [],
    });
    const vcpu = { handle, lane, number, machine: this.machine };
    this.started.push(vcpu);
    this.steps.did(`starts vCPU ${number} in slot ${handle.id}: ${program.pathname.split('/').at(-1)}`);
    handle.finished.catch((error: unknown) => {
      if (options.mayFail === true) return;
      this.vcpusFailed += 1;
      this.violation(textOf(error));
    });
    return vcpu;
  }

  /** Resolves when every vCPU is up; the scenario's time begins when the first are. */
  async up(): Promise<void> {
    await this.bounded(
      'start of the vCPUs',
      Promise.all(this.started.map(({ handle }) => handle.started)),
      180_000, // a thread for each, on few cores
    );
    if (this.deadlineMs === Number.POSITIVE_INFINITY) {
      this.deadlineMs = performance.now() + this.options.seconds * 1000;
    }
  }

  /** True when the scenario has run long enough, or has seen enough. */
  get timeIsUp(): boolean {
    if (this.violationCount > 0) this.notice();
    const seenEnough = this.hung || this.vcpusFailed > 0 || this.violationCount >= EXAMPLES_MAX;
    this.isOver ||= seenEnough || this.isCutShort || performance.now() >= this.deadlineMs;
    return this.isOver;
  }

  private get isCutShort(): boolean {
    return this.options.signal?.aborted === true;
  }

  violation(text: string): void {
    this.steps.did(`VIOLATION: ${text}`);
    this.violations.push(text);
    this.notice();
  }

  /** Something was broken under the engine on purpose: a thread killed, a host hung, a commit made to fail. */
  fault(text: string, count = 1): void {
    this.steps.did(`fault: ${text}`);
    this.faultCount += count;
  }

  get faults(): number {
    return this.faultCount;
  }

  /** What was there to see when the first violation was noticed; now, if none was. Call it before end(). */
  get evidence(): Evidence {
    return this.noticed?.evidence ?? evidenceOf(this.machines, this.started);
  }

  /** From the begin until the first violation was noticed. */
  get noticedSeconds(): number | null {
    return this.noticed?.seconds ?? null;
  }

  private notice(): void {
    if (this.noticed !== null) return;
    const seconds = Math.round(performance.now() - this.sinceMs) / 1000;
    this.noticed = { evidence: evidenceOf(this.machines, this.started), seconds };
  }

  /** The control thread itself checked `count` more things. */
  checked(count = 1): void {
    this.checkedHere += count;
  }

  get violationCount(): number {
    return this.started.reduce((sum, { lane }) => sum + lane.violations, this.violations.length);
  }

  /** What was seen, the first few of each thread. */
  get examples(): readonly string[] {
    const seen = [...this.started.flatMap(({ lane }) => lane.examples), ...this.violations];
    return seen.slice(0, EXAMPLES_MAX);
  }

  get operations(): number {
    return this.started.reduce((sum, { lane }) => sum + lane.operations, this.checkedHere);
  }

  get publications(): number {
    return this.machines.reduce((sum, machine) => sum + machine.gauges.publications, 0);
  }

  /** One transaction; false if it was refused because vCPUs are too far behind. */
  tryCommit(body: () => void): boolean {
    try {
      transaction(body);
      return true;
    } catch (error) {
      if (error instanceof MemoryError && error.code === 'BACK_PRESSURE') return false;
      throw error;
    }
  }

  /** One transaction, tried again after a grace period where vCPUs are behind. */
  async commit(body: () => void): Promise<void> {
    while (!this.tryCommit(body)) await this.graceful('synchronize() after BACK_PRESSURE');
    this.sinceTurn += 1;
    if (this.sinceTurn < COMMITS_PER_TURN) return;
    this.sinceTurn = 0;
    await nextTurn();
  }

  /** A grace period, which must end. */
  graceful(what: string): Promise<void> {
    this.steps.did(`waits for ${what}`);
    return this.bounded(what, this.machine.synchronize());
  }

  /** `promise`, which must settle. @throws Hang, after a violation with what every vCPU was doing */
  async bounded<T>(what: string, promise: Promise<T>, patienceMs = PATIENCE_MS): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, patienceMs, 'late');
    });
    const first = await Promise.race([promise.then((value) => ({ value })), late]);
    clearTimeout(timer);
    if (first !== 'late') return first.value;
    this.hang(what, patienceMs);
  }

  /** Waits until `holds`; looks often at first, then every millisecond. @throws Hang */
  async until(what: string, holds: () => boolean): Promise<void> {
    const sinceMs = performance.now();
    for (let looks = 0; !holds(); looks += 1) {
      if (this.vcpusFailed > 0) throw new Hang(what);
      if (performance.now() - sinceMs > PATIENCE_MS) this.hang(what, PATIENCE_MS);
      await (looks < EAGER_LOOKS ? nextTurn() : pause(1));
    }
  }

  /** Waits until each of them has checked something more. @throws Hang */
  async allGoOn(what: string, vcpus: readonly StartedVcpu[]): Promise<void> {
    const before = vcpus.map(({ lane }) => lane.operations);
    await this.until(what, () => vcpus.every(({ lane }, index) => lane.operations !== before[index]));
  }

  /** For a loop of the control thread: call what this returns in each turn. It throws Hang if `figure` rests. */
  watch(what: string, figure: () => number): () => void {
    let last = figure();
    let sinceMs = performance.now();
    return () => {
      const now = figure();
      if (now === last && performance.now() - sinceMs > PATIENCE_MS) this.hang(what, PATIENCE_MS);
      if (now !== last) sinceMs = performance.now();
      last = now;
    };
  }

  /** Asks all vCPUs to return, and waits for that: what they counted is final afterwards. */
  async stopVcpus(): Promise<void> {
    const patienceMs = this.violationCount > 0 ? 500 : PATIENCE_MS;
    for (const machine of this.machines) {
      await this.bounded('stop of the vCPUs', machine.stop(patienceMs), 2 * PATIENCE_MS);
    }
  }

  /** Ends everything; resolves when no thread is left. */
  async end(): Promise<void> {
    try {
      await this.stopVcpus();
      for (const machine of this.machines) {
        await this.bounded('close of the machine', machine.close(), 2 * PATIENCE_MS);
      }
    } catch (error) {
      if (!(error instanceof Hang)) this.violation(`at the end: ${textOf(error)}`);
    }
    if (this.operations === 0 && this.violationCount === 0 && !this.isCutShort)
      this.violation('nothing was checked');
    unregisterParticipant(this.participant);
    process.off('uncaughtException', this.onUncaught);
  }

  private hang(what: string, patienceMs: number): never {
    const vcpus = this.started
      .filter(({ handle }) => handle.phase !== 'finished')
      .map(
        ({ handle, lane }) =>
          `vCPU ${handle.id} ${handle.phase}, step ${lane.step}, ${lane.operations} checked`,
      );
    this.hung = true;
    this.violation(`hang: ${what} took over ${patienceMs} ms [${vcpus.join('; ') || 'no vCPU runs'}]`);
    throw new Hang(what);
  }
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Shared words of a scenario. */
export const sharedWords = (count: number): Int32Array<SharedArrayBuffer> =>
  new Int32Array(new SharedArrayBuffer(4 * count));

export function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause =
    error.cause instanceof Error ? ` (${error.cause.stack?.split('\n').slice(0, 3).join(' ')})` : '';
  return `${error.message}${cause}`;
}
