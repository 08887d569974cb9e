/**
 * Commits are made to fail at every point where one can, after invalid changes, and beside listeners that throw;
 * vCPUs read all the while, and each failure is followed by an audit and by a commit that works.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { controlDevice, localDevice } from '../../src/base/device-binding.ts';
import { MemoryError } from '../../src/base/errors.ts';
import { rootWord } from '../../src/layout/control-block.ts';
import { Doorbell } from '../../src/mailbox/doorbell.ts';
import { AddressSpace } from '../../src/model/address-space.ts';
import { IommuTable } from '../../src/model/iommu-table.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { registerParticipant, transaction, unregisterParticipant } from '../../src/model/transaction.ts';
import type { Publisher } from '../../src/publish/publisher.ts';
import { renderFlatView } from '../../src/render/render.ts';
import { flatViewsEqual } from '../../src/render/view-difference.ts';
import { viewRootOf } from '../../src/render/view-root.ts';
import type { SharedBuffers } from '../../src/service/shared-buffers.ts';
import { arenaImbalance } from '../../test/support/arena-audit.ts';
import { type Bed, sharedWords, textOf } from '../bed.ts';
import { Injected, Injector } from '../injector.ts';
import { ListenerMirror } from '../listener-mirror.ts';
import type { ShuffleJob } from '../programs/shuffle-reader.ts';
import type { Scenario } from '../scenario.ts';
import { SHUFFLE_WORDS } from '../shuffle.ts';
import { ShuffledMachine } from '../shuffled-machine.ts';

const program = new URL('../programs/shuffle-reader.ts', import.meta.url);
const lockModule = new URL('../devices/lock-counter.ts', import.meta.url);
const RESERVE_BYTES = 0x10_0000;
/** Small enough that it is full now and then, though the maps fit in it several times. */
const ARENA_BYTES = 0x1_0000;
/** Where a round adds something that was never there, far above what vCPUs probe. */
const EXTRAS = 2n ** 52n;
/** Layouts that are published in a row, at most. */
const BURST_MAX = 60;
/** Address spaces and IOMMUs take root words for good: so many rounds add one, of 1024 words. */
const ROOT_WORDS_MAX = 400;

interface MachineInside {
  readonly buffers: SharedBuffers;
  readonly publisher: Publisher;
}

/** Fails after everything that is encoded, as another machine that refuses would. */
class Refusal extends Error {}

/** What a round adds for the next to take away. */
interface Extra {
  add(): void;
  remove(): void;
  /** After it was removed, or never came. */
  free(): Promise<void>;
}

class FailingCommits {
  rounds = 0;
  failures = 0;
  /** Commits that the arena was truly too full for. */
  full = 0;
  private readonly bed: Bed;
  private readonly layouts: ShuffledMachine;
  private readonly injector: Injector;
  private readonly nothing: AddressSpace;
  private readonly space: AddressSpace;
  private extra: Extra | null = null;
  private rootWords = 0;

  constructor(bed: Bed, layouts: ShuffledMachine, injector: Injector) {
    this.bed = bed;
    this.layouts = layouts;
    this.injector = injector;
    this.nothing = bed.machine.addAddressSpace('nothing');
    this.space = bed.machine.addressSpaces.find(({ name }) => name === 'memory')!;
  }

  /** One change, which fails in every way before it is made. */
  async round(): Promise<void> {
    const { bed, layouts } = this;
    this.rounds += 1;
    const before = this.extra;
    const extra = this.nextExtra();
    const more = (): void => {
      before?.remove();
      extra?.add();
    };
    const change = layouts.change;
    const whole = (): void => {
      change();
      more();
    };
    this.failInvalid(whole);
    for (let at = 1; bed.violationCount === 0 && this.failAt(whole, at); ) at += 1;
    while (!this.commits(more)) await bed.graceful('a grace period after ARENA_FULL');
    this.audit('after a commit');
    this.extra = extra;
    if (before !== null) await before.free();
    // Without a turn of the event loop in between: what vCPUs hold fills the arena.
    for (let burst = bed.random.below(BURST_MAX); burst > 0 && this.commits(() => {}); ) burst -= 1;
    await nextTurn();
  }

  /** Ends what the last round left. */
  async end(): Promise<void> {
    const { extra } = this;
    this.extra = null;
    if (extra === null) return;
    await this.bed.commit(() => extra.remove());
    await extra.free();
  }

  /** The change fails at its `at`-th point; if it has fewer, it is refused at its end: then this is false. */
  private failAt(body: () => void, at: number): boolean {
    const refusal = { prepare: () => this.refuse() };
    let points = 0;
    registerParticipant(refusal);
    try {
      points = this.injector.during(() => this.expectFailure(`at point ${at}`, body), at);
    } finally {
      unregisterParticipant(refusal);
    }
    this.audit(`after a failure at point ${at}`);
    return points >= at;
  }

  private refuse(): never {
    throw new Refusal('refused');
  }

  /** The same with an invalid change at its end. */
  private failInvalid(body: () => void): void {
    const { root } = this.layouts;
    const mapped = root.children.find(({ name }) => name === 'window 1')!;
    const invalid: readonly (readonly [string, () => void])[] = [
      ['a region that is mapped', () => root.addSubregion(0, mapped)],
      [
        'a region that shows itself',
        () => root.addSubregion(0, MemoryRegion.alias('loop', root, 0, 2n ** 64n)),
      ],
      ['an address past the end', () => mapped.setAddress(2n ** 64n)],
      ['a body that throws', () => this.refuse()],
    ];
    const [what, spoil] = this.bed.random.pick(invalid);
    this.expectFailure(what, () => {
      body();
      spoil();
    });
    this.audit(`after ${what}`);
  }

  private expectFailure(what: string, body: () => void): void {
    this.failures += 1;
    this.bed.fault(`a commit fails: ${what}`);
    try {
      transaction(body);
      this.bed.violation(`a commit succeeded that was to fail: ${what}`);
    } catch (error) {
      const isExpected = error instanceof MemoryError || error instanceof Refusal;
      if (!isExpected) this.bed.violation(`a commit that failed, ${what}, gave ${textOf(error)}`);
    }
  }

  /** False if the arena is full of what vCPUs still hold, or there is too much of it. */
  private commits(more: () => void): boolean {
    try {
      const { layouts, injector, bed } = this;
      let done = false;
      const late = injector.tooLate(() => {
        done = layouts.tryNext(more);
      });
      if (late.length > 0)
        bed.violation(`${late.join(', ')}: could still fail while the commit was being published`);
      return done;
    } catch (error) {
      if (!(error instanceof MemoryError) || error.code !== 'ARENA_FULL' || error instanceof Injected)
        throw error;
      this.full += 1;
      this.bed.fault('the arena is full');
      this.audit('after ARENA_FULL');
      return false;
    }
  }

  /** The tree is what is published, that is what the control thread reads, and the arena balances. */
  private audit(when: string): void {
    const { bed, layouts } = this;
    const { machine } = bed;
    const { publisher, buffers } = machine as unknown as MachineInside;
    const { control, arena, grace } = buffers;
    const emptyHeader = control[rootWord(publisher.indexOf(this.nothing))]!;
    const imbalance = arenaImbalance({ control, arena, publisher, grace, emptyHeader });
    if (imbalance !== null) bed.violation(`${when}: ${imbalance}`);
    for (const space of machine.addressSpaces) {
      const rendered = renderFlatView(viewRootOf(space.root));
      if (!flatViewsEqual(rendered, machine.flatViewOf(space)))
        bed.violation(`${when}: the tree of '${space.name}' is not what is published`);
    }
    const { layoutTag } = machine.memory(this.space);
    if (layoutTag !== layouts.tag)
      bed.violation(`${when}: layout ${layoutTag} is published, not ${layouts.tag}`);
    bed.checked();
  }

  private nextExtra(): Extra | null {
    const kind = this.bed.random.below(5);
    if (kind === 0) return null;
    if (kind === 1) return this.ram();
    if (kind === 2) return this.device();
    this.rootWords += 1;
    if (this.rootWords > ROOT_WORDS_MAX) return null;
    return kind === 3 ? this.iommu() : this.addressSpace();
  }

  /** Larger than what is reserved, in one case of two: it gets a buffer of its own. */
  private ram(): Extra {
    const { machine } = this.bed;
    const sizeBytes = this.bed.random.below(2) === 0 ? 4096 : RESERVE_BYTES + 4096;
    const region = MemoryRegion.ram(`ram ${this.rounds}`, sizeBytes);
    const mapped = this.mapped(region);
    return {
      ...mapped,
      free: () => this.bed.bounded('release of RAM', machine.releaseRam(region)),
    };
  }

  /** With a lock of its own or none that is ours, a doorbell, and a ring for its writes. */
  private device(): Extra {
    const isLocal = this.bed.random.below(2) === 0;
    const device = isLocal
      ? localDevice(lockModule, { state: new SharedArrayBuffer(16), data: 1, lock: 'own' })
      : controlDevice({ read: () => 0, write: () => {} });
    const region = MemoryRegion.io(`device ${this.rounds}`, 4096, device);
    const mapped = this.mapped(region);
    return {
      ...mapped,
      add: () => {
        mapped.add();
        region.eventfds.add({ offset: 0, size: 4, notifier: new Doorbell() });
        region.coalescing.add(8, 16);
      },
    };
  }

  private iommu(): Extra {
    const table = new IommuTable(this.space);
    const mapped = this.mapped(MemoryRegion.iommu(`iommu ${this.rounds}`, 2n ** 32n, table));
    return {
      ...mapped,
      add: () => {
        mapped.add();
        for (let page = 0; page < 4; page += 1)
          table.map({ iova: page * 0x2000, size: 0x1000, target: page * 0x1000 });
      },
      remove: () => {
        for (let page = 0; page < 4; page += 1) void table.unmap(page * 0x2000, 0x1000);
        mapped.remove();
      },
    };
  }

  private addressSpace(): Extra {
    const { machine } = this.bed;
    const space = new AddressSpace(`space ${this.rounds}`);
    const root = MemoryRegion.container('its root', 2n ** 32n);
    root.addSubregion(0, MemoryRegion.alias('its window', this.layouts.root, 0, 2n ** 31n));
    return {
      add: () => void machine.addAddressSpace(space, root),
      remove: () => void machine.removeAddressSpace(space),
      free: async () => {},
    };
  }

  private mapped(region: MemoryRegion): Extra {
    const { root } = this.layouts;
    return {
      add: () => root.addSubregion(EXTRAS, region),
      remove: () => root.delSubregion(region),
      free: async () => {},
    };
  }
}

export const failingCommits: Scenario = {
  name: 'failing-commits',
  property:
    'a commit that fails, at whatever point, leaves tree, published map and arena as they were, and the next one works',
  seconds: 5,
  async run(bed) {
    const mirror = new ListenerMirror(bed);
    const machine = bed.open({
      ramReserveBytes: RESERVE_BYTES,
      arenaBytes: ARENA_BYTES,
      garbageBytesMax: ARENA_BYTES,
      onListenerError: () => bed.fault('a listener throws'),
    });
    const words = sharedWords(SHUFFLE_WORDS);
    const layouts = new ShuffledMachine(bed, words);
    const job: ShuffleJob = { seed: bed.seed };
    for (let vcpu = 0; vcpu < bed.vcpuCount; vcpu += 1) bed.start(program, job, { words });
    await bed.up();
    const injector = new Injector();
    const commits = new FailingCommits(bed, layouts, injector);
    mirror.register(machine);
    try {
      while (!bed.timeIsUp) {
        await commits.round();
        mirror.compare();
      }
      await commits.end();
    } finally {
      injector.restore();
    }
    await bed.stopVcpus();
    const { ramReservedBytes } = machine.gauges;
    if (ramReservedBytes !== RESERVE_BYTES)
      bed.violation(
        `${ramReservedBytes - RESERVE_BYTES} bytes of RAM are left of regions that came and went`,
      );
    return `${commits.failures} failures in ${commits.rounds} rounds, ${commits.full} times the arena was full`;
  },
};
