/**
 * The grace protocol as named steps on real words, for the walk of every order. The steps mirror
 * src/grace/reader.ts, src/grace/writer.ts and Publisher.publish; test/grace/real-steps.test.ts holds the
 * list of operations that the code does against the names here.
 *
 * Views are numbers. A view that was reused holds POISON; a reader that uses it then is what must not be.
 */
import { GENERATION_OFFLINE, GENERATION_STEP, generationReached } from '../../src/layout/control-block.ts';
import { POISON } from '../../src/layout/map-entry.ts';
import { type Step, step } from './interleavings.ts';

const GENERATION = 0;
const ROOT = 1;
const DATA = 2; // + view
const READERS = 8; // + reader

export interface GraceModelOptions {
  /** GENERATION at the start; readers that begin online have announced it. */
  readonly generation?: number;
  readonly generationStep?: number;
  /** How the writer decides that a reader holds nothing retired under `generation`. */
  readonly reached?: (announced: number, generation: number) => boolean;
}

/** The shared words of one order: view 0 is published. */
export class GraceModel {
  readonly generationStep: number;
  readonly reached: (announced: number, generation: number) => boolean;
  /** What a reader saw that it must not see. */
  fault: string | null = null;
  readonly words = new Int32Array(new SharedArrayBuffer(64));

  constructor(options: GraceModelOptions = {}) {
    this.generationStep = options.generationStep ?? GENERATION_STEP;
    this.reached = options.reached ?? generationReached;
    this.words[GENERATION] = options.generation ?? 1;
    for (let view = 0; view < READERS - DATA; view += 1) this.words[DATA + view] = 100 + view;
  }

  announcedBy(reader: number): number {
    return Atomics.load(this.words, READERS + reader);
  }

  /** Ends the hold of a reader, as removeReader does. */
  forceOffline(reader: number): void {
    Atomics.store(this.words, READERS + reader, GENERATION_OFFLINE);
  }
}

/** The control thread's steps. */
export class ModelWriter {
  private readonly model: GraceModel;
  private readonly words: Int32Array;
  private readonly clear: boolean[] = [];
  private readonly generations: number[] = [];

  constructor(model: GraceModel) {
    this.model = model;
    this.words = model.words;
  }

  storeRoot = (view: number): Step => step(`store root ${view}`, () => Atomics.store(this.words, ROOT, view));

  advance = (): Step =>
    step('advance', () =>
      Atomics.store(this.words, GENERATION, (this.words[GENERATION]! + this.model.generationStep) | 0),
    );

  /** Puts `view` on the retire list; touches no word of another thread. */
  retire = (view: number): Step =>
    step(`retire ${view}`, () => {
      this.generations[view] = this.words[GENERATION]!;
      this.clear[view] = true;
    });

  /** Looks at one reader once, as poll() does. */
  scan = (view: number, reader: number): Step =>
    step(`scan reader ${reader} for ${view}`, () => {
      if (!this.hasReached(view, reader)) this.clear[view] = false;
    });

  /** Blocks until the reader lets go, as the background loop does in effect. */
  await = (view: number, reader: number): Step =>
    step(
      `await reader ${reader} for ${view}`,
      () => {},
      () => this.hasReached(view, reader),
    );

  reuse = (view: number): Step =>
    step(`reuse ${view} if clear`, () => {
      if (this.clear[view]) Atomics.store(this.words, DATA + view, POISON);
    });

  /** Stores the root of `after`, begins a generation and retires `before` under it, as Publisher does. */
  publish(before: number, after: number): Step[] {
    const advance = this.advance();
    const retire = this.retire(before); // touches no word of another thread, so it is no step of its own
    const both = step(advance.name, () => {
      advance.run();
      retire.run();
    });
    return [this.storeRoot(after), both];
  }

  /** A commit that replaces view 0 by 1, and its reclamation once the readers have let go. */
  commit(readers: readonly number[], before = 0, after = 1): Step[] {
    const awaited = readers.map((reader) => this.await(before, reader));
    return [...this.publish(before, after), ...awaited, this.reuse(before)];
  }

  /** The same with one look at each reader, as poll() does. */
  commitAndPoll(readers: readonly number[], before = 0, after = 1): Step[] {
    const scanned = readers.map((reader) => this.scan(before, reader));
    return [...this.publish(before, after), ...scanned, this.reuse(before)];
  }

  private hasReached(view: number, reader: number): boolean {
    return this.model.reached(this.model.announcedBy(reader), this.generations[view]!);
  }
}

/** A reader's steps. Its private state is what it announced last, and the root that it uses. */
export class ModelReader {
  private readonly model: GraceModel;
  private readonly words: Int32Array;
  private readonly announcedWord: number;
  private announced = GENERATION_OFFLINE;
  private generation = 0;
  private root = -1;
  private count = 0;

  constructor(model: GraceModel, reader: number) {
    this.model = model;
    this.words = model.words;
    this.announcedWord = READERS + reader;
  }

  /** Begins online, with view 0, before the first step. */
  beginOnline(): this {
    this.announced = this.words[GENERATION]!;
    this.words[this.announcedWord] = this.announced;
    this.root = this.words[ROOT]!;
    return this;
  }

  loadGeneration = (): Step =>
    step('load GENERATION', () => {
      this.generation = Atomics.load(this.words, GENERATION);
    });

  announce = (): Step => step('announce', () => this.storeAnnounced(this.generation));

  loadRoot = (): Step =>
    step('load root', () => {
      this.root = Atomics.load(this.words, ROOT);
    });

  use = (name = 'use'): Step =>
    step(name, () => {
      const view = this.root;
      if (Atomics.load(this.words, DATA + view) !== 100 + view)
        this.model.fault = `view ${view} used after reuse`;
    });

  offline = (): Step => step('offline', () => this.storeAnnounced(GENERATION_OFFLINE));

  /** GraceReader.online() and what follows it; also readLock() of an offline reader. */
  online = (): Step[] => [this.loadGeneration(), this.announce(), this.loadRoot(), this.use()];

  /** GraceReader.quiescent(), the refresh that it asks for, and a use. */
  checkpoint(): Step[] {
    this.count += 1;
    const use = `use #${this.count}`;
    const look = step('load GENERATION', () => {
      this.generation = Atomics.load(this.words, GENERATION);
      return this.generation === this.announced ? use : undefined;
    });
    return [look, this.announce(), this.loadRoot(), this.use(use)];
  }

  private storeAnnounced(generation: number): void {
    this.announced = generation;
    Atomics.store(this.words, this.announcedWord, generation);
  }
}
