/**
 * The vCPUs of one machine that serve accesses. A connection keeps to one of them, so that its requests are
 * served in its own order; connections are spread over all.
 * Guarantee: a vCPU that dies takes nothing with it but the batches that it had: those fail, and another vCPU
 * is started in its place.
 */
import type { SharedWords } from '../layout/control-block.ts';
import type { Machine } from '../service/machine.ts';
import { siblingModule } from '../service/sibling-module.ts';
import type { VcpuHandle } from '../service/vcpu-handle.ts';
import { type AccessBatch, AccessChannel } from './access-channel.ts';
import type { AccessProgramData } from './access-program.ts';
import { createRing, RING_ACCESSES, RING_FAILURES, RING_WALKS } from './access-ring.ts';
import { ServiceError } from './problem.ts';
import { WrappingCounts } from './wrapping-counts.ts';

/** Counts of accesses since the machine was made. */
export interface AccessTotals {
  accesses: number;
  failures: number;
  /** Accesses that no TLB knew. */
  walks: number;
}

/** A vCPU that dies may do so again: the next is started as much later. */
export const RESTART_MS = 500;

interface Seat {
  channel: AccessChannel;
  vcpu: VcpuHandle;
  counts: WrappingCounts;
}

export class AccessPool {
  private readonly machine: Machine;
  private readonly onDeath: (error: unknown) => void;
  private readonly seats: Seat[] = [];
  /** Of those that have ended. */
  private readonly before: AccessTotals = { accesses: 0, failures: 0, walks: 0 };
  private readonly seatOf = new WeakMap<object, number>();
  /** Of seats whose vCPU has died. */
  private readonly restarts = new Map<number, NodeJS.Timeout>();
  private nextSeat = 0;
  private isClosing = false;

  /** @param onDeath told of a vCPU that ended by itself */
  constructor(machine: Machine, vcpus: number, onDeath: (error: unknown) => void) {
    this.machine = machine;
    this.onDeath = onDeath;
    for (let seat = 0; seat < vcpus; seat += 1) this.seats.push(this.start(seat));
  }

  /** Resolves when all can serve, or have died. */
  async started(): Promise<void> {
    await Promise.all(this.seats.map(({ vcpu }) => vcpu.started));
  }

  get vcpus(): readonly VcpuHandle[] {
    return this.seats.map(({ vcpu }) => vcpu);
  }

  /**
   * Has `batch` served for `client`, an object that stands for its connection.
   * @throws ServiceError SERVICE_BUSY if too much waits
   */
  submit(client: object, batch: AccessBatch): void {
    let seat = this.seatOf.get(client);
    if (seat === undefined || this.seats[seat]!.channel.isClosed) {
      seat = this.bestSeat(seat ?? this.nextSeat++);
      this.seatOf.set(client, seat); // for good: when its old vCPU is back, batches may be under way in this one
    }
    if (this.seats[seat]!.channel.submit(batch)) return;
    throw new ServiceError(503, 'SERVICE_BUSY', 'too many accesses wait for this vCPU; try again soon');
  }

  totals(): AccessTotals {
    const sum = { ...this.before };
    for (const { counts } of this.seats) addCounts(sum, counts.update());
    return sum;
  }

  /** No more requests come. The machine's end stops the vCPUs. */
  close(): void {
    this.isClosing = true;
    for (const restart of this.restarts.values()) clearTimeout(restart);
    for (const { channel } of this.seats) channel.close();
  }

  /** From that one on the first whose vCPU serves; else the first whose vCPU comes up; else that one. */
  private bestSeat(from: number): number {
    const { seats } = this;
    const inTurn = seats.map((_, next) => (from + next) % seats.length);
    const open = inTurn.filter((seat) => !seats[seat]!.channel.isClosed);
    return open.find((seat) => seats[seat]!.vcpu.phase !== 'starting') ?? open[0] ?? inTurn[0]!;
  }

  private start(seat: number): Seat {
    const words = createRing();
    const data: AccessProgramData = { ring: words };
    const vcpu = this.machine.startVcpu({ program: siblingModule(import.meta.url, 'access-program'), data });
    const channel = new AccessChannel(vcpu, words);
    vcpu.finished
      .catch((error: unknown) => {
        if (!this.isClosing) this.onDeath(error);
      })
      .finally(() => this.replace(seat));
    return { channel, vcpu, counts: countsOf(words) };
  }

  private replace(index: number): void {
    const seat = this.seats[index]!;
    addCounts(this.before, seat.counts.update());
    seat.counts = new WrappingCounts(new Int32Array(0), []);
    seat.channel.close();
    if (!this.isClosing) this.startLater(index);
  }

  private startLater(index: number): void {
    const start = (): void => {
      this.restarts.delete(index);
      try {
        this.seats[index] = this.start(index);
      } catch {
        this.startLater(index); // vCPUs that make load have taken all slots
      }
    };
    this.restarts.set(index, setTimeout(start, RESTART_MS));
  }
}

const countsOf = (words: SharedWords): WrappingCounts =>
  new WrappingCounts(words, [RING_ACCESSES, RING_FAILURES, RING_WALKS]);

function addCounts(sum: AccessTotals, [accesses = 0, failures = 0, walks = 0]: readonly number[]): void {
  sum.accesses += accesses;
  sum.failures += failures;
  sum.walks += walks;
}
