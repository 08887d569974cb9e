/**
 * What happens in a machine, as events for those who watch it: commits and what they changed, readers, grace
 * periods, throughput. Collected, and sent at a steady pace however much happens; nothing is kept while nobody watches.
 * Guarantee: a watcher that does not read costs a bounded number of bytes: it misses events, and is told how many.
 */
import type { AddressSpace } from '../model/address-space.ts';
import { Latencies, microsFrom } from '../verify/latencies.ts';
import { type Commit, windowsOf } from './commits.ts';
import { ChangedWindows, deltaOf } from './flat-delta.ts';
import { GracePeriodTrace } from './grace-period-trace.ts';
import { RegionChanges } from './region-changes.ts';
import type { ServedMachine } from './served-machine.ts';

/** Takes the text of an event; false if it has to be left out. */
export type EventSink = (text: string) => boolean;

const TICK_MS = 100;
/** Throughput is told every that many ticks. */
const THROUGHPUT_TICKS = 5;
/** Commits that an event tells one by one: the newest. */
const COMMITS_TOLD = 16;
const WINDOWS_TOLD = 64;

interface Watcher {
  readonly sink: EventSink;
  readonly onEnd: () => void;
  missed: number;
}

interface Reading {
  readonly ms: number;
  readonly accesses: number;
  readonly loadAccesses: number;
  readonly publications: number;
}

export class MachineEvents {
  private readonly served: ServedMachine;
  private readonly watchers = new Set<Watcher>();
  private timer: NodeJS.Timeout | null = null;
  private ticks = 0;
  private commits: Commit[] = [];
  private commitCount = 0;
  private changed = new Map<AddressSpace, ChangedWindows>();
  private graces = new Latencies();
  private before: Reading | null = null;
  private regions: RegionChanges | null = null;
  private readersTold = '';
  private readonly trace: GracePeriodTrace;

  constructor(served: ServedMachine) {
    this.served = served;
    this.trace = new GracePeriodTrace((period) => this.tell('period', period));
  }

  /**
   * @param onEnd called when the machine ends
   * @returns how to stop watching
   */
  watch(sink: EventSink, onEnd: () => void): () => void {
    const watcher: Watcher = { sink, onEnd, missed: 0 };
    if (this.watchers.size === 0) this.begin();
    this.watchers.add(watcher);
    return () => {
      if (this.watchers.delete(watcher) && this.watchers.size === 0) this.end();
    };
  }

  committed(commit: Commit): void {
    if (this.watchers.size === 0) return;
    this.trace.follow(commit, this.served.machine);
    this.commitCount += 1;
    this.commits.push(commit);
    if (this.commits.length > COMMITS_TOLD) this.commits.shift();
    for (const { addressSpace, windows } of commit.changed) {
      const known = this.changed.get(addressSpace) ?? new ChangedWindows();
      this.changed.set(addressSpace, known);
      known.add(windows);
    }
  }

  reclaimed(graceMs: number, generation: number): void {
    if (this.watchers.size === 0) return;
    this.graces.record(graceMs);
    this.trace.reclaimed(generation);
  }

  /** Nothing more will happen. */
  close(): void {
    const watchers = [...this.watchers];
    this.watchers.clear();
    this.end();
    for (const { onEnd } of watchers) onEnd();
  }

  private begin(): void {
    this.forget();
    this.before = this.reading();
    this.regions = new RegionChanges(this.served.inventory);
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  private end(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    this.trace.stop();
    this.regions = null;
    this.readersTold = '';
    this.forget();
  }

  private forget(): void {
    this.commits = [];
    this.commitCount = 0;
    this.changed = new Map();
    this.graces = new Latencies();
  }

  private tick(): void {
    this.ticks += 1;
    if (this.commitCount > 0) {
      this.tell('commits', this.commitsTold());
      this.tell('delta', this.deltaTold());
      const changes = this.regions?.take();
      if (changes !== undefined) this.tell('regions', { commit: this.served.commits.number, ...changes });
    }
    if (this.graces.count > 0) this.tell('grace', { count: this.graces.count, ...this.graces.summary() });
    this.forget();
    this.tellReaders();
    if (this.ticks % THROUGHPUT_TICKS === 0) this.tell('throughput', this.throughput());
  }

  /** Only where something is another than last time: a quiet machine is silent. */
  private tellReaders(): void {
    const { readers, machine } = this.served;
    const told = { readers, retiredBytes: machine.gauges.retiredBytes };
    const text = JSON.stringify(told);
    if (text === this.readersTold) return;
    this.readersTold = text;
    this.tell('readers', told);
  }

  private commitsTold(): unknown {
    const { idOfSpace } = this.served.inventory;
    return {
      count: this.commitCount,
      commits: this.commits.map((commit) => ({
        commit: commit.number,
        cause: commit.cause,
        generation: commit.generation,
        commitUs: microsFrom(commit.commitMs),
        changed: windowsOf(commit, idOfSpace).slice(0, WINDOWS_TOLD),
      })),
    };
  }

  /** Where something answers differently, and what answers there now. */
  private deltaTold(): unknown {
    const { inventory, machine, commits } = this.served;
    return {
      commit: commits.number,
      addressSpaces: [...this.changed].map(([space, changed]) => ({
        addressSpace: inventory.idOfSpace(space),
        ...deltaOf(machine.flatViewOf(space), changed, inventory),
      })),
    };
  }

  private throughput(): unknown {
    const { machine, churn, load } = this.served;
    const now = this.reading();
    const before = this.before ?? now;
    this.before = now;
    const perSecond = (field: 'accesses' | 'loadAccesses' | 'publications'): number =>
      Math.round((1000 * (now[field] - before[field])) / Math.max(1, now.ms - before.ms));
    const { retiredBytes, liveBytes } = machine.gauges;
    return {
      accessesPerSecond: perSecond('accesses'),
      loadAccessesPerSecond: perSecond('loadAccesses'),
      publicationsPerSecond: perSecond('publications'),
      readers: this.served.readers,
      ...{ liveBytes, retiredBytes },
      churn: churn.state.rate,
      loadVcpus: load.vcpuCount,
    };
  }

  private reading(): Reading {
    const { accesses, load, machine } = this.served;
    return {
      ms: performance.now(),
      accesses: accesses.totals().accesses,
      loadAccesses: load.totals().accesses,
      publications: machine.gauges.publications,
    };
  }

  private tell(event: string, data: unknown): void {
    const text = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    for (const watcher of this.watchers) {
      const told =
        watcher.missed === 0 ? text : `event: missed\ndata: {"count":${watcher.missed}}\n\n${text}`;
      if (watcher.sink(told)) watcher.missed = 0;
      else watcher.missed += 1;
    }
  }
}
