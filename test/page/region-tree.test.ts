/** The tree that the page draws is the monitor's, and the path that it shows leads to what answers. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rangeFrom } from '../../src/http/page/flat-views.js';
import { barOf, snapped } from '../../src/http/page/movable.js';
import { pathAt, pathText } from '../../src/http/page/region-path.js';
import { sectionsOf, textOf } from '../../src/http/page/region-tree.js';
import type { MachineState, Region, View } from '../../src/http/page/types.d.ts';
import { Service } from '../../src/http/service.ts';
import { type Ask, askOf } from '../http/service-fixture.ts';

const MACHINES = [
  'booted-q35-default',
  'q35-intel-iommu',
  'raspi3b',
  'aarch64-virt-highmem-on-6g',
  'm68k-q800',
];

let service: Service;
let ask: Ask;
beforeAll(async () => {
  service = await new Service({ dearRequestsPerSecond: 0 }).ready();
  ask = askOf(service);
  for (const machine of MACHINES) await ask('POST', '/v1/machines', { id: machine, machine });
});
afterAll(() => service.close());

async function shown(id: string) {
  const url = `/v1/machines/${id}`;
  const state: MachineState = (await ask('GET', url)).body;
  const regions: Region[] = (await ask('GET', `${url}/regions`)).body;
  const views: View[] = (await ask('GET', `${url}/views`)).body.views.map((view: { ranges: [] }) => ({
    ...view,
    ranges: view.ranges.map(rangeFrom),
  }));
  return { url, state, views, regions: new Map(regions.map((region) => [region.id, region])) };
}

describe.each(MACHINES)('of %s', (id) => {
  test('the tree is what info mtree -D prints', async () => {
    const { url, state, regions } = await shown(id);
    const text = textOf(sectionsOf(regions, state.addressSpaces));
    expect(text).toBe((await ask('GET', `${url}/mtree?format=text&disabled=true`)).text);
  });

  test('the path at each end of each range leads to its region', async () => {
    const { state, views, regions } = await shown(id);
    let paths = 0;
    for (const { addressSpaces, ranges } of views) {
      const root = state.addressSpaces.find((space) => space.id === addressSpaces[0])!.root;
      for (const { start, last, region } of ranges) {
        for (const address of [start, last]) expect(pathAt(regions, root, address).at(-1)?.id).toBe(region);
        paths += 1;
      }
    }
    expect(paths).toBeGreaterThan(5);
  });
});

describe('of a PC', () => {
  const idOf = (regions: ReadonlyMap<string, Region>, name: string): string =>
    [...regions.values()].find((region) => region.name === name)!.id;

  test('a path names containers and aliases', async () => {
    const { state, regions } = await shown('booted-q35-default');
    const root = state.addressSpaces.find(({ name }) => name === 'memory')!.root;
    expect(pathText(pathAt(regions, root, 0xfebd_4410n))).toBe(
      'system › pci › vga.mmio › vga ioports remapped',
    );
    expect(pathText(pathAt(regions, root, 0x1000n))).toBe('system › ram-below-4g ⇢ pc.ram');
    expect(pathAt(regions, root, 0x9000_0000n)).toEqual([]);
  });

  test('a BAR is moved as a whole, by its natural alignment, within its container', async () => {
    const { state, regions } = await shown('booted-q35-default');
    const root = state.addressSpaces.find(({ name }) => name === 'memory')!.root;
    const bar = barOf(regions, idOf(regions, 'msix-table'), root)!;
    expect(bar).toMatchObject({ region: { name: 'e1000e-msix' }, start: 0xfebd_0000n, step: 0x4000n });
    expect(snapped(bar, 0xe000_1234n)).toBe(0xe000_0000n);
    expect(snapped(bar, -1n)).toBe(0n);
    expect(snapped(bar, 1n << 64n)).toBe((1n << 64n) - 0x4000n);
    expect(barOf(regions, idOf(regions, 'hpet'), root)).toMatchObject({
      region: { name: 'hpet' },
      step: 0x1000n,
    });
  });

  test('what an alias shows, and a root, cannot be moved', async () => {
    const { state, regions } = await shown('booted-q35-default');
    const root = state.addressSpaces.find(({ name }) => name === 'memory')!.root;
    for (const name of ['pc.ram', 'system', 'ram-below-4g', 'dma-chan'])
      expect(barOf(regions, idOf(regions, name), root)).toBe(null);
  });
});
