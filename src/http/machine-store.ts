/**
 * The machines of a service by their ids. Guarantee: an id names one machine at a time, from when its making was
 * begun until its last thread has ended; there are never more than the limit.
 */
import { importSource, type MachineSource } from './machine-source.ts';
import { ServiceError } from './problem.ts';
import { type MachineObserver, ServedMachine } from './served-machine.ts';
import type { ServiceLimits } from './service-options.ts';

export interface MachineRequest extends MachineSource {
  readonly id?: string;
  /** vCPUs that serve accesses; 1 by default. */
  readonly vcpus?: number;
}

export class MachineStore {
  private readonly limits: ServiceLimits;
  private readonly observer: MachineObserver;
  private readonly checked: boolean;
  /** Null: it is being made, or ended. */
  private readonly machines = new Map<string, ServedMachine | null>();
  /** Machines that are being made or ended. */
  private readonly work = new Set<Promise<unknown>>();
  private made = 0;
  private isClosing = false;

  constructor(limits: ServiceLimits, observer: MachineObserver, checked: boolean) {
    this.limits = limits;
    this.observer = observer;
    this.checked = checked;
  }

  get all(): readonly ServedMachine[] {
    return [...this.machines.values()].filter((machine) => machine !== null);
  }

  /** @throws ServiceError MACHINE_UNKNOWN */
  get(id: string): ServedMachine {
    const machine = this.machines.get(id);
    if (machine !== undefined && machine !== null) return machine;
    throw new ServiceError(
      404,
      'MACHINE_UNKNOWN',
      `there is no machine '${id}'; GET /v1/machines lists them`,
    );
  }

  /**
   * Makes a machine; resolves when its vCPUs can serve accesses.
   * @throws ServiceError MACHINES_EXHAUSTED, MACHINE_EXISTS, VCPUS_EXHAUSTED; MemoryError for a bad layout
   */
  async create(request: MachineRequest): Promise<ServedMachine> {
    const { limits } = this;
    const vcpus = request.vcpus ?? 1;
    if (this.isClosing) throw serviceCloses();
    if (vcpus > limits.vcpus) throw tooManyVcpus(limits.vcpus);
    if (this.machines.size >= limits.machines) {
      throw new ServiceError(
        507,
        'MACHINES_EXHAUSTED',
        `there are ${limits.machines} machines, which is the limit; delete one`,
      );
    }
    const id = request.id ?? this.freeId();
    if (this.machines.has(id))
      throw new ServiceError(409, 'MACHINE_EXISTS', `there is a machine '${id}' already; choose another id`);
    this.machines.set(id, null);
    return this.noteWork(this.make(id, vcpus, request));
  }

  /** Resolves when its threads have ended. @throws ServiceError MACHINE_UNKNOWN */
  async delete(id: string): Promise<void> {
    const machine = this.get(id);
    this.machines.set(id, null);
    await this.noteWork(machine.close().finally(() => this.machines.delete(id)));
  }

  /** Ends all of them; resolves when nothing is left, also of those that were just made or ended. */
  async close(): Promise<void> {
    this.isClosing = true;
    await Promise.all(this.all.map(({ id }) => this.delete(id)));
    await Promise.allSettled(this.work);
  }

  private async make(id: string, vcpus: number, request: MachineRequest): Promise<ServedMachine> {
    try {
      const plan = { ...importSource(request), id, vcpus, checked: this.checked };
      const machine = new ServedMachine(plan, this.limits, this.observer);
      await machine.accesses.started();
      if (this.isClosing) {
        await machine.close();
        throw serviceCloses();
      }
      this.machines.set(id, machine);
      return machine;
    } catch (error) {
      this.machines.delete(id);
      throw error;
    }
  }

  private noteWork<T>(work: Promise<T>): Promise<T> {
    this.work.add(work);
    const done = (): void => void this.work.delete(work);
    work.then(done, done);
    return work;
  }

  private freeId(): string {
    do this.made += 1;
    while (this.machines.has(`m${this.made}`));
    return `m${this.made}`;
  }
}

export const serviceCloses = (): ServiceError =>
  new ServiceError(503, 'SERVICE_CLOSING', 'the service is closing');

export const tooManyVcpus = (limit: number): ServiceError =>
  new ServiceError(
    507,
    'VCPUS_EXHAUSTED',
    `a machine of this service has ${limit} vCPUs at most; ask for fewer`,
  );
