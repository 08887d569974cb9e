/** The benchmark's rows: that they are there, and that what they measure answers as it should. No timing. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { accessPlans } from '../../bench/access.ts';
import { alternativePlans } from '../../bench/alternative.ts';
import { commitsAmong } from '../../bench/commit.ts';
import { type Lookups, manyLookups, mixLookups } from '../../bench/lookup.ts';
import { mapSizes } from '../../bench/map-size.ts';
import { mmioPlans } from '../../bench/mmio.ts';
import { rowsUnder } from '../../bench/rows.ts';
import { MIX_WINDOWS, mixStream } from '../../bench/support/mix.ts';
import { PacedVcpus } from '../../bench/support/paced-vcpus.ts';
import { expectedSum } from '../../bench/support/stream.ts';
import { MEMTX_OK } from '../../src/base/mem-tx-result.ts';
import { findSection, sectionCovers } from '../../src/dispatch/find-section.ts';
import { CELL_UNASSIGNED } from '../../src/layout/map-entry.ts';

const CONTRACT_ROWS = [
  ...['limit/typed-array-random', 'limit/typed-array-sequential'],
  ...['access/random-mix', 'access/random-mix-2vcpu', 'access/sequential', 'access/write-sequential'],
  ...['access/atomic-add', 'access/port-io'],
  ...['mmio/local', 'mmio/local-2vcpu', 'mmio/local-locked', 'mmio/homed-awake', 'mmio/homed-asleep'],
  ...['mmio/ioeventfd', 'mmio/coalesced'],
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
        const expected = plan.kind.startsWith('load') ? expectedSum(plan.stream) : MEMTX_OK;
        expect(vcpus.sums).toEqual(Array.from({ length: plan.vcpus ?? 1 }, () => expected));
      } finally {
        await vcpus.close();
      }
    },
  );
});

describe('lookups', () => {
  test.each<[string, () => Lookups]>([
    ['the mix', mixLookups],
    ['10,000 sections', manyLookups],
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
  test('no view of q35 weighs more than in nodes of 1024 with byte tables', async () => {
    const sizes = await mapSizes('q35');
    expect(sizes.map(({ addressSpace }) => addressSpace)).toContain('I/O');
    for (const { mapBytes, otherBytes } of sizes) expect(mapBytes).toBeLessThan(otherBytes);
  });
});

describe('commits', () => {
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

describe('the command', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const bench = (...args: string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', 'bench/run.ts', ...args], {
      cwd: root,
      encoding: 'utf8',
    });

  test('prints one JSON document with the fields of the contract', () => {
    const { status, stdout } = bench('--only', 'limit/typed-array-sequential', '--json');
    expect(status).toBe(0);
    const [row] = JSON.parse(stdout) as Record<string, unknown>[];
    expect(row).toMatchObject({
      name: 'limit/typed-array-sequential',
      unit: 'ns/op',
      threads: 1,
      node: process.version,
    });
    for (const field of ['median', 'p99', 'samples']) expect(row?.[field]).toBeGreaterThan(0);
    expect(row?.['cpu']).toEqual(expect.any(String));
  });

  test('prints a table with machine, version, best and median otherwise', () => {
    const { status, stdout } = bench('--only', 'lookup/radix-10000');
    expect(status).toBe(0);
    for (const word of [process.version, 'best', 'median', 'threads', 'lookup/radix-10000']) {
      expect(stdout).toContain(word);
    }
  });

  test.each([
    ['an unknown prefix', ['--only', 'nothing/'], /'nothing\/'/],
    ['an unknown option', ['--frist'], /--frist/],
  ])('refuses %s with one line and status 2', (_what, args, message) => {
    const { status, stdout, stderr } = bench(...args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
