/** Who answers in a recorded layout: the oracle of the linearizability checker, on layouts small enough to see through. */
import { describe, expect, test } from 'vitest';
import {
  answerAt,
  type Edit,
  edited,
  type RecordedLayout,
  type RecordedRegion,
  recordedRegion,
} from '../../stress/linearizability/recorded-layout.ts';

/** The first 16 bytes, a letter each: the name of the region that answers, `.` for none. */
const draw = (layout: RecordedLayout): string =>
  Array.from({ length: 16 }, (_, address) => {
    const answer = answerAt(layout, 0, address);
    return answer === null ? '.' : layout.regions[answer.region]!.name;
  }).join('');

const layoutOf = (...regions: RecordedRegion[]): RecordedLayout => ({ regions, roots: [0] });
const root = (...children: number[]): RecordedRegion => recordedRegion('root', 'container', 16, { children });

test("QEMU's worked example: a hole in a container shows what lies beneath", () => {
  const layout = layoutOf(
    recordedRegion('A', 'container', 16, { children: [1, 2] }),
    recordedRegion('C', 'local', 12, { priority: 1 }),
    recordedRegion('B', 'container', 8, { address: 4, priority: 2, children: [3, 4] }),
    recordedRegion('D', 'local', 2),
    recordedRegion('E', 'local', 2, { address: 4 }),
  );
  expect(draw(layout)).toBe('CCCCDDCCEECC....');
});

describe('of two that overlap shows', () => {
  const two = (first: Partial<RecordedRegion>, second: Partial<RecordedRegion>): RecordedLayout =>
    layoutOf(
      root(1, 2),
      recordedRegion('a', 'ram', 4, first),
      recordedRegion('b', 'ram', 4, { address: 2, ...second }),
    );
  test.each<[string, RecordedLayout, string]>([
    ['the one that was mapped last', two({}, {}), 'aabbbb'],
    ['the one of higher priority', two({ priority: 1 }, {}), 'aaaabb'],
    ['the other, if it is disabled', two({}, { enabled: false }), 'aaaa..'],
  ])('%s', (_what, layout, drawing) => expect(draw(layout)).toBe(drawing.padEnd(16, '.')));

  test.each<[string, Edit, string]>([
    ['the one that was moved last', { op: 'move', region: 1, address: 1 }, '.aaaab'],
    ['the same as before a move to where it was', { op: 'move', region: 1, address: 0 }, 'aabbbb'],
    [
      'the one that was enabled last, no more than before',
      { op: 'enable', region: 1, enabled: true },
      'aabbbb',
    ],
    ['less of what was made smaller', { op: 'resize', region: 2, size: 1 }, 'aaba'],
    [
      'the one that was mapped anew',
      { op: 'map', region: 1, container: 0, address: 0, priority: 0 },
      'aaaabb',
    ],
    ['the one that is left', { op: 'unmap', region: 2 }, 'aaaa'],
  ])('%s', (_what, edit, drawing) => {
    expect(draw(edited(two({}, {}), edit))).toBe(drawing.padEnd(16, '.'));
  });
});

describe('an alias', () => {
  const shown = (alias: Partial<RecordedRegion>): RecordedLayout =>
    layoutOf(
      root(2),
      recordedRegion('a', 'ram', 8),
      recordedRegion('b', 'alias', 6, { target: 1, aliasOffset: 4, address: 1, ...alias }),
    );
  test('shows its part of the target, as far as the target goes', () => {
    expect(draw(shown({}))).toBe('.aaaa...........');
    expect(answerAt(shown({}), 0, 1)).toEqual({
      region: 1,
      kind: 'ram',
      romd: true,
      offset: 4,
      readonly: false,
    });
  });
  test('shows another part', () => {
    expect(answerAt(edited(shown({}), { op: 'show', region: 2, aliasOffset: 2 }), 0, 1)?.offset).toBe(2);
  });
  test('makes readonly what is seen through it', () => {
    const layout = edited(shown({}), { op: 'protect', region: 2, readonly: true });
    expect(answerAt(layout, 0, 1)?.readonly).toBe(true);
  });
  test('of something that is disabled shows nothing', () => {
    expect(draw(edited(shown({}), { op: 'enable', region: 1, enabled: false }))).toBe('.'.repeat(16));
  });
});

test('a space may get another root', () => {
  const layout = layoutOf(root(), recordedRegion('a', 'ram', 4));
  const { roots } = edited(layout, { op: 'root', space: 0, region: 1 });
  expect(answerAt(layout, roots[0]!, 3)?.region).toBe(1);
  expect(answerAt(layout, layout.roots[0]!, 3)).toBeNull();
});
