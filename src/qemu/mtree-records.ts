/** Drafts as the records of a layout. */
import { checkLayout } from './layout-graph.ts';
import type { Draft, DraftLayout } from './mtree-draft.ts';
import type { LayoutState, RegionRecord } from './region-record.ts';

/** @throws MemoryError INVALID_MTREE_TEXT where aliases show themselves */
export function layoutFromDrafts({ drafts, spaces }: DraftLayout, file: string): LayoutState {
  return checkLayout(
    { file, code: 'INVALID_MTREE_TEXT' },
    new Map(drafts.map((draft) => [draft.id, recordOf(draft)])),
    spaces.map(({ name, root }) => ({ name, root: root?.id ?? null, path: name })),
  );
}

function recordOf(draft: Draft): RegionRecord {
  const { node, aliasTarget } = draft;
  return {
    id: draft.id,
    name: node.name,
    kind: kindOf(draft),
    size: draft.size,
    owner: node.owner,
    enabled: !node.disabled,
    readonly: draft.readonly,
    nonvolatile: node.nonvolatile,
    romd: node.type === 'romd',
    alias: aliasTarget && { target: aliasTarget.id, offset: node.alias!.offset },
    address: draft.address,
    priority: node.priority,
    children: draft.children.map((child) => ({
      id: child.id,
      offset: child.address,
      priority: child.node.priority,
    })),
    path: `line ${node.line}`,
  };
}

function kindOf({ node, aliasTarget, terminates }: Draft): RegionRecord['kind'] {
  if (aliasTarget !== null) return 'alias';
  if (node.type === 'romd') return 'rom-device';
  if (node.type === 'ramd') return 'ram-device';
  if (node.type === 'ram' || node.type === 'rom') return 'ram';
  return terminates ? 'io' : 'container';
}
