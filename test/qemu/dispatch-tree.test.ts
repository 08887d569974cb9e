/** QEMU's map over a flat view: how ranges are cut at page borders, what nodes hold, and that a walk finds what answers. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AddressSpace } from '../../src/model/address-space.ts';
import { IommuTable } from '../../src/model/iommu-table.ts';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { dispatchJsonOf } from '../../src/qemu/dispatch-json.ts';
import { dispatchLines } from '../../src/qemu/dispatch-printer.ts';
import { type DispatchSection, type DispatchTree, dispatchTreeOf } from '../../src/qemu/dispatch-tree.ts';
import { type FlatRange, FlatView, rangeAt } from '../../src/render/flat-view.ts';
import { RangeList } from '../../src/render/range-list.ts';
import { renderFlatView } from '../../src/render/render.ts';
import { at, container, io, type Placed, ram } from '../support/drawing.ts';
import { messageOf } from '../support/message-of.ts';

const TOP = 1n << 64n;

const treeOf = (root: MemoryRegion, pageBits?: number): DispatchTree =>
  dispatchTreeOf(renderFlatView(root), pageBits);
const board = (...children: Placed[]): MemoryRegion => container('board', TOP, children);
const sectionText = ({ start, last, region }: DispatchSection): string =>
  `${start.toString(16)}-${last.toString(16)} ${region?.name ?? '(noname)'}`;
/** All but section 0. */
const sectionsOf = (tree: DispatchTree): string[] => tree.sections.slice(1).map(sectionText);

describe('a range is cut at page borders', () => {
  const table: [string, Placed[], string[]][] = [
    ['whole pages are one section', [at(0x1000, io('a', 0x3000))], ['1000-3fff a']],
    [
      'a head in the middle of a page has a container of the page before it',
      [at(0x1800, io('a', 0x1800))],
      ['1000-1fff (noname)', '1800-1fff a', '2000-2fff a'],
    ],
    [
      'a tail likewise, after the whole pages',
      [at(0x1000, io('a', 0x1001))],
      ['1000-1fff a', '2000-2fff (noname)', '2000-2000 a'],
    ],
    [
      'head and tail without a whole page between them',
      [at(0x1fff, io('a', 2))],
      ['1000-1fff (noname)', '1fff-1fff a', '2000-2fff (noname)', '2000-2000 a'],
    ],
    [
      'what lies inside one page is one part of it',
      [at(0x1004, io('a', 4))],
      ['1000-1fff (noname)', '1004-1007 a'],
    ],
    [
      'a tail and the next head share the container of their page',
      [at(0x1000, io('a', 0x1800)), at(0x2800, io('b', 0x1000))],
      [
        '1000-1fff a',
        '2000-2fff (noname)',
        '2000-27ff a',
        '2800-2fff b',
        '3000-3fff (noname)',
        '3000-37ff b',
      ],
    ],
  ];
  test.each(table)('%s', (_what, children, sections) => {
    expect(sectionsOf(treeOf(board(...children)))).toEqual(sections);
  });

  test('section 0 is all that is unassigned', () => {
    expect(sectionText(treeOf(board(at(0, io('a', 1)))).sections[0]!)).toBe('0-ffffffffffffffff (noname)');
  });
});

describe('nodes', () => {
  test('a map with one leaf has no node in use, but those that were skipped are there', () => {
    const tree = treeOf(board(at(0, ram('a', 0x20_0000))));
    expect(tree.root).toEqual({ skip: 0, pointer: 1 });
    expect(tree.nodes).toHaveLength(5);
  });

  test('the last byte of the address space is reached, and all of it is half a quarter of a node', () => {
    const all = treeOf(ram('all', TOP));
    expect(all.nodes).toEqual([
      [
        { first: 0, last: 127, skip: 0, pointer: 1 },
        { first: 128, last: 511, skip: 1, pointer: null },
      ],
    ]);
    expect(sectionsOf(treeOf(board(at(TOP - 1n, io('last', 1)))))).toEqual([
      'fffffffffffff000-ffffffffffffffff (noname)',
      'ffffffffffffffff-ffffffffffffffff last',
    ]);
  });

  test.each([
    [8, 7],
    [10, 6],
    [12, 6],
    [18, 6],
  ])('pages of 2^%i bytes make %i levels', (pageBits, levels) => {
    expect(treeOf(board(at(0, ram('a', 0x1000))), pageBits).levels).toBe(levels);
  });
});

describe('the dump', () => {
  const uart = at(0x1000_0000, io('uart', 0x100), 1);
  const example = board(
    at(0, ram('dram', 0x400_0000)),
    uart,
    at(0x1000_0000, io('backstop', 0x100_0000), -1),
  );

  test('sections, nodes that nothing reaches, equal entries as one', () => {
    const lines = dispatchLines(treeOf(example));
    expect(lines.slice(0, 9)).toEqual([
      '  Dispatch',
      '    Physical sections',
      '      #0 @0000000000000000..ffffffffffffffff (noname) [unassigned]',
      '      #1 @0000000000000000..0000000003ffffff dram [not dirty]',
      '      #2 @0000000010000000..0000000010000fff (noname) [ROM]',
      '      #3 @0000000010000000..00000000100000ff uart [watch]',
      '      #4 @0000000010000100..0000000010000fff backstop',
      '      #5 @0000000010001000..0000000010ffffff backstop',
      '    Nodes (9 bits per level, 6 levels) ptr=[4] skip=5',
    ]);
    expect(lines.slice(-9)).toEqual(
      [
        '\t  0..31   skip=0  ptr=#1',
        '\t 32..127  skip=1  ptr=NIL',
        '\t128       skip=1  ptr=[5]',
        '\t129..135  skip=0  ptr=#5',
        '\t136..511  skip=1  ptr=NIL',
        '      [5]',
        '\t  0       skip=0  ptr=#2',
        '\t  1..511  skip=0  ptr=#5',
      ].toSpliced(0, 0, '      [4]'),
    );
    expect(lines.filter((line) => line.startsWith('      ['))).toHaveLength(6);
  });

  test('Q18: the labels of sections 1 to 3 go by number alone, whatever the sections are', () => {
    const names = ['a', 'b', 'c', 'd'];
    const tree = treeOf(board(...names.map((name, index) => at(index * 0x1000, io(name, 0x1000)))));
    expect(
      dispatchLines(tree)
        .slice(2, 7)
        .map((line) => line.replace(/^.*\.\.\S+ /, '')),
    ).toEqual(['(noname) [unassigned]', 'a [not dirty]', 'b [ROM]', 'c [watch]', 'd']);
    expect(dispatchJsonOf(tree).sections[1]).not.toHaveProperty('label');
  });

  test('the root of the view and IOMMUs are marked, those by the names that QEMU gives to them', () => {
    const shown = (root: MemoryRegion): string | undefined =>
      dispatchLines(treeOf(root))[3]?.replace(/^.*\.\.\S+ /, '');
    expect(shown(io('io', 0x1000))).toBe('io [not dirty] [ROOT]');
    expect(shown(io('iommu-sun4m', TOP))).toBe('iommu-sun4m [not dirty] [ROOT] [iommu]');
    const mine = MemoryRegion.iommu('mine', TOP, new IommuTable(new AddressSpace('memory')));
    expect(shown(mine)).toBe('mine [not dirty] [ROOT] [iommu]');
    expect(shown(io('amd_iommu_ir', 0x1000))).toBe('amd_iommu_ir [not dirty] [ROOT]');
    expect(shown(ram('iommu-sun4m', 0x1000))).toBe('iommu-sun4m [not dirty] [ROOT]');
  });

  test('as JSON: the same numbers, null for what QEMU has no name for', () => {
    const json = dispatchJsonOf(treeOf(example));
    expect(json).toMatchObject({ pageBits: 12, levels: 6, root: { skip: 5, node: 4 } });
    expect(json.sections.slice(2, 4)).toEqual([
      { start: '0x10000000', last: '0x10000fff', name: null, root: false, iommu: false },
      { start: '0x10000000', last: '0x100000ff', name: 'uart', root: false, iommu: false },
    ]);
    expect(json.nodes[4]!.slice(0, 3)).toEqual([
      { first: 0, last: 31, skip: 0, section: 1 },
      { first: 32, last: 127, skip: 1, node: null },
      { first: 128, last: 128, skip: 1, node: 5 },
    ]);
  });
});

test.each([7, 19, 12.5, Number.NaN])('page bits of %s are refused', (pageBits) => {
  expect(messageOf(() => treeOf(board(), pageBits))).toMatch(
    /^INVALID_ARGUMENT: page bits must be a whole number from 8 to 18, got /,
  );
});

test('more sections than QEMU can number are refused, and one less is made at once', () => {
  const { root, ranges } = renderFlatView(io('part', 0x1000));
  const part = (index: number): FlatRange => ({ ...ranges[0]!, start: BigInt(index) << 20n });
  const parts = (count: number): FlatView =>
    new FlatView(root, RangeList.from(Array.from({ length: count }, (_, index) => part(index))));
  expect(dispatchTreeOf(parts(65_535)).sections).toHaveLength(65_536);
  expect(messageOf(() => dispatchTreeOf(parts(65_536)))).toMatch(
    /^RENDER_TOO_LARGE: the view of 'part' has more than 65536 sections/,
  );
});

/** Whom QEMU asks: down the nodes, then whether what is found covers the address, then the parts of a shared page. */
function walk(tree: DispatchTree, address: bigint): MemoryRegion | null {
  const page = address >> BigInt(tree.pageBits);
  let entry = tree.root;
  let level = tree.levels;
  while (entry.skip > 0 && entry.pointer !== null) {
    level -= entry.skip;
    const index = Number((page >> BigInt(9 * level)) & 511n);
    entry = tree.nodes[entry.pointer]!.find(({ first, last }) => first <= index && index <= last)!;
  }
  const covers = ({ start, last }: DispatchSection): boolean => start <= address && address <= last;
  const found = entry.pointer === null ? undefined : tree.sections[entry.pointer];
  if (found === undefined || !covers(found)) return null;
  if (found.region !== null || found === tree.sections[0]) return found.region;
  return (
    tree.sections.slice(tree.sections.indexOf(found)).find((part) => part.region !== null && covers(part))
      ?.region ?? null
  );
}

test('whatever the layout and the page size, a walk finds what the flat view says, at every edge', () => {
  const span = fc.oneof(
    fc.bigInt(1n, 0x4000n),
    fc.bigInt(1n, 1n << 34n),
    fc.constant(0x1000n),
    fc.constant(1n << 30n),
  );
  const start = fc.oneof(
    fc.bigInt(0n, 0x8000n),
    fc.bigInt(0n, TOP - 1n),
    fc.bigInt(0n, 0xffffn).map((n) => n << 21n),
  );
  const layouts = fc.array(fc.record({ start, span }), { maxLength: 12 });
  fc.assert(
    fc.property(layouts, fc.integer({ min: 8, max: 18 }), (pieces, pageBits) => {
      const view = renderFlatView(
        board(...pieces.map((piece, index) => at(piece.start, io(`r${index}`, piece.span)))),
      );
      const tree = dispatchTreeOf(view, pageBits);
      const edges = pieces.flatMap((piece) => [
        piece.start - 1n,
        piece.start,
        piece.start + piece.span - 1n,
        piece.start + piece.span,
      ]);
      for (const edge of [0n, TOP - 1n, ...edges].map((address) => BigInt.asUintN(64, address))) {
        expect(walk(tree, edge), edge.toString(16)).toBe(rangeAt(view, edge)?.region ?? null);
      }
      for (const node of tree.nodes) {
        expect(
          node.reduce((next, { first, last }) => (first === next && last >= first ? last + 1 : -1), 0),
        ).toBe(512);
      }
    }),
  );
});
