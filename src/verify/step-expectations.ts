/** Works out, for the layout that the trees have now, what is due at the borders and middles of all regions. */
import { hiFromAddress, loFromAddress } from '../base/addresses.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import type { CellBook } from './cell-book.ts';
import { Oracle } from './oracle.ts';
import { SAMPLE_HI, SAMPLE_LO, SAMPLE_SIZE } from './probe-program.ts';
import { Random } from './random.ts';
import { type Sample, SampleSet } from './sample-set.ts';
import * as format from './step-tables.ts';
import { windowsOf } from './windows.ts';

/** An address space as the board numbers it. */
export interface ReplayedSpace {
  readonly number: number;
  readonly root: MemoryRegion | null;
}

interface FilledGroup {
  readonly first: number;
  readonly count: number;
  readonly viewRoot: MemoryRegion | null;
}

const GROUP_SAMPLES_MIN = 8;

export class StepExpectations {
  private readonly tables: format.StepTables;
  private readonly book: CellBook;
  private readonly random = new Random(1);
  /** Where regions lay in the step before: what left a place must be missed there. */
  private before = new Map<MemoryRegion | null, readonly Sample[]>();
  /** Where the view of each space began in the step before. */
  private viewRoots = new Map<number, MemoryRegion | null>();

  constructor(tables: format.StepTables, book: CellBook) {
    this.tables = tables;
    this.book = book;
  }

  /** Fills the row of `step`. Call it before the layout is published. */
  fill(step: number, spaces: readonly ReplayedSpace[]): void {
    const { directory } = this.tables;
    const roots = new Set(spaces.map(({ root }) => root));
    const perGroup = Math.floor(format.ROW_SAMPLES_MAX / Math.max(1, roots.size));
    const limit = Math.max(GROUP_SAMPLES_MIN, perGroup);
    const now = new Map<MemoryRegion | null, readonly Sample[]>();
    const groups = new Map<MemoryRegion | null, FilledGroup>();
    let first = 0;
    for (const root of roots) {
      const group = this.fillGroup(step, root, first, limit, now);
      groups.set(root, group);
      first += group.count;
    }
    const viewRoots = new Map<number, MemoryRegion | null>();
    const row = format.directoryWord(step);
    directory[row] = spaces.length;
    for (const [index, { number, root }] of spaces.entries()) {
      const group = groups.get(root)!;
      const at = row + 1 + index * format.DIRECTORY_SPACE_WORDS;
      directory[at + format.DIRECTORY_SPACE] = number;
      directory[at + format.DIRECTORY_FIRST] = group.first;
      directory[at + format.DIRECTORY_COUNT] = group.count;
      // A space that is new has no view root from before, so it counts as switched as well.
      directory[at + format.DIRECTORY_SWITCHED] = Number(this.viewRoots.get(number) !== group.viewRoot);
      viewRoots.set(number, group.viewRoot);
    }
    this.before = now;
    this.viewRoots = viewRoots;
  }

  private fillGroup(
    step: number,
    root: MemoryRegion | null,
    first: number,
    limit: number,
    now: Map<MemoryRegion | null, readonly Sample[]>,
  ): FilledGroup {
    const { book, random } = this;
    const { samples: words } = this.tables;
    const set = new SampleSet();
    for (const window of windowsOf(root)) set.addWindow(window);
    now.set(root, set.choose(limit, random));
    for (const { address, size } of this.before.get(root) ?? []) set.add(address, size);
    const chosen = set.choose(Math.min(limit, format.ROW_SAMPLES_MAX - first), random);
    const oracle = new Oracle(root);
    for (const [index, { address, size }] of chosen.entries()) {
      const at = format.sampleWord(step, first + index);
      words[at + SAMPLE_HI] = hiFromAddress(address);
      words[at + SAMPLE_LO] = loFromAddress(address);
      words[at + SAMPLE_SIZE] = size;
      words[at + format.SAMPLE_ENTRY] = book.entryFor(oracle.at(address), address, size);
    }
    return { first, count: chosen.length, viewRoot: oracle.root };
  }
}
