/** The service's rings of accesses: batches that many clients submit while layouts change and vCPUs die. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { type AccessAnswers, type AccessBatch, putAccess } from '../../src/http/access-channel.ts';
import { AccessPool } from '../../src/http/access-pool.ts';
import * as ring from '../../src/http/access-ring.ts';
import { ServiceError } from '../../src/http/problem.ts';
import type { SharedWords } from '../../src/layout/control-block.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import { type Bed, pause } from '../bed.ts';
import type { Scenario } from '../scenario.ts';

const PAGES = 16;
const PAGE_BYTES = 0x1000;
const PAGES_AT = 0x10_0000;
/** A counter for each client, below the pages. */
const COUNTERS_AT = 0x1000;
const WINDOW_AT = 0x4000_0000;
/** Accesses of a batch, and of one in so many that fill the ring and make others wait. */
const COUNT_MAX = 40;
const LONG_COUNT = 4096;
const LONG_ONE_IN = 200;
const BURST_MAX = 400;
/** vCPUs are rung in a turn of the event loop, and serve while the next batches are posted. */
const TURN_ONE_IN = 8;
const MOVE_ONE_IN = 10;
/** So that vCPUs fall asleep, and the service does. */
const IDLE_ONE_IN = 4;
const IDLE_MS = 2;
const KILL_EVERY_MS = 700;
/** Threads need a core to come up, and there may be few. */
const START_MS = 180_000;

const LOAD_32 = ring.OPERATION_LOAD | (4 << ring.ACCESS_SIZE_SHIFT);
const ADD_32 = ring.OPERATION_ADD | (4 << ring.ACCESS_SIZE_SHIFT);
const codeOf = (page: number): number => 0x5000_0000 + page;

/** A connection: its batches are served in its order, by one vCPU as long as that lives. */
class Client {
  readonly counterAt: number;
  /** What its counter must be found at by its next batch. */
  expected = 0;
  submitted = 0;
  called = 0;

  constructor(number: number) {
    this.counterAt = COUNTERS_AT + 4 * number;
  }
}

/** A window that moves over pages of RAM, and which page each layout shows. */
class MovingWindow {
  readonly space;
  readonly memory: MemoryPort;
  private readonly window: MemoryRegion;
  private readonly bed: Bed;
  private readonly pageOf: number[] = [];

  constructor(bed: Bed) {
    this.bed = bed;
    const { machine } = bed;
    const ram = MemoryRegion.ram('ram', PAGES_AT + PAGES * PAGE_BYTES);
    this.window = MemoryRegion.alias('window', ram, PAGES_AT, PAGE_BYTES);
    const root = MemoryRegion.container('root', 2n ** 64n);
    root.addSubregion(0, ram);
    root.addSubregion(WINDOW_AT, this.window);
    machine.layoutTag = this.pageOf.push(0) - 1;
    this.space = machine.addAddressSpace('memory', root);
    this.memory = machine.memory(this.space);
    for (let page = 0; page < PAGES; page += 1)
      for (let at = 0; at < PAGE_BYTES; at += 4)
        this.memory.store32(0, PAGES_AT + page * PAGE_BYTES + at, codeOf(page));
  }

  get tag(): number {
    return this.pageOf.length - 1;
  }

  async move(): Promise<void> {
    const { bed, pageOf } = this;
    const page = (pageOf.at(-1)! + 1 + bed.random.below(PAGES - 1)) % PAGES;
    bed.machine.layoutTag = pageOf.push(page) - 1;
    await bed.commit(() => this.window.setAliasOffset(PAGES_AT + page * PAGE_BYTES));
  }

  /** What is read behind the window by the layout of that tag; undefined: there was none. */
  codeAt(tag: number): number | undefined {
    const page = this.pageOf[tag];
    return page === undefined ? undefined : codeOf(page);
  }
}

/** Adds one to its client's counter, looks through the window, adds one again. */
class CheckedBatch implements AccessBatch {
  readonly space: number;
  readonly count: number;
  private readonly bed: Bed;
  private readonly window: MovingWindow;
  private readonly client: Client;
  /** Among its client's. */
  private readonly number: number;
  /** The layout when it was submitted. */
  private readonly since: number;

  constructor(bed: Bed, window: MovingWindow, client: Client, count: number) {
    this.bed = bed;
    this.window = window;
    this.client = client;
    this.count = count;
    this.space = bed.machine.indexOf(window.space);
    this.since = window.tag;
    this.number = client.submitted;
    client.submitted += 1;
  }

  put(words: SharedWords, word: number, index: number): void {
    const isEnd = index === 0 || index === this.count - 1;
    if (isEnd) putAccess(words, word, ADD_32, 0, this.client.counterAt, 0, 1);
    else putAccess(words, word, LOAD_32, 0, WINDOW_AT + ((4 * index) % PAGE_BYTES), 0, 0);
  }

  answered(answers: AccessAnswers | null): void {
    const { bed, client } = this;
    if (client.called !== this.number)
      bed.violation(`batch ${this.number} of a client was called back as its ${client.called}th`);
    client.called += 1;
    // the thread has ended, and served some or none of it
    if (answers === null) client.expected = this.window.memory.load32(0, client.counterAt);
    else this.check(answers);
  }

  private check({ words, head }: AccessAnswers): void {
    const { bed, client, window } = this;
    const tag = words[ring.recordWord(head) + ring.BATCH_LAYOUT]!;
    if (tag < this.since || tag > window.tag)
      bed.violation(`layout ${tag} answered a batch submitted under ${this.since}, now is ${window.tag}`);
    const code = window.codeAt(tag);
    for (let index = 0; index < this.count; index += 1) {
      const word = ring.recordWord(head + 1 + index);
      const isEnd = index === 0 || index === this.count - 1;
      const expected = isEnd ? client.expected : code;
      const value = words[word + ring.ACCESS_VALUE_LO];
      const result = words[word + ring.ACCESS_RESULT]!;
      if (isEnd) client.expected += 1;
      if (value === expected && result === MEMTX_OK) continue;
      bed.violation(
        `access ${index} of ${this.count} gave ${value} with result ${result} under layout ${tag}, expected ${expected}`,
      );
      break;
    }
    bed.checked(this.count);
  }
}

/** Clients that submit bursts, and wait until all of it was called back. */
class Clients {
  deaths = 0;
  private readonly bed: Bed;
  private readonly pool: AccessPool;
  private readonly window: MovingWindow;
  private readonly clients: readonly Client[];
  private killMs = performance.now() + KILL_EVERY_MS;

  constructor(bed: Bed, pool: AccessPool, window: MovingWindow) {
    this.bed = bed;
    this.pool = pool;
    this.window = window;
    this.clients = Array.from({ length: 2 * bed.vcpuCount }, (_, number) => new Client(number));
  }

  async burst(): Promise<void> {
    const { bed, window, clients } = this;
    await bed.bounded('start of the vCPUs', this.pool.started(), START_MS); // of those in the place of dead ones
    for (let left = 1 + bed.random.below(BURST_MAX); left > 0; left -= 1) {
      this.submit(bed.random.pick(clients));
      if (bed.random.below(MOVE_ONE_IN) === 0) await window.move();
      if (bed.random.below(TURN_ONE_IN) === 0) await nextTurn();
    }
    this.killSomeone();
    await bed.until('answers to a burst of batches', () =>
      clients.every(({ submitted, called }) => submitted === called),
    );
  }

  private submit(client: Client): void {
    const { bed, window, pool } = this;
    const count = bed.random.below(LONG_ONE_IN) === 0 ? LONG_COUNT : 2 + bed.random.below(COUNT_MAX - 1);
    try {
      pool.submit(client, new CheckedBatch(bed, window, client, count));
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      client.submitted -= 1; // refused: every vCPU has died, and the next ones are not up
    }
  }

  private killSomeone(): void {
    const { bed } = this;
    const living = this.pool.vcpus.filter(({ phase }) => phase !== 'finished');
    if (living.length === 0 || performance.now() < this.killMs) return;
    this.killMs = performance.now() + KILL_EVERY_MS;
    bed.fault('kills a vCPU that serves accesses');
    this.deaths += 1;
    void bed.random.pick(living).terminate();
  }
}

export const servedAccesses: Scenario = {
  name: 'served-accesses',
  property:
    'a batch of accesses is called back once, in order, answered by one layout no older than its request, or failed because its vCPU died',
  seconds: 4,
  async run(bed) {
    bed.open();
    const window = new MovingWindow(bed);
    let died = 0;
    const pool = new AccessPool(bed.machine, bed.vcpuCount, () => void (died += 1));
    try {
      await bed.bounded('start of the vCPUs', pool.started(), START_MS);
      await bed.up();
      const clients = new Clients(bed, pool, window);
      while (!bed.timeIsUp) {
        await clients.burst();
        if (bed.random.below(IDLE_ONE_IN) === 0) await pause(IDLE_MS);
      }
      await bed.until('the end of each vCPU that was killed', () => died === clients.deaths);
      return `${bed.operations} accesses by ${bed.vcpuCount} vCPUs under ${window.tag} layouts, ${died} killed`;
    } finally {
      pool.close();
    }
  },
};
