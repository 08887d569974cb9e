/**
 * Dirty logging under the walk of every order: a vCPU that stores to one page, and the control thread that clears
 * its bit and copies the page. No store may be lost: after one more round at the end, the copy is what memory holds.
 * Then, the walk convicts protocols that look almost the same.
 */
import { describe, expect, test } from 'vitest';
import { DIRTY_CLIENT_VGA } from '../../src/base/dirty-log.ts';
import {
  GENERATION_OFFLINE,
  GENERATION_STEP,
  generationReached,
  WORD_DIRTY_EPOCH,
  WORD_GENERATION,
} from '../../src/layout/control-block.ts';
import { takeDirtyPages } from '../../src/layout/dirty-bitmap.ts';
import { ANNOUNCED, DirtyScene } from '../support/dirty-scene.ts';
import { SAFE, type Step, step, stepsOf, type Walk, walkOrders } from '../support/interleavings.ts';

const VGA = 1 << DIRTY_CLIENT_VGA;

type Control = 'clear' | 'bump' | 'advance' | 'wait' | 'read';
const CONTROL: readonly Control[] = ['clear', 'bump', 'advance', 'wait', 'read'];

/** The control thread's rounds in the order that `names` gives; a copy is kept of what it found dirty. */
function controlSteps(
  scene: DirtyScene,
  copy: { value: number },
  names: readonly Control[],
  round = '',
): Step[] {
  let taken = false;
  let awaited = 0;
  const { words, bits, memory } = scene;
  const actions: Record<Control, Step['run']> = {
    clear: () => takeDirtyPages(bits, 0, 0, DIRTY_CLIENT_VGA, () => (taken = true)),
    bump: () => Atomics.add(words, WORD_DIRTY_EPOCH, 1),
    advance: () => {
      awaited = (Atomics.load(words, WORD_GENERATION) + GENERATION_STEP) | 0;
      Atomics.store(words, WORD_GENERATION, awaited);
      return null;
    },
    wait: () => null,
    read: () => {
      if (taken) copy.value = Atomics.load(memory, 0);
      return null;
    },
  };
  const isClear = (): boolean => generationReached(Atomics.load(words, ANNOUNCED), awaited);
  return names.map((name) =>
    step(`${name}${round}`, () => void actions[name](), name === 'wait' ? isClear : undefined),
  );
}

/** Walks a vCPU against the control thread; in the end there is one more round, with nobody else. */
function walk(
  vcpu: (scene: DirtyScene) => readonly Step[],
  control: (scene: DirtyScene, copy: { value: number }) => readonly Step[] = (scene, copy) =>
    controlSteps(scene, copy, CONTROL),
): Walk {
  return walkOrders(() => {
    const scene = new DirtyScene(VGA);
    const copy = { value: 0 };
    return {
      threads: [stepsOf('vCPU', ...vcpu(scene)), stepsOf('control', ...control(scene, copy))],
      verdict: () => {
        takeDirtyPages(scene.bits, 0, 0, DIRTY_CLIENT_VGA, () => (copy.value = scene.memory[0]!));
        return copy.value === scene.memory[0]
          ? SAFE
          : `memory has ${scene.memory[0]}, the copy ${copy.value}`;
      },
    };
  });
}

const busy = (scene: DirtyScene): Step[] => [
  ...scene.store(1),
  ...scene.checkpoint('A'),
  ...scene.store(2),
  ...scene.checkpoint('B'),
  ...scene.store(3),
  scene.offline(),
];

/** Offline at first, as a vCPU that sleeps, with what it knew before. */
const returning = (scene: DirtyScene): Step[] => {
  scene.words[ANNOUNCED] = GENERATION_OFFLINE;
  return [...scene.checkpoint('attach'), ...scene.store(1), scene.offline()];
};

const safe = ({ firstBad, orders }: Walk, ordersMin: number): void => {
  expect(firstBad).toBe('');
  expect(orders).toBeGreaterThan(ordersMin);
};

describe('clear, add to the epoch, wait, read: no order loses a store', () => {
  test('of a vCPU that stores and passes checkpoints', () => safe(walk(busy), 1000));
  test('of a vCPU that comes back online', () => safe(walk(returning), 100));
  test('where a second clear begins before the first has ended', () => {
    const overlapping = (scene: DirtyScene, copy: { value: number }): Step[] => {
      const [clear, bump, advance, wait, read] = controlSteps(scene, copy, CONTROL);
      const second = controlSteps(scene, copy, CONTROL, ' 2');
      return [clear!, bump!, advance!, ...second.slice(0, 3), wait!, read!, ...second.slice(3)];
    };
    const brief = (scene: DirtyScene): Step[] => [
      ...scene.store(1),
      ...scene.checkpoint('A'),
      ...scene.store(2),
      scene.offline(),
    ];
    safe(walk(brief, overlapping), 1000);
  });
  test.each([1, 2, 3])('of a vCPU whose thread ends after step %i of its store', (count) => {
    safe(
      walk((scene) => {
        scene.armed = false;
        takeDirtyPages(scene.bits, 0, 0, DIRTY_CLIENT_VGA, () => {});
        return [...scene.store(1).slice(0, count), scene.offline()];
      }),
      5,
    );
  });
});

describe('the walk convicts', () => {
  const wrong: readonly (readonly [string, () => Walk])[] = [
    ...(
      [
        ['a clear that does not wait for the grace period', ['clear', 'bump', 'advance', 'read']],
        ['a clear that reads before it waits', ['clear', 'bump', 'advance', 'read', 'wait']],
        ['a clear that tells nobody', ['clear', 'advance', 'wait', 'read']],
        ['an epoch that moves before the bits are clear', ['bump', 'clear', 'advance', 'wait', 'read']],
        ['an epoch that moves after the generation', ['clear', 'advance', 'bump', 'wait', 'read']],
      ] as const
    ).map(
      ([what, names]) => [what, () => walk(busy, (scene, copy) => controlSteps(scene, copy, names))] as const,
    ),
    [
      'a vCPU that loads the epoch before it announces',
      () =>
        walk((scene) => [
          scene.rearm('A'),
          scene.loadGeneration('A'),
          scene.announce('A'),
          ...scene.store(1),
          scene.offline(),
        ]),
    ],
    [
      'a vCPU that comes back online and stays armed',
      () =>
        walk((scene) => {
          scene.words[ANNOUNCED] = GENERATION_OFFLINE;
          return [scene.loadGeneration('A'), scene.announce('A'), ...scene.store(1), scene.offline()];
        }),
    ],
    [
      'a store that is armed by a look, and never marked',
      () =>
        walk((scene) => [
          ...scene.checkpoint('A'),
          ...scene.store(1).filter(({ name }) => !name.startsWith('mark')),
          scene.offline(),
        ]),
    ],
    [
      'a store that marks after it wrote, in a thread that ends in between',
      () =>
        walk((scene) => {
          scene.armed = false;
          takeDirtyPages(scene.bits, 0, 0, DIRTY_CLIENT_VGA, () => {});
          return [...scene.store(1).filter(({ name }) => name === 'write 1'), scene.offline()];
        }),
    ],
  ];
  test.each(wrong)('%s', (_what, run) => {
    expect(run().unsafe).toBeGreaterThan(0);
  });
});
