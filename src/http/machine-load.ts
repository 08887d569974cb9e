/**
 * vCPUs of a machine that make load (load-program.ts): started, stopped and adjusted from the control thread.
 * Writes: the first words of the load's board.
 */
import { hiFromAddress, loFromAddress } from '../base/addresses.ts';
import { MemoryError } from '../base/errors.ts';
import type { SharedWords } from '../layout/control-block.ts';
import type { AddressSpace } from '../model/address-space.ts';
import type { FlatRange } from '../render/flat-view.ts';
import type { Machine } from '../service/machine.ts';
import { siblingModule } from '../service/sibling-module.ts';
import type { VcpuHandle } from '../service/vcpu-handle.ts';
import { Random } from '../verify/random.ts';
import type { AccessTotals } from './access-pool.ts';
import type { Inventory } from './inventory.ts';
import * as program from './load-program.ts';
import { WrappingCounts } from './wrapping-counts.ts';

export interface LoadRequest {
  readonly vcpus: number;
  readonly addressSpace: string;
  /** Accesses a second of all vCPUs together, or as many as they can. */
  readonly rate: number | 'max';
  /** Stores among them: they write over what clients stored. */
  readonly writePercent: number;
  /** Accesses of a vCPU between two checkpoints; fewer where the rate is low. */
  readonly checkpointEvery: number;
}

export interface LoadState extends LoadRequest {
  readonly running: boolean;
}

export const CHECKPOINT_EVERY_DEFAULT = 1024;
const ADDRESS_COUNT = 8192;
/** Of a hundred addresses, those that are RAM, where there is any. */
const RAM_PERCENT = 88;
/** Of each range, its first bytes: programs do not touch all memory at random. */
const WINDOW_BYTES = 1n << 20n;
const NO_LOAD: LoadRequest = {
  ...{ vcpus: 0, addressSpace: '', rate: 'max', writePercent: 0 },
  checkpointEvery: CHECKPOINT_EVERY_DEFAULT,
};

export class MachineLoad {
  private readonly machine: Machine;
  private readonly inventory: Inventory;
  private readonly onDeath: (error: unknown) => void;
  private vcpus: readonly VcpuHandle[] = [];
  private request = NO_LOAD;
  private board: SharedWords | null = null;
  private counts = new WrappingCounts(new Int32Array(0), []);
  private readonly before: AccessTotals = { accesses: 0, failures: 0, walks: 0 };

  /** @param onDeath told of a vCPU that ended by itself */
  constructor(machine: Machine, inventory: Inventory, onDeath: (error: unknown) => void) {
    this.machine = machine;
    this.inventory = inventory;
    this.onDeath = onDeath;
  }

  get state(): LoadState {
    return { running: this.vcpus.length > 0, ...this.request };
  }

  /** vCPUs that have not ended. */
  get vcpuCount(): number {
    return this.vcpus.filter(({ phase }) => phase !== 'finished').length;
  }

  /** Of that number in the machine; null if the load has none. */
  vcpu(id: number): VcpuHandle | null {
    return this.vcpus.find((vcpu) => vcpu.id === id && vcpu.phase !== 'finished') ?? null;
  }

  /**
   * Starts what is asked for, or makes what runs be that. Where only rate, writes and checkpoints differ, no vCPU is touched.
   * @throws MemoryError ADDRESS_SPACE_UNKNOWN; INVALID_ARGUMENT where nothing is mapped
   */
  async start(request: LoadRequest): Promise<void> {
    const space = this.inventory.space(request.addressSpace);
    const same = request.vcpus === this.request.vcpus && request.addressSpace === this.request.addressSpace;
    if (same && this.board !== null) {
      this.adjust(this.board, request);
      return;
    }
    const addresses = this.addressesOf(space);
    await this.stop();
    const board: SharedWords = new Int32Array(
      new SharedArrayBuffer(4 * (program.LOAD_VCPUS + request.vcpus * program.LOAD_STRIDE_WORDS)),
    );
    this.board = board;
    this.counts = new WrappingCounts(board, countWords(request.vcpus));
    this.adjust(board, request);
    const number = this.machine.indexOf(space);
    this.vcpus = Array.from({ length: request.vcpus }, (_, index) => {
      const data: program.LoadProgramData = { index, board, space: number, addresses };
      const vcpu = this.machine.startVcpu({ program: siblingModule(import.meta.url, 'load-program'), data });
      vcpu.finished.catch((error: unknown) => this.onDeath(error));
      return vcpu;
    });
    await Promise.all(this.vcpus.map(({ started }) => started));
  }

  /** Resolves when its vCPUs have ended. */
  async stop(): Promise<void> {
    const { vcpus } = this;
    this.vcpus = [];
    this.request = NO_LOAD;
    await Promise.all(vcpus.map((vcpu) => vcpu.stop()));
    this.retireCounts();
  }

  totals(): AccessTotals {
    return sumOf(this.before, this.counts.update());
  }

  /** The machine's end stops the vCPUs. */
  close(): void {
    this.vcpus = [];
  }

  private adjust(board: SharedWords, request: LoadRequest): void {
    this.request = request;
    const { rate, vcpus, writePercent } = request;
    const each = rate === 'max' ? 0 : Math.max(1, Math.round(rate / vcpus));
    Atomics.store(board, program.LOAD_RATE, each); // pairs with loadProgram, as the next two
    Atomics.store(board, program.LOAD_WRITE_PERCENT, writePercent);
    Atomics.store(board, program.LOAD_SLICE, request.checkpointEvery);
  }

  private retireCounts(): void {
    Object.assign(this.before, this.totals());
    this.counts = new WrappingCounts(new Int32Array(0), []);
    this.board = null;
  }

  /** Aligned addresses out of what the space shows now. */
  private addressesOf(space: AddressSpace): SharedWords {
    const { ranges } = this.machine.flatViewOf(space);
    const isRam = ({ region }: FlatRange): boolean => region.kind === 'ram' && !region.readonly;
    const kinds = [ranges.filter(isRam), ranges.filter((range) => !isRam(range))];
    const weights = [RAM_PERCENT, 100 - RAM_PERCENT].map((weight, kind) =>
      kinds[kind]!.length === 0 ? 0 : weight,
    );
    if (weights.every((weight) => weight === 0)) {
      throw new MemoryError('INVALID_ARGUMENT', `nothing is mapped in address space '${space.name}'`);
    }
    const random = new Random(ADDRESS_COUNT);
    const addresses: SharedWords = new Int32Array(new SharedArrayBuffer(8 * ADDRESS_COUNT));
    for (let index = 0; index < ADDRESS_COUNT; index += 1) {
      const { start, size } = random.pick(kinds[random.weighted(weights)]!);
      const span = size < WINDOW_BYTES ? size : WINDOW_BYTES;
      const offset = (span * BigInt(random.next() >>> 0)) >> 32n;
      const address = (start + offset) & ~3n;
      addresses[2 * index] = hiFromAddress(address);
      addresses[2 * index + 1] = loFromAddress(address);
    }
    return addresses;
  }
}

const countWords = (vcpus: number): number[] =>
  Array.from({ length: vcpus }, (_, vcpu) => program.LOAD_VCPUS + vcpu * program.LOAD_STRIDE_WORDS).flatMap(
    (line) => [line + program.LOAD_ACCESSES, line + program.LOAD_FAILURES, line + program.LOAD_WALKS],
  );

/** @param counts of each vCPU three: accesses, failures, walks */
function sumOf(before: AccessTotals, counts: readonly number[]): AccessTotals {
  const sum = { ...before };
  for (let at = 0; at < counts.length; at += 3) {
    sum.accesses += counts[at]!;
    sum.failures += counts[at + 1]!;
    sum.walks += counts[at + 2]!;
  }
  return sum;
}
