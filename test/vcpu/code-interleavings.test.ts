/**
 * Protection of code under the walk of every order: a vCPU that protects a page and translates it, against vCPUs
 * that write it. What was translated is what memory holds, or the translator can tell that it is not.
 */
import { describe, expect, test } from 'vitest';
import { DIRTY_CLIENT_CODE } from '../../src/base/dirty-log.ts';
import { GENERATION_OFFLINE, WORD_DIRTY_EPOCH } from '../../src/layout/control-block.ts';
import { codeVersion, pagesAreDirty, takeDirtyPages } from '../../src/layout/dirty-bitmap.ts';
import { ANNOUNCED, DirtyScene, EPOCH_SEEN } from '../support/dirty-scene.ts';
import { END, SAFE, type Step, step, stepsOf, type Walk, walkOrders } from '../support/interleavings.ts';

const CODE = 1 << DIRTY_CLIENT_CODE;

type Protector = 'version' | 'clear' | 'bump' | 'everyone' | 'bit' | 'translate';
const PROTECTOR: readonly Protector[] = ['version', 'clear', 'bump', 'everyone', 'bit', 'translate'];

/** A vCPU that protects the page and translates it, against one that writes it. */
function walkCode(
  writer: (scene: DirtyScene) => readonly Step[],
  names: readonly Protector[] = PROTECTOR,
): Walk {
  return walkOrders(() => {
    const scene = new DirtyScene(CODE);
    const { words, bits, memory } = scene;
    let version = 0;
    let epoch = 0;
    let translated: number | null = null;
    const reached = (): boolean =>
      Atomics.load(words, ANNOUNCED) === GENERATION_OFFLINE || Atomics.load(words, EPOCH_SEEN) >= epoch;
    const actions: Record<Protector, Step['run']> = {
      version: () => void (version = codeVersion(bits, 0)),
      clear: () => takeDirtyPages(bits, 0, 0, DIRTY_CLIENT_CODE, () => {}),
      bump: () => void (epoch = Atomics.add(words, WORD_DIRTY_EPOCH, 1) + 1),
      everyone: () => (reached() ? null : END),
      bit: () => (pagesAreDirty(bits, 0, 0, CODE) ? END : null),
      translate: () => void (translated = Atomics.load(memory, 0)),
    };
    return {
      threads: [
        stepsOf('writer', ...writer(scene)),
        stepsOf('translator', ...names.map((name) => step(name, actions[name]))),
      ],
      verdict: () => {
        if (translated === null || codeVersion(bits, 0) !== version) return SAFE; // it knows that it is not intact
        return translated === memory[0] ? SAFE : `translated ${translated}, memory has ${memory[0]}`;
      },
    };
  });
}

const safe = ({ firstBad, orders }: Walk, ordersMin: number): void => {
  expect(firstBad).toBe('');
  expect(orders).toBeGreaterThan(ordersMin);
};

describe('a protected page', () => {
  const writes = (scene: DirtyScene): Step[] => [
    ...scene.store(1),
    scene.rearm('A'),
    scene.tell('A'),
    ...scene.store(2),
    scene.rearm('B'),
    scene.tell('B'),
    ...scene.store(3),
    scene.offline(),
  ];
  /** The page was protected by somebody before: the first store finds its bit clear. */
  const afterOther = (scene: DirtyScene): Step[] => {
    scene.armed = false;
    takeDirtyPages(scene.bits, 0, 0, DIRTY_CLIENT_CODE, () => {});
    return writes(scene);
  };
  test('what was protected is intact, or is known not to be', () => {
    safe(walkCode(writes), 1000);
    safe(walkCode(afterOther), 1000);
  });
  test('the walk convicts a translator that does not wait for every reader', () => {
    const names = PROTECTOR.filter((name) => name !== 'everyone');
    expect(walkCode(writes, names).unsafe).toBeGreaterThan(0);
  });
  test('the walk convicts a translator that does not look at the bit last', () => {
    const names = PROTECTOR.filter((name) => name !== 'bit');
    expect(walkCode(afterOther, names).unsafe).toBeGreaterThan(0);
  });
  test('the walk convicts an epoch that moves before the bit is clear', () => {
    expect(
      walkCode(writes, ['version', 'bump', 'clear', 'everyone', 'bit', 'translate']).unsafe,
    ).toBeGreaterThan(0);
  });

  test.each<[string, readonly string[], boolean]>([
    ['the version first: who finds the bit set and writes unseen is known by it', ['version', 'mark'], true],
    ['the walk convicts a mark that comes before the version', ['mark', 'version'], false],
  ])('%s', (_what, order, isSafe) => {
    const result = walkOrders(() => {
      const scene = new DirtyScene(CODE);
      scene.armed = false;
      takeDirtyPages(scene.bits, 0, 0, DIRTY_CLIENT_CODE, () => {});
      let wrote = false;
      let isIntact = false;
      const [look, version, mark, write] = scene.store(1);
      const first = [look!, ...order.map((name) => (name === 'mark' ? mark! : version!))];
      const second = [
        step('look', () => (pagesAreDirty(scene.bits, 0, 0, CODE) ? null : END)),
        step('write unseen', () => void (wrote = true)),
      ];
      const ask = step('is intact', () => void (isIntact = codeVersion(scene.bits, 0) === 0 && wrote));
      return {
        threads: [
          stepsOf('first writer', ...first, write!),
          stepsOf('second writer', ...second),
          stepsOf('translator', ask),
        ],
        verdict: () => (isIntact ? 'intact, though it was written before the question' : SAFE),
      };
    });
    expect(result.unsafe === 0).toBe(isSafe);
  });
});
