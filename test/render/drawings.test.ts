/** Rules of visibility as drawings; one letter a page, see test/support/drawing.ts. */
import { describe, expect, test } from 'vitest';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { renderFlatView } from '../../src/render/render.ts';
import { flatViewsEqual } from '../../src/render/view-difference.ts';
import { at, container, draw, io, ram, rangesOf } from '../support/drawing.ts';

describe('who is visible', () => {
  test('a hole in a container shows what lies beneath', () => {
    const b = container('B', 0x4000, [at(0x0000, io('D', 0x1000)), at(0x2000, io('E', 0x1000))]);
    const tree = container('A', 0x8000, [at(0x0000, io('C', 0x6000), 1), at(0x2000, b, 2)]);
    expect(draw(tree)).toBe('CCDCEC..'); // the worked example of QEMU's memory.rst
  });

  test('a region with contents of its own has no holes', () => {
    const b = io('B', 0x4000, [at(0x0000, io('D', 0x1000)), at(0x2000, io('E', 0x1000))]);
    const tree = container('A', 0x8000, [at(0x0000, io('C', 0x6000), 1), at(0x2000, b, 2)]);
    expect(draw(tree)).toBe('CCDBEB..');
  });

  test.each<[string, number, number, string]>([
    ['the higher priority wins', 1, 2, 'AABB'],
    ['the lower priority loses', 2, 1, 'AAAB'],
    ['a negative priority is below 0', 0, -1, 'AAAB'],
    ['among equals the one added last wins', 0, 0, 'AABB'],
  ])('%s', (_rule, priorityA, priorityB, drawing) => {
    const tree = container('T', 0x4000, [
      at(0, io('A', 0x3000), priorityA),
      at(0x2000, io('B', 0x2000), priorityB),
    ]);
    expect(draw(tree)).toBe(drawing);
  });

  test('priorities count among siblings only', () => {
    const inner = container('I', 0x2000, [at(0, io('B', 0x2000), 100)]);
    expect(draw(container('T', 0x3000, [at(0, io('A', 0x2000), 1), at(0x1000, inner, 0)]))).toBe('AAB');
  });

  test('a moved region comes to the front of its equals', () => {
    const a = io('A', 0x2000);
    const tree = container('T', 0x4000, [at(0, a), at(0x1000, io('B', 0x2000))]);
    expect(draw(tree)).toBe('ABB.');
    a.setAddress(0x2000);
    expect(draw(tree)).toBe('.BAA');
  });

  test('a disabled region hides itself and its children, and uncovers what is beneath', () => {
    const b = io('B', 0x2000, [at(0, io('C', 0x1000))]);
    const tree = container('T', 0x3000, [at(0, ram('A', 0x3000)), at(0x1000, b, 1)]);
    expect(draw(tree)).toBe('ACB');
    b.setEnabled(false);
    expect(draw(tree)).toBe('AAA');
  });

  test('children are clipped to their container, at both ends of the address space too', () => {
    const tree = container('T', 0x3000, [at(0x1000, container('C', 0x1000, [at(0, io('A', 0x5000))]))]);
    expect(draw(tree)).toBe('.A.');
    const wide = container('W', 1n << 64n, [at((1n << 64n) - 0x1000n, io('A', 0x5000))]);
    expect(rangesOf(wide)).toEqual(['fffffffffffff000-ffffffffffffffff A+0']);
  });

  test('a region of size 0 shows nothing, one of 2^64 everything', () => {
    expect(rangesOf(container('T', 0x1000, [at(0, io('A', 0))]))).toEqual([]);
    expect(rangesOf(container('T', 1n << 64n, [at(0, ram('A', 1n << 64n))]))).toEqual([
      '0-ffffffffffffffff A+0',
    ]);
  });
});

describe('aliases', () => {
  const target = (): MemoryRegion =>
    container('target', 0x4000, [
      at(0, io('A', 0x1000)),
      at(0x1000, io('B', 0x1000)),
      at(0x3000, io('C', 0x1000)),
    ]);

  test('show a part of their target, with its holes, wherever the target itself is', () => {
    const shown = target();
    const tree = container('T', 0x6000, [
      at(0x4000, shown, -1),
      at(0, MemoryRegion.alias('x', shown, 0x1000, 0x3000)),
    ]);
    expect(draw(tree)).toBe('B.C.AB');
  });

  test('beyond the end of the target show nothing', () => {
    const tree = container('T', 0x3000, [at(0, MemoryRegion.alias('x', target(), 0x3000, 0x3000))]);
    expect(draw(tree)).toBe('C..');
  });

  test('of aliases are clipped at each step', () => {
    const first = MemoryRegion.alias('x', target(), 0, 0x2000);
    const tree = container('T', 0x4000, [at(0, MemoryRegion.alias('y', first, 0x1000, 0x3000))]);
    expect(draw(tree)).toBe('B...');
  });

  test('with a negative offset show the end of a target of 2^64', () => {
    const whole = container('W', 1n << 64n, [at((1n << 64n) - 0x1000n, io('A', 0x1000))]);
    const tree = container('T', 0x4000, [at(0x1000, MemoryRegion.alias('x', whole, -0x2000, 0x3000))]);
    expect(draw(tree)).toBe('..A.');
  });

  test('pass their flags on, and not beside them', () => {
    const shown = ram('R', 0x1000);
    const alias = MemoryRegion.alias('x', shown, 0, 0x1000, { readonly: true, nonvolatile: true });
    expect(rangesOf(container('T', 0x2000, [at(0, shown), at(0x1000, alias)]))).toEqual([
      '0-fff R+0',
      '1000-1fff R+0 ro nv',
    ]);
  });

  test('of a disabled target show nothing', () => {
    const shown = ram('R', 0x1000, [], { enabled: false });
    expect(draw(container('T', 0x1000, [at(0, MemoryRegion.alias('x', shown, 0, 0x1000))]))).toBe('.');
  });

  test('may mirror another part of the container they are in, as the I/O space of a Macintosh Quadra', () => {
    const tree = container('T', 0x4000, [at(0, io('A', 0x1000)), at(0x1000, io('B', 0x1000))]);
    tree.addSubregion(0x2000, MemoryRegion.alias('mirror', tree, 0, 0x2000));
    expect(draw(tree)).toBe('ABAB');
  });
});

describe('flat ranges', () => {
  test('the worked example of the specification: priorities, a nested window, a read-only shadow', () => {
    const dram = ram('dram', 0x10000);
    const win = container('win', 0x4000, [at(0, io('a', 0x800)), at(0x3800, io('b', 0x800))]);
    const shadow = MemoryRegion.alias('shadow', dram, 0x100, 0x1000, { readonly: true });
    const bus = container('bus', 0x10000, [at(0, dram), at(0x4000, win, 2), at(0x9000, shadow, 1)]);
    expect(rangesOf(bus)).toEqual([
      '0-3fff dram+0',
      '4000-47ff a+0',
      '4800-77ff dram+4800',
      '7800-7fff b+0',
      '8000-8fff dram+8000',
      '9000-9fff dram+100 ro',
      'a000-ffff dram+a000',
    ]);
  });

  test('neighbours that continue each other are one, whatever way they come', () => {
    const shown = ram('R', 0x2000);
    const halves = [0, 0x1000].map((offset) => at(offset, MemoryRegion.alias('half', shown, offset, 0x1000)));
    expect(rangesOf(container('T', 0x2000, halves))).toEqual(['0-1fff R+0']);
  });

  test.each([
    [
      'the region itself',
      [true, false, false],
      ['0-fff R+0 um', '1000-1fff R+1000 um', '2000-2fff R+2000 um'],
    ],
    [
      'the way to one of three',
      [false, true, false],
      ['0-fff R+0', '1000-1fff R+1000 um', '2000-2fff R+2000'],
    ],
    ['the way to the last', [false, false, true], ['0-1fff R+0', '2000-2fff R+2000 um']],
  ])('neighbours are not joined where %s is unmergeable', (_what, [region, second, third], ranges) => {
    const shown = ram('R', 0x3000, [], { unmergeable: region! });
    const part = (offset: number, unmergeable = false) =>
      at(offset, MemoryRegion.alias('part', shown, offset, 0x1000, { unmergeable }));
    const tree = container('T', 0x3000, [part(0), part(0x1000, second), part(0x2000, third)]);
    expect(rangesOf(tree)).toEqual(ranges);
  });

  test('setUnmergeable divides what was one range, and joins it again', () => {
    const shown = ram('R', 0x2000);
    const halves = [0, 0x1000].map((offset) => at(offset, MemoryRegion.alias('half', shown, offset, 0x1000)));
    const tree = container('T', 0x2000, halves);
    const before = renderFlatView(tree);
    shown.setUnmergeable(true);
    expect(rangesOf(tree)).toEqual(['0-fff R+0 um', '1000-1fff R+1000 um']);
    expect(flatViewsEqual(before, renderFlatView(tree))).toBe(false);
    shown.setUnmergeable(false);
    expect(rangesOf(tree)).toEqual(['0-1fff R+0']);
  });

  test('neighbours with other flags or other offsets stay apart', () => {
    const shown = ram('R', 0x2000);
    const readonly = MemoryRegion.alias('half', shown, 0x1000, 0x1000, { readonly: true });
    const again = MemoryRegion.alias('again', shown, 0x1000, 0x1000);
    const tree = container('T', 0x3000, [
      at(0, MemoryRegion.alias('half', shown, 0, 0x1000)),
      at(0x1000, readonly),
      at(0x2000, again),
    ]);
    expect(rangesOf(tree)).toEqual(['0-fff R+0', '1000-1fff R+1000 ro', '2000-2fff R+1000']);
  });

  test('a root is rendered at its own address', () => {
    expect(rangesOf(ram('R', 0x1000, [], { address: 0x5000 }))).toEqual(['5000-5fff R+0']);
  });

  test('a ROM device tells whether reads go straight to its bytes', () => {
    const flash = MemoryRegion.romDevice('flash', 0x1000, null);
    const tree = container('T', 0x1000, [at(0, flash)]);
    expect(rangesOf(tree)).toEqual(['0-fff flash+0 romd']);
    flash.setRomd(false);
    expect(rangesOf(tree)).toEqual(['0-fff flash+0']);
  });

  test('without a root there is nothing', () => {
    expect(rangesOf(null)).toEqual([]);
  });
});
