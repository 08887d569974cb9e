/** RAM ids and the RAM address space: bytes to address to region and back, whatever the blocks are. */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { MemoryRegion } from '../../src/model/memory-region.ts';
import { Owner } from '../../src/model/owner.ts';
import { placeOfRamAddress, ramAddressOf, ramBlockInfos, ramBytes } from '../../src/publish/ram-addresses.ts';
import { RamStore } from '../../src/publish/ram-store.ts';
import { codeOf } from '../support/code-of.ts';
import { messageOf } from '../support/message-of.ts';

const PAGE = 4096;
const GIB = 2 ** 30;
const RESERVE = 16 * PAGE;
const newStore = (): RamStore =>
  new RamStore(
    RESERVE,
    () => {},
    (free) => free(),
  );

let store: RamStore;
beforeEach(() => {
  store = newStore();
});

describe('the id of a RAM block', () => {
  const idOf = (region: MemoryRegion): string => {
    store.blocksOf(region);
    return store.idOf(region);
  };

  test.each<[string, MemoryRegion, string]>([
    ['the name', MemoryRegion.ram('pc.ram', 1), 'pc.ram'],
    [
      'the owner’s path and the name',
      MemoryRegion.ram('rom', 1, { owner: new Owner('/machine/nic') }),
      '/machine/nic/rom',
    ],
    ['the owner’s text and the name', MemoryRegion.ram('rom', 1, { owner: 'nic' }), 'nic/rom'],
    ['the name as it is, not as in a path', MemoryRegion.rom('a/b[1]', 1), 'a/b[1]'],
    ['what it is told to be', MemoryRegion.ram('r', 1, { ramId: '0000:00:02.0/vram' }), '0000:00:02.0/vram'],
    ['the name, where any will do', MemoryRegion.ram('r', 1, { ramId: null }), 'r'],
  ])('is %s', (_what, region, id) => expect(idOf(region)).toBe(id));

  test('is an error when it is taken, which names both', () => {
    const [first, second] = [
      MemoryRegion.ram('vga.vram', 1),
      MemoryRegion.ram('vga.vram', 1, { owner: null }),
    ];
    idOf(first);
    idOf(first);
    expect(messageOf(() => store.blocksOf(second))).toBe(
      `RAM_ID_TAKEN: RAM of region '${second.path}' would have the id 'vga.vram', which is that of region '${first.path}'; give one of them another name, owner or ramId, or release its RAM first`,
    );
    store.detach(first);
    expect(idOf(second)).toBe('vga.vram');
    expect(newStore().blocksOf(first)).toHaveLength(1); // another machine
  });

  test('has an index where any will do: the first that was not used', () => {
    const any = (): string => idOf(MemoryRegion.ram('ram', 1, { ramId: null }));
    expect([any(), any(), any()]).toEqual(['ram', 'ram[1]', 'ram[2]']);
  });
});

describe('a RAM address', () => {
  test('leads back to the region’s byte, and nothing leads to what is in no region', () => {
    const [a, b] = [MemoryRegion.ram('a', PAGE), MemoryRegion.rom('b', 100)];
    expect(ramAddressOf(store, a, 5n)).toBe(5n);
    expect(ramAddressOf(store, b, 99n)).toBe(BigInt(PAGE + 99));
    expect(placeOfRamAddress(store, 4095n)).toEqual({ region: a, offset: 4095n });
    expect(placeOfRamAddress(store, BigInt(PAGE))).toEqual({ region: b, offset: 0n });
    expect(placeOfRamAddress(store, BigInt(PAGE + 100))).toBeNull(); // the rest of the page is nobody's
    expect(placeOfRamAddress(store, BigInt(2 * PAGE))).toBeNull();
    store.detach(a)();
    expect(placeOfRamAddress(store, 0n)).toBeNull();
  });

  test.each([
    [
      'RAM over a buffer',
      () => MemoryRegion.ramOver('r', new SharedArrayBuffer(PAGE), { byteOffset: 8 }),
      8n,
    ],
    ['RAM too large for the reserve', () => MemoryRegion.ram('r', RESERVE + 1), 0n],
  ])('of %s has the buffer in its upper half', (_what, make, byte) => {
    const region = make();
    expect(ramAddressOf(store, region, 2n)).toBe((1n << 32n) + byte + 2n);
    expect(placeOfRamAddress(store, (1n << 32n) + byte)).toEqual({ region, offset: 0n });
    expect(placeOfRamAddress(store, (1n << 32n) + byte - 1n)).toBeNull();
  });

  test('goes on where RAM of more than 4 GiB goes on in the next buffer', () => {
    const region = MemoryRegion.ram('r', 5 * GIB);
    const first = ramAddressOf(store, region, 0n);
    expect(ramAddressOf(store, region, BigInt(4 * GIB))).toBe(first + BigInt(4 * GIB));
    expect(ramBlockInfos(store)).toMatchObject([{ id: 'r', offset: first, totalBytes: BigInt(5 * GIB) }]);
  });

  test('of any byte of any regions, also of grown ones, is its own and leads back', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 3 * PAGE }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(sizes, sizes, fc.infiniteStream(fc.nat()), (made, grown, choices) => {
        const own = newStore();
        const regions = made.map((size, index) => MemoryRegion.ram(`r${index}`, size));
        for (const region of regions) own.blocksOf(region);
        for (const [index, size] of grown.entries()) regions[index % made.length]!.setSize(size);
        const seen = new Map<bigint, string>();
        for (const region of regions) {
          const offsets = [0n, region.size - 1n, BigInt(choices.next().value!) % region.size];
          for (const offset of offsets) {
            const address = ramAddressOf(own, region, offset);
            const place = `${region.name}+${offset}`;
            expect(seen.get(address) ?? place).toBe(place);
            seen.set(address, place);
            expect(placeOfRamAddress(own, address)).toEqual({ region, offset });
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  test.each([
    ['before its start', -1n],
    ['at its end', BigInt(PAGE)],
  ])('of a byte %s there is none', (_where, offset) => {
    expect(codeOf(() => ramAddressOf(store, MemoryRegion.ram('r', PAGE), offset))).toBe('INVALID_ARGUMENT');
  });
  test('of what is no RAM there is none', () => {
    expect(codeOf(() => ramAddressOf(store, MemoryRegion.io('i', PAGE, null), 0n))).toBe('NOT_RAM');
  });
});

describe('the bytes as a view', () => {
  test('are the region’s own', () => {
    const region = MemoryRegion.ram('r', PAGE);
    ramBytes(store, region, 8n, 4).set([1, 2, 3, 4]);
    expect([...ramBytes(store, region, 6n, 4)]).toEqual([0, 0, 1, 2]);
    expect(ramBytes(store, region, 6n, 0)).toHaveLength(0);
  });
  test('are refused where they are not in one piece', () => {
    const region = MemoryRegion.ram('r', PAGE);
    store.blocksOf(region);
    store.blocksOf(MemoryRegion.ram('other', PAGE));
    region.setSize(2 * PAGE);
    expect(messageOf(() => ramBytes(store, region, BigInt(PAGE - 2), 4))).toMatch(
      /^RAM_NOT_CONTIGUOUS: 4 bytes of region 'r' from 0xffe on lie in 2 pieces; .*readRam/,
    );
    expect(ramBytes(store, region, BigInt(PAGE), 4)).toHaveLength(4);
  });
});

describe('the list of blocks', () => {
  test('has the biggest first, with what is in use and what there is', () => {
    for (const region of [
      MemoryRegion.rom('bios', 100),
      MemoryRegion.ram('ram', 3 * PAGE),
      MemoryRegion.resizableRam('acpi', 10, 2 * PAGE),
    ]) {
      store.blocksOf(region);
    }
    const page = { pageSizeBytes: PAGE };
    expect(ramBlockInfos(store)).toEqual([
      { ...page, id: 'ram', offset: 4096n, usedBytes: 12288n, totalBytes: 12288n, readonly: false },
      { ...page, id: 'acpi', offset: 16384n, usedBytes: 4096n, totalBytes: 8192n, readonly: false },
      { ...page, id: 'bios', offset: 0n, usedBytes: 4096n, totalBytes: 4096n, readonly: true },
    ]);
  });

  test('has a row more for each piece that a region grew by elsewhere', () => {
    const region = MemoryRegion.ram('ram', PAGE);
    store.blocksOf(region);
    store.blocksOf(MemoryRegion.ram('other', PAGE));
    region.setSize(3 * PAGE);
    store.blocksOf(region);
    expect(ramBlockInfos(store).map(({ id, offset }) => [id, offset])).toEqual([
      ['ram+0x1000', 8192n],
      ['ram', 0n],
      ['other', 4096n],
    ]);
  });
});
