/** What callers may pass to IOMMUs. Every check throws MemoryError INVALID_ARGUMENT and names the IOMMU. */
import { SIZE_2_64 } from '../base/addresses.ts';
import { invalidArgument } from '../base/arguments.ts';
import { integerFromArgument } from './arguments.ts';
import type { Bytes } from './region-options.ts';

/** A range of at least one block, aligned to blocks of `page` bytes, that ends at `end` or before. */
export function blocksFromArguments(
  where: string,
  { iova, size }: { readonly iova: Bytes; readonly size: Bytes },
  page: bigint,
  end: bigint,
): { iova: bigint; size: bigint } {
  const range = {
    iova: blockAddress(where, 'iova', iova, page),
    size: integerFromArgument(where, 'size', size),
  };
  if (range.size < 1n || range.size % page !== 0n)
    throw invalidArgument(
      where,
      `size must be a multiple of ${page} bytes and more than 0, got ${range.size}`,
    );
  if (range.iova + range.size > end) {
    throw invalidArgument(
      where,
      `0x${range.size.toString(16)} bytes at iova 0x${range.iova.toString(16)} pass the region's end, 0x${end.toString(16)}`,
    );
  }
  return range;
}

/** A 64-bit address that is a multiple of `page`. */
export function blockAddress(where: string, what: string, value: Bytes, page: bigint): bigint {
  const address = integerFromArgument(where, what, value);
  if (address < 0n || address >= SIZE_2_64 || address % page !== 0n)
    throw invalidArgument(where, `${what} must be a multiple of ${page} from 0 to 2^64 - 1, got ${address}`);
  return address;
}
