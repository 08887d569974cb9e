/** Our dispatch trees are QEMU's, line by line: sections, nodes, numbers, also of nodes that nothing reaches. */
import { describe, expect, test } from 'vitest';
import { PAGE_BITS_DEFAULT, PAGE_BITS_MAX, PAGE_BITS_MIN } from '../../src/qemu/dispatch-tree.ts';
import { buildLayout, parseLayout } from '../../src/qemu/layout-file.ts';
import { printFlatViews } from '../../src/qemu/mtree-printer.ts';
import { machineCaptures, textCaptures } from '../support/captures.ts';
import { views } from '../support/monitor-views.ts';

const layouts = new Map(machineCaptures().map(({ name, text }) => [name, text]));

/** Without what depends on the accesses before. */
const withoutAccesses = (text: string): string => text.replaceAll(' [MRU]', '');

/** The text does not say how large pages are, so they are tried, the likely ones first. */
function pageBitsThatPrint(name: string, captured: string): number | undefined {
  const { addressSpaces } = buildLayout(parseLayout(layouts.get(name)!, name));
  const wanted = views(withoutAccesses(captured)).join('\n');
  const all = Array.from({ length: PAGE_BITS_MAX - PAGE_BITS_MIN + 1 }, (_, index) => PAGE_BITS_MIN + index);
  return [PAGE_BITS_DEFAULT, ...all].find(
    (dispatchPageBits) => views(printFlatViews(addressSpaces, { dispatchPageBits })).join('\n') === wanted,
  );
}

const texts = textCaptures().flatMap(({ name, read }) => {
  const captured = layouts.has(name) ? read('mtree-f-d') : undefined;
  return captured === undefined ? [] : [{ name, captured }];
});

test('there are captures of pages of 2^8, 2^10 and 2^12 bytes, and of IOMMUs, also without the shared folder', () => {
  expect(texts.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['avr-uno', 'realview-eb', 's390x-ccw-virtio', 'aarch64-virt-smmuv3-pcie']),
  );
});

describe('dispatch trees equal to what QEMU 7.2 printed', () => {
  const smallPages = new Map([
    ['avr-uno', 8],
    ['mps2-an521', 10],
    ['raspi3b', 10],
    ['realview-eb', 10],
  ]);
  test.each(texts)('$name', ({ name, captured }) => {
    expect(pageBitsThatPrint(name, captured)).toBe(smallPages.get(name) ?? PAGE_BITS_DEFAULT);
  });
});
