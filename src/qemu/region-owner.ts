/** How a region's owner is shown. A captured owner is the text that QEMU printed, any other text is a device's id. */
import type { MemoryRegion } from '../model/memory-region.ts';

const CAPTURED = /^(?:owner|parent):\{|^orphan$/;

/** What -o appends to a line. */
export function ownerSuffix({ owner }: MemoryRegion): string {
  if (owner === null) return ' orphan';
  if (typeof owner !== 'string') return ` owner:{obj path=${owner.path}}`;
  return CAPTURED.test(owner) ? ` ${owner}` : ` owner:{dev id=${owner}}`;
}

/** As captured or given; null for an orphan. */
export const ownerInJson = ({ owner }: MemoryRegion): string | null =>
  typeof owner === 'object' ? (owner?.path ?? null) : owner;

/** Only what names the owner: `vga` of `owner:{dev id=vga}`; null for an orphan. */
export function ownerName({ owner }: MemoryRegion): string | null {
  if (owner === null || owner === 'orphan') return null;
  if (typeof owner !== 'string') return owner.path;
  const captured = /^(?:owner|parent):\{(?:dev|obj) (?:id|path|type)=([^{}]*)\}/.exec(owner);
  return captured?.[1] ?? owner;
}
