/** The JSON form of a dispatch tree: as `info mtree -f -d` numbers it, without the labels that mean nothing. */
import { hexFromAddress } from '../base/addresses.ts';
import type { DispatchEntry, DispatchTree } from './dispatch-tree.ts';

/** What an entry leads to; `node` is null where nothing is mapped. */
export type DispatchTargetJson =
  | { readonly skip: number; readonly section: number }
  | { readonly skip: number; readonly node: number | null };

export interface DispatchSectionJson {
  readonly start: string;
  /** Inclusive. */
  readonly last: string;
  /** Null for section 0, unassigned, and for pages that several sections share. */
  readonly name: string | null;
  /** Whether it shows the view's root. */
  readonly root: boolean;
  readonly iommu: boolean;
}

export interface DispatchJson {
  /** Pages have 2^pageBits bytes. */
  readonly pageBits: number;
  readonly levels: number;
  /** By number. */
  readonly sections: readonly DispatchSectionJson[];
  readonly root: DispatchTargetJson;
  /** By number; each is all 512 entries, equal neighbours as one. */
  readonly nodes: readonly (readonly (DispatchTargetJson & {
    readonly first: number;
    readonly last: number;
  })[])[];
}

export const dispatchJsonOf = ({ pageBits, levels, sections, root, nodes }: DispatchTree): DispatchJson => ({
  pageBits,
  levels,
  sections: sections.map((section) => ({
    start: hexFromAddress(section.start),
    last: hexFromAddress(section.last),
    name: section.region?.name ?? null,
    root: section.root,
    iommu: section.iommu,
  })),
  root: targetJson(root),
  nodes: nodes.map((node) => node.map((run) => ({ first: run.first, last: run.last, ...targetJson(run) }))),
});

function targetJson({ skip, pointer }: DispatchEntry): DispatchTargetJson {
  return skip === 0 && pointer !== null ? { skip, section: pointer } : { skip, node: pointer };
}
