/** The benchmark's rows: that they are there, and that what they measure answers as it should. No timing. */
import { describe, expect, test } from 'vitest';
import { accessPlans } from '../../bench/access.ts';
import { alternativePlans } from '../../bench/alternative.ts';
import { commitsAmong } from '../../bench/commit.ts';
import { type Lookups, manyLookups, mixLookups } from '../../bench/lookup.ts';
import { mapSizes } from '../../bench/map-size.ts';
import { mmioPlans } from '../../bench/mmio.ts';
import { namesOnly, rowsUnder } from '../../bench/rows.ts';
import { MIX_WINDOWS, mixStream } from '../../bench/support/mix.ts';
import { PacedVcpus } from '../../bench/support/paced-vcpus.ts';
import { expectedSum } from '../../bench/support/stream.ts';
import { MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { findSection, sectionCovers } from '../../src/dispatch/find-section.ts';
import { CELL_UNASSIGNED } from '../../src/layout/map-entry.ts';

const CONTRACT_ROWS = [
  ...['limit/typed-array-random', 'limit/typed-array-sequential', 'limit/wake-up'],
  ...['access/random-mix', 'access/random-mix-2vcpu', 'access/sequential', 'access/write-sequential'],
  ...['access/atomic-add', 'access/port-io'],
  ...['mmio/local', 'mmio/local-2vcpu', 'mmio/local-locked', 'mmio/homed-awake', 'mmio/homed-asleep'],
  ...['mmio/local-own', 'mmio/local-2devices-2vcpu', 'mmio/ioeventfd', 'mmio/coalesced'],
  ...['churn/readers-quiet', 'churn/readers-spinning', 'churn/readers-10000', 'churn/million'],
  ...['scale/sections-65536', 'scale/lookup-65536', 'scale/spaces-64', 'scale/grace-256', 'scale/slots-256'],
  ...['lookup/radix', 'lookup/radix-10000', 'grace/latency', 'attach/vcpu'],
  ...[10, 100, 1000, 10_000].flatMap((count) => [
    `commit/bar-move-${count}`,
    `commit/enable-toggle-${count}`,
    `render/full-${count}`,
  ]),
];

describe('rows', () => {
  test.each(CONTRACT_ROWS)('%s is there, once', (name) => {
    expect(rowsUnder(name).filter((row) => row.name === name)).toHaveLength(1);
  });

  test('a prefix chooses rows in the order of the report', () => {
    expect(rowsUnder('mmio/homed').map(({ name }) => name)).toEqual([
      'mmio/homed-awake',
      'mmio/homed-asleep',
    ]);
  });

  test.each(['', 'churn/', 'scale/slots'])("what takes minutes is not under the prefix '%s'", (prefix) => {
    const names = () => rowsUnder(prefix).map(({ name }) => name);
    if (prefix === 'scale/slots') expect(names).toThrow(/INVALID_ARGUMENT/);
    else expect(namesOnly.filter((name) => names().includes(name))).toEqual([]);
  });

  test('a prefix of no row is refused with the groups that there are', () => {
    expect(() => rowsUnder('acess')).toThrow(/INVALID_ARGUMENT.*'acess'.*access\//);
  });
});

describe('the mix', () => {
  const stream = mixStream();
  const addresses = Array.from(stream.los, (lo, i) => stream.his[i]! * 2 ** 32 + (lo >>> 0));

  test('is 65,536 aligned addresses, the same in every run', () => {
    expect(addresses).toHaveLength(65_536);
    expect(addresses.every((address) => address % 4 === 0)).toBe(true);
    expect(mixStream().los).toEqual(stream.los);
  });

  test.each(MIX_WINDOWS)('draws $share of them from $name', ({ share, start, count, regionBytes }) => {
    const inside = addresses.filter((address) => address >= start && address < start + count * regionBytes);
    expect(Math.abs(inside.length / addresses.length - share)).toBeLessThan(0.005);
    const regions = new Set(inside.map((address) => Math.floor((address - start) / regionBytes)));
    expect(regions.size).toBe(count);
  });
});

describe('one pass of', () => {
  test.each(Object.entries({ ...accessPlans, ...mmioPlans, ...alternativePlans }))(
    '%s answers as the stream says',
    async (_name, of) => {
      const plan = of();
      const vcpus = await PacedVcpus.start({ ...plan, rounds: 1 });
      try {
        await vcpus.turn();
        const expected = (vcpu: number): number =>
          plan.kind.startsWith('load') ? expectedSum(plan.streams?.[vcpu] ?? plan.stream) : MEMTX_OK;
        expect(vcpus.sums).toEqual(Array.from({ length: plan.vcpus ?? 1 }, (_, vcpu) => expected(vcpu)));
        expect(vcpus.wallNs).toBeGreaterThan(0);
      } finally {
        await vcpus.close();
      }
    },
  );
});

describe('lookups', () => {
  test.each<[string, () => Lookups]>([
    ['the mix', mixLookups],
    ['10,000 sections', () => manyLookups(10_000)],
  ])('in %s find a section that covers the address', async (_name, of) => {
    const { arena, mapRoot, his, los, close } = of();
    const wrong = Array.from(los.keys()).filter((i) => {
      const cell = findSection(arena, mapRoot, his[i]!, los[i]!);
      return cell === CELL_UNASSIGNED || !sectionCovers(arena, cell, his[i]!, los[i]!);
    });
    await close();
    expect(wrong).toEqual([]);
  });
});

describe('map sizes', () => {
  test('q35 weighs less than in nodes of 1024 with byte tables, each view and all together', async () => {
    const { views, mapBytes, otherBytes } = await mapSizes('q35');
    expect(views.map(({ addressSpace }) => addressSpace)).toContain('I/O');
    for (const view of views) expect(view.mapBytes).toBeLessThan(view.otherBytes);
    expect(otherBytes).toBe(views.reduce((sum, view) => sum + view.otherBytes, 0));
    expect(mapBytes).toBeLessThan(otherBytes);
  });

  test('a node counts once, however many views reach it', async () => {
    const { views, mapBytes } = await mapSizes('q35');
    expect(mapBytes).toBeGreaterThanOrEqual(Math.max(...views.map((view) => view.mapBytes)));
    expect(mapBytes).toBeLessThanOrEqual(views.reduce((sum, view) => sum + view.mapBytes, 0));
  });
});

describe('commits', () => {
  test('one commit moves the BAR in all of 64 address spaces on one root', async () => {
    const { machine, move } = commitsAmong(10, 64);
    const views = () => machine.addressSpaces.map((space) => machine.flatViewOf(space));
    const before = views();
    const { publications } = machine.gauges;
    move();
    expect(machine.gauges.publications).toBe(publications + 1);
    expect(views().filter((view, i) => view === before[i])).toEqual([]);
    expect(new Set(views()).size).toBe(1);
    await machine.close();
  });

  test('each move and each toggle publishes, and two of them lead back', async () => {
    const { machine, move, toggle } = commitsAmong(10);
    const [space] = machine.addressSpaces;
    const view = () =>
      machine.flatViewOf(space!).ranges.map(({ region, start }) => `${region.name} ${start}`);
    const before = view();
    expect(before).toHaveLength(10);
    for (const change of [move, toggle]) {
      const publications = machine.gauges.publications;
      change();
      expect(view()).not.toEqual(before);
      change();
      expect(view()).toEqual(before);
      expect(machine.gauges.publications).toBe(publications + 2);
    }
    await machine.close();
  });
});
