/** One transaction changes two address spaces; vCPUs look at both after each checkpoint. */
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { type Bed, pause, sharedWords } from '../bed.ts';
import { PAIR_ADDRESS, PAIR_PAGES, PAIR_WORDS, pairPage, pairWord } from '../pairs.ts';
import type { Scenario } from '../scenario.ts';
import { INTENT, LATEST, wordOf } from '../shuffle.ts';
import { slowRoots } from '../slow-roots.ts';

const program = new URL('../programs/pair-reader.ts', import.meta.url);
const PAGE_BYTES = 4096;
const NAMES = ['memory', 'second'] as const;
/** Layouts between two rests, in which both address spaces must show the same. */
const LAYOUTS_A_REST = 200;

/** The window of each address space. */
function windowsOf(bed: Bed): readonly MemoryRegion[] {
  const { machine } = bed;
  const ram = MemoryRegion.ram('pages', PAIR_PAGES * PAGE_BYTES);
  for (let page = 0; page < PAIR_PAGES; page += 1)
    machine.writeRam(ram, page * PAGE_BYTES, new Uint8Array(Int32Array.of(wordOf(page, 0)).buffer));
  return NAMES.map((name, space) => {
    const root = MemoryRegion.container(`root of ${name}`, 2n ** 64n);
    const window = MemoryRegion.alias(`window of ${name}`, ram, pairPage(space, 0) * PAGE_BYTES, PAGE_BYTES);
    root.addSubregion(PAIR_ADDRESS, window);
    machine.addAddressSpace(name, root);
    return window;
  });
}

export const twoPublications: Scenario = {
  name: 'two-publications',
  property:
    'of two address spaces that change together each is whole; the one that is loaded later is at most one transaction behind',
  seconds: 4,
  async run(bed) {
    const machine = bed.open();
    const windows = windowsOf(bed);
    const words = sharedWords(PAIR_WORDS);
    const vcpus = Array.from({ length: bed.vcpuCount }, () =>
      bed.start(program, null, { words, addressSpaces: NAMES }),
    );
    await bed.up();
    const mend = slowRoots(new Int32Array(machine.shared.control), bed.random);
    let tag = 0;
    try {
      while (!bed.timeIsUp) {
        tag += 1;
        Atomics.store(words, INTENT, tag);
        machine.layoutTag = tag;
        await bed.commit(() => {
          for (const [space, window] of windows.entries())
            window.setAliasOffset(pairPage(space, tag) * PAGE_BYTES);
        });
        Atomics.store(words, LATEST, tag);
        if (tag % LAYOUTS_A_REST === 0) await pause(1);
      }
    } finally {
      mend();
    }
    await bed.stopVcpus();
    const mixed = vcpus.reduce((sum, { number }) => sum + Atomics.load(words, pairWord(number)), 0);
    return `${tag} layouts of two address spaces, ${mixed} checkpoints found them of different transactions`;
  },
};
