/** A dispatch tree as `info mtree -f -d` prints it, without ` [MRU]`: what was asked for last is no part of a layout. */
import { paddedHexFromAddress } from '../base/addresses.ts';
import { type DispatchEntry, type DispatchSection, type DispatchTree, LEVEL_BITS } from './dispatch-tree.ts';

/**
 * QEMU gives the first sections these labels by their number alone. Only the first is true; the others are left
 * over from sections that it no longer has. Kept, so that the text is its own.
 */
const LABELS = [' [unassigned]', ' [not dirty]', ' [ROM]', ' [watch]'] as const;

/** The lines after a view's ranges. */
export function dispatchLines({ sections, root, nodes, levels }: DispatchTree): string[] {
  return [
    '  Dispatch',
    '    Physical sections',
    ...sections.map(sectionLine),
    `    Nodes (${LEVEL_BITS} bits per level, ${levels} levels) ptr=[${root.pointer}] skip=${root.skip}`,
    ...nodes.flatMap((node, index) => [
      `      [${index}]`,
      ...node.map((run) => `\t${indexes(run.first, run.last)} skip=${run.skip}  ptr=${target(run)}`),
    ]),
  ];
}

function sectionLine({ start, last, region, root, iommu }: DispatchSection, index: number): string {
  const place = `@${paddedHexFromAddress(start)}..${paddedHexFromAddress(last)}`;
  const flags = `${LABELS[index] ?? ''}${root ? ' [ROOT]' : ''}${iommu ? ' [iommu]' : ''}`;
  return `      #${index} ${place} ${region?.name ?? '(noname)'}${flags}`;
}

const indexes = (first: number, last: number): string =>
  `${String(first).padStart(3)}${first === last ? '      ' : `..${String(last).padEnd(3)} `}`;

function target({ skip, pointer }: DispatchEntry): string {
  if (pointer === null) return 'NIL';
  return skip === 0 ? `#${pointer}` : `[${pointer}]`;
}
