/**
 * A captured sequence on a live machine: each step one transaction, with vCPUs that read and verify all the
 * while, and our flat views compared with those that QEMU printed.
 * Guarantee: a step begins when every vCPU has confirmed the one before; close() leaves no thread.
 */
import { assert } from '../base/assert.ts';
import type { SharedWords } from '../layout/control-block.ts';
import type { AddressSpace } from '../model/address-space.ts';
import { transaction } from '../model/transaction.ts';
import type { Publication } from '../publish/publications.ts';
import { type FlatJson, flatJsonFromViews } from '../qemu/flat-json.ts';
import { LiveLayout } from '../qemu/live-layout.ts';
import type { SequenceStep } from '../qemu/sequence-file.ts';
import { Machine } from '../service/machine.ts';
import type { VcpuHandle } from '../service/vcpu-handle.ts';
import { AccessCounts } from './access-counts.ts';
import {
  advanceEra,
  BOARD_ANNOUNCED,
  BOARD_PUBLISHED,
  createBoard,
  VCPU_CONFIRMED,
  VCPU_VIOLATIONS,
  vcpuWord,
} from './board.ts';
import { CellBook } from './cell-book.ts';
import { flatDifference } from './flat-difference.ts';
import { microsFrom } from './latencies.ts';
import { ourFault, type Verification } from './live-run.ts';
import { checkFinalMemory, writeFreshCells } from './memory-words.ts';
import { moduleUrl, ProbeDevices } from './probe-devices.ts';
import { type ReplayProgramData, spaceName } from './replay-program.ts';
import { StepExpectations } from './step-expectations.ts';
import { createStepTables } from './step-tables.ts';
import { exampleViolations, misdirectedWrites, type Violation } from './violations.ts';

export interface ReplayOptions {
  readonly vcpus: number;
  /** Modules of the vCPUs' program and the probe devices; tests give some that break the rules. */
  readonly program?: URL;
  readonly probeModule?: URL;
}

export interface StepReport {
  readonly action: string;
  /** Of the last publication; a step that changes no view leaves it as it was. */
  readonly generation: number;
  readonly mutations: number;
  readonly commitUs: number;
  readonly changed: readonly {
    readonly addressSpace: string;
    readonly start: bigint;
    readonly last: bigint;
  }[];
  readonly flat: readonly FlatJson[];
}

const SLOTS_MAX = 0x8000;
const POLL_MS = 1;

export class LiveReplay {
  readonly machine: Machine;
  private readonly options: ReplayOptions;
  private readonly live: LiveLayout;
  private readonly probes: ProbeDevices;
  private readonly board: SharedWords;
  private readonly book: CellBook;
  private readonly tables = createStepTables();
  private readonly expectations: StepExpectations;
  /** The machine's own address spaces, one for each of the layout: vCPUs need names that never repeat. */
  private readonly shown = new Map<AddressSpace, { readonly number: number; readonly space: AddressSpace }>();
  private readonly names: string[] = [];
  private readonly found: Violation[] = [];
  private vcpus: readonly VcpuHandle[] = [];
  private publication: Publication | null = null;
  private generation = 0;
  private step = 0;
  private foundByControl = 0;
  private readonly counts: AccessCounts;
  private failure: unknown = null;

  constructor(options: ReplayOptions) {
    this.options = options;
    this.board = createBoard(options.vcpus);
    this.counts = new AccessCounts(this.board, options.vcpus);
    this.book = new CellBook(options.vcpus, SLOTS_MAX / Math.ceil(options.vcpus / 16));
    this.probes = new ProbeDevices(options.probeModule);
    this.expectations = new StepExpectations(this.tables, this.book);
    this.machine = new Machine({ vcpuSlots: options.vcpus, onStall: () => {} });
    this.machine.onPublication((publication) => {
      this.publication = publication;
    });
    this.live = new LiveLayout({
      bindDevice: () => this.probes.bind(),
      host: {
        addAddressSpace: (space) => this.show(space),
        removeAddressSpace: (space) => this.hide(space),
      },
    });
  }

  /** Applies the next step and waits until every vCPU has verified it. */
  async apply(step: SequenceStep): Promise<StepReport> {
    const { mutations, commitMs } = this.publish(step);
    this.generation = this.publication?.generation ?? this.generation;
    const flat = this.flat();
    const difference = step.flat === null ? null : flatDifference(flat, step.flat);
    if (difference !== null) this.complain(step, difference);
    if (this.vcpus.length === 0) this.start();
    await this.confirmed();
    const report = {
      action: step.action,
      generation: this.generation,
      mutations,
      commitUs: microsFrom(commitMs),
      changed: this.changedWindows(),
      flat,
    };
    this.step += 1;
    return report;
  }

  /** Stops the vCPUs and compares what they left in memory with what they say they wrote. */
  async finish(): Promise<void> {
    await this.machine.stop();
    await Promise.allSettled(this.vcpus.map(({ finished }) => finished));
    if (this.failure !== null) throw this.failure;
    this.counts.update();
    const { count, examples } = checkFinalMemory(this.machine, this.book, []);
    this.foundByControl += count;
    this.found.push(...examples);
  }

  verification(): Verification {
    const context = { book: this.book, spaceName: (space: number) => this.names[space]! };
    const misdirected = this.probes.misdirectedWrites;
    const others = [...this.found, ...misdirectedWrites(misdirected)];
    const examples = exampleViolations(this.board, this.vcpus.length, context, others);
    const violations = this.vcpus.reduce(
      (sum, _, vcpu) => sum + this.board[vcpuWord(vcpu) + VCPU_VIOLATIONS]!,
      this.foundByControl + misdirected,
    );
    return { checked: this.counts.total, violations, examples };
  }

  close(): Promise<void> {
    return this.machine.close();
  }

  /** One transaction; what it makes due is worked out inside it, before any vCPU can see it. */
  private publish(step: SequenceStep): { readonly mutations: number; readonly commitMs: number } {
    const { board, machine } = this;
    machine.layoutTag = this.step;
    this.publication = null;
    let mutations = 0;
    let ownMs = 0;
    const start = performance.now();
    transaction(() => {
      ({ mutations } = this.live.apply(step));
      const spaces = this.live.addressSpaces.map((space) => ({ space, shown: this.shown.get(space)! }));
      for (const { space, shown } of spaces) shown.space.setRoot(space.root);
      const pauseStart = performance.now();
      this.expectations.fill(
        this.step,
        spaces.map(({ space, shown }) => ({ number: shown.number, root: space.root })),
      );
      writeFreshCells(machine, this.book);
      Atomics.store(board, BOARD_ANNOUNCED, this.step); // pairs with Replayer.verifySpace
      ownMs = performance.now() - pauseStart;
    });
    const commitMs = performance.now() - start - ownMs;
    Atomics.store(board, BOARD_PUBLISHED, this.step); // pairs with Replayer.verifySpace
    return { mutations, commitMs };
  }

  private show(space: AddressSpace): void {
    const number = this.names.push(space.name) - 1;
    this.shown.set(space, { number, space: this.machine.addAddressSpace(spaceName(number)) });
  }

  private hide(space: AddressSpace): void {
    const shown = this.shown.get(space);
    if (shown === undefined) return;
    this.shown.delete(space);
    void this.machine.removeAddressSpace(shown.space);
    shown.space.setRoot(null);
  }

  private start(): void {
    const { board, tables, book, options } = this;
    const program = options.program ?? moduleUrl('replay-program');
    for (let vcpu = 0; vcpu < options.vcpus; vcpu += 1)
      Atomics.store(board, vcpuWord(vcpu) + VCPU_CONFIRMED, -1);
    this.vcpus = Array.from({ length: options.vcpus }, (_, vcpu) => {
      const data: ReplayProgramData = { vcpu, board, cells: book.shared, tables };
      const handle = this.machine.startVcpu({ program, data });
      assert(handle.id === vcpu, 'vCPUs of a fresh machine are numbered in the order of their start');
      handle.finished.catch((error: unknown) => {
        this.failure ??= ourFault(error);
      });
      return handle;
    });
  }

  private async confirmed(): Promise<void> {
    const { board } = this;
    const isDue = (vcpu: number): boolean => Atomics.load(board, vcpuWord(vcpu) + VCPU_CONFIRMED) < this.step; // pairs with Replayer.pass
    while (this.vcpus.some((_, vcpu) => isDue(vcpu))) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      advanceEra(board, this.vcpus.length);
      if (this.failure !== null) throw this.failure;
    }
    this.counts.update();
  }

  /** What the vCPUs see, under the names of the layout. */
  private flat(): FlatJson[] {
    const views = new Map<
      unknown,
      Parameters<typeof flatJsonFromViews>[0][number] & { spaces: AddressSpace[] }
    >();
    for (const space of this.live.addressSpaces) {
      const view = this.machine.flatViewOf(this.shown.get(space)!.space);
      const known = views.get(view.root);
      if (known === undefined) views.set(view.root, { view, spaces: [space] });
      else known.spaces.push(space);
    }
    return flatJsonFromViews([...views.values()]);
  }

  private changedWindows(): StepReport['changed'] {
    const names = new Map([...this.shown.values()].map(({ number, space }) => [space, this.names[number]!]));
    return (this.publication?.changed ?? []).flatMap(({ addressSpace, windows }) =>
      windows.map(({ start, last }) => ({
        addressSpace: names.get(addressSpace) ?? addressSpace.name,
        start,
        last,
      })),
    );
  }

  private complain(
    step: SequenceStep,
    difference: { readonly expected: string; readonly got: string },
  ): void {
    this.foundByControl += 1;
    this.found.push({
      vcpu: null,
      step: this.step,
      addressSpace: '',
      address: `step ${this.step} (${step.action})`,
      access: 'flat view',
      ...difference,
      diagnosis: "our rendering differs from the file's flat view",
    });
  }
}
