/** How a region's owner is shown. A captured owner is the text that QEMU printed, any other name is a device's id. */
import type { MemoryRegion } from '../model/memory-region.ts';

const CAPTURED = /^(?:owner|parent):\{|^orphan$/;

/** What -o appends to a line. */
export function ownerSuffix({ owner }: MemoryRegion): string {
  if (owner === null) return ' orphan';
  return CAPTURED.test(owner) ? ` ${owner}` : ` owner:{dev id=${owner}}`;
}

/** As captured or given; null for an orphan. */
export const ownerInJson = ({ owner }: MemoryRegion): string | null => owner;

/** Only what names the owner: `vga` of `owner:{dev id=vga}`; null for an orphan. */
export function ownerName({ owner }: MemoryRegion): string | null {
  if (owner === null || owner === 'orphan') return null;
  const captured = /^(?:owner|parent):\{(?:dev|obj) (?:id|path|type)=([^{}]*)\}/.exec(owner);
  return captured?.[1] ?? owner;
}
