/**
 * One machine of the service: its layout, which clients and churn change, and the vCPUs that serve accesses and
 * make load. Belongs to the control thread.
 * Guarantee: close() leaves no thread; a machine that cannot be made leaves none either.
 */
import type { StallReport } from '../grace/writer.ts';
import { LiveLayout } from '../qemu/live-layout.ts';
import { Machine } from '../service/machine.ts';
import type { ReaderState } from '../service/reader-states.ts';
import type { DeviceReport } from '../vcpu/failure-reports.ts';
import { AccessPool } from './access-pool.ts';
import { type Commit, Commits } from './commits.ts';
import { Inventory } from './inventory.ts';
import { MachineChurn } from './machine-churn.ts';
import { MachineEvents } from './machine-events.ts';
import { MachineLoad } from './machine-load.ts';
import type { ImportedSource } from './machine-source.ts';
import { applyMutations } from './mutations.ts';
import { registers } from './registers-device.ts';
import type { ServiceLimits } from './service-options.ts';

/** Whoever counts and tells what happens in machines. */
export interface MachineObserver {
  committed(machine: ServedMachine, commit: Commit): void;
  reclaimed(machine: ServedMachine, graceMs: number): void;
  stalled(machine: ServedMachine, report: StallReport): void;
  deviceFailed(machine: ServedMachine, report: DeviceReport): void;
  /** A vCPU ended by itself. */
  vcpuDied(machine: ServedMachine, error: unknown): void;
  backPressure(machine: ServedMachine): void;
  /** A fault of ours. */
  failed(machine: ServedMachine, error: unknown): void;
}

export interface ServedReader extends ReaderState {
  readonly role: 'access' | 'load';
}

export interface MachinePlan extends ImportedSource {
  readonly id: string;
  /** vCPUs that serve accesses. */
  readonly vcpus: number;
  readonly checked: boolean;
}

const MIB = 2 ** 20;
const RAM_SLACK_BYTES = 64 * MIB;
const ARENA_BYTES = 64 * MIB;
/** Of one buffer; a page below, because it must be a multiple of one and below 4 GiB. */
const RAM_RESERVE_MAX = 2 ** 32 - 2 ** 16;

export class ServedMachine {
  readonly id: string;
  readonly name: string;
  readonly guessed: readonly string[];
  readonly machine: Machine;
  readonly inventory: Inventory;
  readonly commits: Commits;
  readonly accesses: AccessPool;
  readonly churn: MachineChurn;
  readonly load: MachineLoad;
  readonly events = new MachineEvents(this);
  private readonly onFault: (error: unknown) => void;

  /** @throws MemoryError what the layout is refused with */
  constructor(plan: MachinePlan, limits: ServiceLimits, observer: MachineObserver) {
    this.id = plan.id;
    this.name = plan.name;
    this.guessed = plan.guessed;
    this.inventory = new Inventory(limits.ramBytes);
    this.onFault = (error) => observer.failed(this, error);
    const onDeath = (error: unknown): void => observer.vcpuDied(this, error);
    this.machine = new Machine({
      ramReserveBytes: ramReserveFor(plan),
      arenaBytes: ARENA_BYTES,
      vcpuSlots: limits.vcpus,
      checked: plan.checked,
      onStall: (report) => observer.stalled(this, report),
      onDeviceReport: (report) => observer.deviceFailed(this, report),
      onReclaimed: (graceMs, generation) => {
        this.events.reclaimed(graceMs, generation);
        observer.reclaimed(this, graceMs);
      },
    });
    try {
      this.commits = new Commits(this.machine, (commit) => {
        this.events.committed(commit);
        observer.committed(this, commit);
      });
      this.build(plan);
      this.accesses = new AccessPool(this.machine, plan.vcpus, onDeath);
      this.load = new MachineLoad(this.machine, this.inventory, onDeath);
      const { machine, commits, onFault } = this;
      this.churn = new MachineChurn({
        machine,
        commits,
        onFault,
        onBackPressure: () => observer.backPressure(this),
      });
    } catch (error) {
      void this.machine.close();
      throw error;
    }
  }

  /** How far each vCPU is, and what it is for. */
  get readers(): ServedReader[] {
    return this.machine.readers.map((state) => ({
      ...state,
      role: this.load.vcpu(state.id) === null ? 'access' : 'load',
    }));
  }

  /** vCPUs that have not ended. */
  get vcpuCount(): number {
    return this.machine.vcpus.length;
  }

  /**
   * Applies a client's mutations in one transaction.
   * @throws MemoryError, ServiceError: then nothing has changed
   */
  transact(mutations: readonly unknown[]): Commit {
    const { inventory } = this;
    inventory.begin();
    let dropped: ReturnType<typeof applyMutations> = [];
    let commit: Commit;
    try {
      commit = this.commits.run('client', () => {
        dropped = applyMutations(this, mutations);
      });
    } catch (error) {
      inventory.undo();
      throw error;
    }
    for (const region of dropped) this.machine.finalizeRegion(region).catch(this.onFault);
    return commit;
  }

  /** Ends all threads; resolves when they are gone. */
  async close(): Promise<void> {
    this.events.close();
    this.accesses.close();
    this.load.close();
    await this.churn.close();
    this.commits.close();
    await this.machine.close();
  }

  private build({ layout }: ImportedSource): void {
    const { machine, inventory } = this;
    const live = new LiveLayout({
      bindDevice: ({ size }) => registers(size),
      host: {
        addAddressSpace: (space) => void machine.addAddressSpace(space),
        removeAddressSpace: () => {}, // of a layout that failed: the machine goes with it
      },
    });
    this.commits.run('client', () => live.apply(layout));
    for (const [id, region] of live.regionsById) inventory.addRegion(id, region);
    for (const space of live.addressSpaces) inventory.addSpace(space);
  }
}

/** RAM of the layout in one buffer if it fits: accesses to that are the fastest. */
function ramReserveFor({ layout }: ImportedSource): number {
  let bytes = RAM_SLACK_BYTES;
  for (const { kind, size } of layout.records.values())
    if (kind === 'ram' || kind === 'rom-device') bytes += Number(size);
  return bytes > RAM_RESERVE_MAX ? RAM_RESERVE_MAX : Math.ceil(bytes / 4096) * 4096;
}
