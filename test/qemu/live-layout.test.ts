/** From one layout to any other by mutators, in one transaction: the result is as if it had been built. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AddressSpace } from '../../src/model/address-space.ts';
import type { MemoryRegion } from '../../src/model/memory-region.ts';
import { registerParticipant, unregisterParticipant } from '../../src/model/transaction.ts';
import { flatJsonOf } from '../../src/qemu/flat-json.ts';
import { buildLayout, layoutFromJson } from '../../src/qemu/layout-file.ts';
import { LiveLayout } from '../../src/qemu/live-layout.ts';
import type { LayoutState } from '../../src/qemu/region-record.ts';
import { BenchMachine } from '../support/bench-machine.ts';
import { randomLayout } from '../support/random-tree.ts';
import { treeState } from '../support/tree-state.ts';

/** All that is visible of a layout's regions, by the ids of the document instead of ours. */
function described(regionsById: ReadonlyMap<string, MemoryRegion>, spaces: readonly AddressSpace[]): unknown {
  const idOf = new Map([...regionsById].map(([id, region]) => [region, id]));
  const regions = [...regionsById].map(([id, region]) => [
    id,
    {
      is: [
        region.kind,
        region.name,
        region.owner,
        region.size,
        region.enabled,
        region.readonly,
        region.nonvolatile,
      ],
      romd: region.kind === 'rom-device' && region.romd,
      place: [region.container && idOf.get(region.container), region.address, region.priority],
      shows: [region.aliasTarget && idOf.get(region.aliasTarget), region.aliasOffset],
      children: region.children.map((child) => idOf.get(child)),
      seenBy: [...region.links.seenBy].map((alias) => idOf.get(alias)).sort(),
    },
  ]);
  return {
    regions: Object.fromEntries(regions),
    spaces: spaces.map(({ name, root }) => [name, root && idOf.get(root)]),
  };
}

const builtState = (layout: LayoutState): unknown => {
  const { regionsById, addressSpaces } = buildLayout(layout);
  return described(regionsById, addressSpaces);
};

test('any layout is reached from any other, exactly, with the order of all children', () => {
  fc.assert(
    fc.property(fc.array(randomLayout(), { minLength: 2, maxLength: 5 }), (layouts) => {
      const live = new LiveLayout();
      for (const layout of layouts) {
        live.apply(layout);
        expect(described(live.regionsById, live.addressSpaces)).toEqual(builtState(layout));
        expect(live.apply(layout).mutations).toBe(0);
      }
    }),
    { numRuns: 300 },
  );
});

test('a step that is refused leaves tree, address spaces and regions as they were', () => {
  fc.assert(
    fc.property(randomLayout(), randomLayout(), (first, second) => {
      const live = new LiveLayout();
      live.apply(first);
      const regions = [...live.regionsById.values()];
      const spaces = live.addressSpaces;
      const before = treeState(regions, spaces);
      const refusing = {
        prepare: (): never => {
          throw new Error('refused');
        },
      };
      registerParticipant(refusing);
      try {
        live.apply(second);
      } catch (error) {
        expect(error).toMatchObject({ message: 'refused' });
        expect(treeState(regions, spaces)).toEqual(before);
        expect([...live.regionsById.values()]).toEqual(regions);
        expect(live.addressSpaces).toEqual(spaces);
      } finally {
        unregisterParticipant(refusing);
      }
      live.apply(second);
      expect(described(live.regionsById, live.addressSpaces)).toEqual(builtState(second));
    }),
    { numRuns: 100 },
  );
});

const layout = (regions: object[], addressSpaces: object[] = []): LayoutState =>
  layoutFromJson({ format: 'flatview-layout/1', regions, addressSpaces }, 'test layout');

const child = (id: string, offset = '0x0', priority = 0): object => ({ id, offset, priority });
const byId = (live: LiveLayout, id: string): MemoryRegion => live.regionsById.get(id)!;

describe('a region', () => {
  const ram = { id: 'x', name: 'x', kind: 'ram', size: 16 };

  test.each<[string, object, object, boolean]>([
    [
      'stays itself when its flags change',
      ram,
      { ...ram, readonly: true, enabled: false, nonvolatile: true },
      true,
    ],
    [
      'stays itself when a window is resized',
      { ...ram, kind: 'container' },
      { ...ram, kind: 'container', size: 8 },
      true,
    ],
    ['is made anew when RAM is resized', ram, { ...ram, size: 32 }, false],
    ['is made anew when its kind changes', ram, { ...ram, kind: 'io' }, false],
    ['is made anew when its name changes', ram, { ...ram, name: 'y' }, false],
    ['is made anew when its owner changes', ram, { ...ram, owner: 'dev' }, false],
  ])('%s', (_what, before, after, same) => {
    const live = new LiveLayout();
    live.apply(layout([before]));
    const region = byId(live, 'x');
    live.apply(layout([after]));
    expect(byId(live, 'x') === region).toBe(same);
  });

  test('that is made anew takes its place in container, aliases and address spaces', () => {
    const others = [
      { id: 'c', name: 'c', kind: 'container', size: 64, children: [child('a', '0x20'), child('x')] },
      { id: 'a', name: 'a', kind: 'alias', size: 16, alias: { target: 'x', offset: '0x0' } },
    ];
    const spaces = [
      { name: 'all', root: 'c' },
      { name: 'part', root: 'x' },
    ];
    const live = new LiveLayout();
    live.apply(layout([...others, ram], spaces));
    const before = byId(live, 'x');
    live.apply(layout([...others, { ...ram, kind: 'io' }], spaces));
    expect(before).toMatchObject({ container: null, isMapped: false });
    expect(before.links.inUse).toBe(false);
    expect(byId(live, 'a').aliasTarget).toBe(byId(live, 'x'));
    expect(
      flatJsonOf(live.addressSpaces).map(({ ranges }) => ranges.map(({ start, type }) => `${start} ${type}`)),
    ).toEqual([['0x0 i/o', '0x20 i/o'], ['0x0 i/o']]);
  });

  test('in no container keeps address and priority as told', () => {
    const live = new LiveLayout();
    live.apply(layout([{ ...ram, address: '0x10', priority: 3 }]));
    expect(byId(live, 'x')).toMatchObject({ address: 16n, priority: 3 });
    live.apply(layout([{ ...ram, address: '0x20', priority: -3 }]));
    expect(byId(live, 'x')).toMatchObject({ address: 32n, priority: -3, container: null });
    live.apply(layout([{ ...ram, address: '0x30', priority: -3 }]));
    expect(byId(live, 'x')).toMatchObject({ address: 48n, priority: -3 });
  });

  test('that moves costs one mutation', () => {
    const at = (offset: string): LayoutState =>
      layout([{ id: 'c', name: 'c', kind: 'container', size: 64, children: [child('x', offset)] }, ram]);
    const live = new LiveLayout();
    live.apply(at('0x0'));
    expect(live.apply(at('0x8'))).toEqual({ mutations: 1 });
  });
});

describe('address spaces', () => {
  const regions = ['x', 'y'].map((id) => ({ id, name: id, kind: 'ram', size: 16 }));

  test('are recognised by name and root, then by name; others come and go', () => {
    const log: string[] = [];
    const live = new LiveLayout({
      host: {
        addAddressSpace: ({ name, root }) => log.push(`+${name} ${root?.name}`),
        removeAddressSpace: ({ name, root }) => log.push(`-${name} ${root?.name}`),
      },
    });
    live.apply(
      layout(regions, [
        { name: 'dma', root: 'x' },
        { name: 'dma', root: 'y' },
        { name: 'io', root: null },
      ]),
    );
    const [dmaX, dmaY] = live.addressSpaces;
    expect(log.splice(0)).toEqual(['+dma undefined', '+dma undefined', '+io undefined']);
    live.apply(
      layout(regions, [
        { name: 'dma', root: 'y' },
        { name: 'dma', root: null },
        { name: 'new', root: 'x' },
      ]),
    );
    expect(live.addressSpaces.slice(0, 2)).toEqual([dmaY, dmaX]);
    expect(dmaX!.root).toBeNull();
    expect(log).toEqual(['+new undefined', '-io undefined']);
  });

  test('that were added are taken back if the transaction fails', () => {
    const log: string[] = [];
    const live = new LiveLayout({
      host: {
        addAddressSpace: ({ name }) => log.push(`+${name}`),
        removeAddressSpace: ({ name }) => log.push(`-${name}`),
      },
    });
    const mirror = { id: 'a', name: 'a', kind: 'alias', size: 16, alias: { target: 'c', offset: 0 } };
    const endless = [{ id: 'c', name: 'c', kind: 'container', size: 16, children: [child('a')] }, mirror];
    expect(() => live.apply(layout(endless, [{ name: 'memory', root: 'c' }]))).toThrow(
      /INVALID_LAYOUT: test layout: ALIAS_CYCLE: region '[ac]' would show itself at its own place/,
    );
    expect(log).toEqual(['+memory', '-memory']);
    expect(live.addressSpaces).toEqual([]);
  });
});

test('devices are asked for by record, for what has registers only', () => {
  const asked: string[] = [];
  const kinds = ['container', 'io', 'ram', 'rom-device'];
  buildLayout(layout(kinds.map((kind) => ({ id: kind, name: kind, kind, size: 1 }))), ({ id }) => {
    asked.push(id);
    return null;
  });
  expect(asked).toEqual(['io', 'rom-device']);
});

test('a capture repeats names, which its RAM blocks cannot: each gets an id that is free', () => {
  const machine = new BenchMachine();
  const live = new LiveLayout({
    host: {
      addAddressSpace: (space) => machine.publisher.add(space),
      removeAddressSpace: (space) => machine.publisher.remove(space),
    },
  });
  const rom = (id: string, size: number) => ({ id, name: 'rom', kind: 'ram', size });
  const state = (size: number): LayoutState => {
    const children = ['a', 'b'].map((id, index) => ({ id, offset: index * 0x1000, priority: 0 }));
    const bus = { id: 'bus', name: 'bus', kind: 'container', size: 0x2000, children };
    return layout([bus, rom('a', size), rom('b', 8)], [{ name: 'memory', root: 'bus' }]);
  };
  live.apply(state(8));
  live.apply(state(16)); // the region before has its bytes still
  expect([...machine.ram.backedRegions].map(([region]) => machine.ram.idOf(region))).toEqual([
    'rom',
    'rom[1]',
    'rom[2]',
  ]);
  machine.close();
});
