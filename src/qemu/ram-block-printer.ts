/** RAM blocks in the format of QEMU 7.2's `info ramblock`. */
import type { RamBlockInfo } from '../base/ram-block-info.ts';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/**
 * What QEMU 7.2's `info ramblock` would print, one line a block in the order given; a machine's are biggest first.
 * The format has no column for read-only blocks.
 * @source QEMU 7.2, `info ramblock`
 */
export function printRamBlocks(blocks: Iterable<RamBlockInfo>): string {
  const lines = [row('Block Name', 'PSize', 'Offset', 'Used', 'Total')];
  for (const { id, pageSizeBytes, offset, usedBytes, totalBytes } of blocks) {
    lines.push(row(id, sizeText(pageSizeBytes), hex(offset), hex(usedBytes), hex(totalBytes)));
  }
  return lines.map((line) => `${line}\n`).join('');
}

const row = (id: string, pageSize: string, offset: string, used: string, total: string): string =>
  `${id.padStart(24)} ${pageSize.padStart(8)}  ${[offset, used, total].map((cell) => cell.padStart(18)).join(' ')}`;

const hex = (value: bigint): string => `0x${value.toString(16).padStart(16, '0')}`;

/** In the largest unit that leaves at least one of it. */
function sizeText(bytes: number): string {
  let unit = 0;
  let count = bytes;
  for (; count >= 1024 && unit < UNITS.length - 1; unit++) count /= 1024;
  return `${Number(count.toPrecision(3))} ${UNITS[unit]}`;
}
