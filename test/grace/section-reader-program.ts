/**
 * Thread of threads.test.ts: looks sections up in the published map as fast as it can, and counts what is
 * wrong. The layout with tag t has one page of RAM, at page t % PAGES, and nothing else; so a map that was
 * reused, half written or mixed with another is seen. `sabotage` keeps what was loaded over an announcement.
 */
import { workerData } from 'node:worker_threads';
import { findSection } from '../../src/dispatch/find-section.ts';
import { GraceReader } from '../../src/grace/reader.ts';
import { rootWord, type SharedWords } from '../../src/layout/control-block.ts';
import { CELL_UNASSIGNED, cellWord } from '../../src/layout/map-entry.ts';
import { SECTION_REGION, SECTION_START_LO } from '../../src/layout/section-record.ts';
import { VIEW_LAYOUT_TAG, VIEW_MAP_ROOT } from '../../src/layout/view-header.ts';
import {
  COUNT_LAYOUTS,
  COUNT_READS,
  COUNT_STOP,
  COUNT_WRONG,
  PAGES,
  type ReaderTask,
} from '../support/section-reads.ts';

const READS_A_HOLD = 32;

/** How many of the pages answer otherwise than the view's tag says. */
function wrongPages(arena: SharedWords, view: number, region: number): number {
  const tag = arena[cellWord(view) + VIEW_LAYOUT_TAG]!;
  const root = arena[cellWord(view) + VIEW_MAP_ROOT]!;
  let wrong = 0;
  for (let page = 0; page < PAGES; page += 1) {
    const lo = page * 0x1000;
    const cell = findSection(arena, root, 0, lo + 8);
    const word = cellWord(cell);
    const isRight =
      page === tag % PAGES
        ? arena[word + SECTION_REGION] === region && arena[word + SECTION_START_LO] === lo
        : cell === CELL_UNASSIGNED;
    if (!isRight) wrong += 1;
  }
  return wrong;
}

function run({ control, arena, counts, region, style, sabotage }: ReaderTask): void {
  const words: SharedWords = new Int32Array(control);
  const cells: SharedWords = new Int32Array(arena);
  const count: SharedWords = new Int32Array(counts);
  const reader = new GraceReader(words, 0);
  const inSections = style === 'sections';
  if (!inSections) reader.online();
  let view = Atomics.load(words, rootWord(0));
  while (Atomics.load(count, COUNT_STOP) === 0) {
    if (inSections ? reader.readLock() : reader.quiescent()) {
      Atomics.add(count, COUNT_LAYOUTS, 1);
      // Sabotaged, it announces and goes on with the old map for a while.
      if (sabotage) Atomics.add(count, COUNT_WRONG, wrongPages(cells, view, region));
      view = Atomics.load(words, rootWord(0));
    }
    let wrong = 0;
    for (let read = 0; read < READS_A_HOLD; read += 1) wrong += wrongPages(cells, view, region);
    if (inSections) reader.readUnlock();
    Atomics.add(count, COUNT_READS, READS_A_HOLD * PAGES);
    if (wrong > 0) Atomics.add(count, COUNT_WRONG, wrong);
  }
  if (!inSections) reader.offline();
}

run(workerData as ReaderTask);
