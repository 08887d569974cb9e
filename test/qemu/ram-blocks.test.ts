/** RAM blocks: QEMU's table, and where the blocks of a layout are put. */
import { describe, expect, test } from 'vitest';
import { type MemoryRegion, MemoryRegion as Region } from '../../src/model/memory-region.ts';
import { buildLayout, parseLayout } from '../../src/qemu/layout-file.ts';
import { printRamBlocks } from '../../src/qemu/ram-block-printer.ts';
import { ramBlocksOfRegions } from '../../src/qemu/ram-blocks.ts';
import { machineCaptures } from '../support/captures.ts';
import { container, io, ram } from '../support/drawing.ts';

test('the table is that of QEMU 7.2, which this is from: `qemu-system-x86_64 -M q35`, info ramblock', () => {
  const block = (id: string, offset: bigint, usedBytes: bigint, totalBytes = usedBytes) => ({
    ...{ id, pageSizeBytes: 4096, offset, usedBytes, totalBytes, readonly: false },
  });
  expect(
    printRamBlocks([
      block('pc.ram', 0n, 0x800_0000n),
      block('0000:00:01.0/vga.vram', 0x808_0000n, 0x100_0000n),
      block('/rom@etc/acpi/tables', 0x910_0000n, 0x2_0000n, 0x20_0000n),
      block('0000:00:02.0/e1000e.rom', 0x90c_0000n, 0x4_0000n),
    ]),
  ).toBe(
    [
      '              Block Name    PSize              Offset               Used              Total',
      '                  pc.ram    4 KiB  0x0000000000000000 0x0000000008000000 0x0000000008000000',
      '   0000:00:01.0/vga.vram    4 KiB  0x0000000008080000 0x0000000001000000 0x0000000001000000',
      '    /rom@etc/acpi/tables    4 KiB  0x0000000009100000 0x0000000000020000 0x0000000000200000',
      ' 0000:00:02.0/e1000e.rom    4 KiB  0x00000000090c0000 0x0000000000040000 0x0000000000040000',
      '',
    ].join('\n'),
  );
});

test.each([
  [512, '512 B'],
  [65_536, '64 KiB'],
  [2 ** 21, '2 MiB'],
  [2 ** 30, '1 GiB'],
])('pages of %i bytes are %s', (pageSizeBytes, text) => {
  const huge = { id: 'huge', pageSizeBytes, offset: 0n, usedBytes: 0n, totalBytes: 0n, readonly: false };
  expect(printRamBlocks([huge])).toContain(`huge ${text.padStart(8)}  0x`);
});

describe('the blocks of a layout', () => {
  const idsOf = (...regions: MemoryRegion[]): string[] => ramBlocksOfRegions(regions).map(({ id }) => id);

  test('are those of RAM, ROM and ROM devices with bytes, biggest first, among equals in their order', () => {
    const devices = [
      io('io', 16),
      container('box', 16),
      ram('empty', 0),
      Region.alias('alias', ram('x', 1), 0, 1),
    ];
    const flash = Region.romDevice('flash', 0x8000, null);
    expect(idsOf(ram('a', 0x1000), ...devices, flash, Region.rom('b', 0x1000))).toEqual(['flash', 'a', 'b']);
  });

  test('are whole pages, packed from 64 to 64 of them', () => {
    const blocks = ramBlocksOfRegions([ram('big', 0x4_0001), ram('small', 1), Region.rom('rom', 2)]);
    expect(blocks).toEqual([
      {
        id: 'big',
        pageSizeBytes: 4096,
        offset: 0n,
        usedBytes: 0x4_1000n,
        totalBytes: 0x4_1000n,
        readonly: false,
      },
      {
        id: 'rom',
        pageSizeBytes: 4096,
        offset: 0x8_0000n,
        usedBytes: 0x1000n,
        totalBytes: 0x1000n,
        readonly: true,
      },
      {
        id: 'small',
        pageSizeBytes: 4096,
        offset: 0xc_0000n,
        usedBytes: 0x1000n,
        totalBytes: 0x1000n,
        readonly: false,
      },
    ]);
  });

  test('of the same name are told apart by their owners, and at last by a number', () => {
    const vram = (owner: string | null): MemoryRegion => ram('vram', 1, [], { owner });
    expect(
      idsOf(
        vram('owner:{dev id=vga}'),
        vram('qxl'),
        vram('parent:{obj path=/machine}'),
        vram(null),
        vram('orphan'),
        vram('qxl'),
      ),
    ).toEqual(['vga/vram', 'qxl/vram', '/machine/vram', 'vram', 'vram#2', 'qxl/vram#2']);
    expect(idsOf(ram('vram', 1, [], { owner: 'vga' }))).toEqual(['vram']);
  });

  test.each(machineCaptures())(
    '$name: blocks with ids of their own, none overlaps another',
    ({ name, text }) => {
      const blocks = ramBlocksOfRegions(buildLayout(parseLayout(text, name)).regionsById.values());
      expect(blocks.length).toBeGreaterThan(0);
      expect(new Set(blocks.map(({ id }) => id)).size).toBe(blocks.length);
      blocks.reduce((end, { offset, totalBytes }) => {
        expect(offset).toBeGreaterThanOrEqual(end);
        return offset + totalBytes;
      }, 0n);
    },
  );
});
