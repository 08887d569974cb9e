/**
 * What the published maps of a bundled machine weigh, against the design they were measured by: elements of
 * 2 bytes in nodes of 1024, pages of 4 KiB at the bottom, and a table of 2 bytes for each byte of a page in
 * which a section begins or ends, all of it built anew for each view. Sections and their sorted list are needed
 * by both and are not counted. docs/decisions/0002 quotes it.
 */
import { readFileSync } from 'node:fs';
import { rootWord, type SharedWords } from '../src/layout/control-block.ts';
import { CELL_BYTES, cellWord, entryCell, entryIsNode, NODE_ENTRIES } from '../src/layout/map-entry.ts';
import { VIEW_MAP_ROOT } from '../src/layout/view-header.ts';
import { machineUrl } from '../src/qemu/catalogue.ts';
import { buildLayout, parseLayout } from '../src/qemu/layout-file.ts';
import type { FlatView } from '../src/render/flat-view.ts';
import { Machine } from '../src/service/machine.ts';

export interface MapSizes {
  readonly machine: string;
  /** One entry for each view that the machine publishes. */
  readonly views: readonly {
    /** Of the first address space that shows the view. */
    readonly addressSpace: string;
    readonly ranges: number;
    /** Of all nodes that the view reaches, also where another view reaches them too. */
    readonly mapBytes: number;
    readonly otherBytes: number;
  }[];
  /** Of all views; a node that several of them share counts once. */
  readonly mapBytes: number;
  /** Of the other design, which shares nothing between views. */
  readonly otherBytes: number;
}

const PAGE_BITS = 12n;
const OTHER_LEVEL_BITS = 10n;
const OTHER_ROOT_BITS = 72n; // six levels above the page reach past 64 bits
const OTHER_NODE_BYTES = 2 * 1024;
const OTHER_SUBPAGE_BYTES = 2 * 4096;

/** @throws MemoryError INVALID_ARGUMENT for a machine that is not bundled */
export async function mapSizes(name: string): Promise<MapSizes> {
  const file = machineUrl(name);
  const { addressSpaces } = buildLayout(parseLayout(readFileSync(file, 'utf8'), name));
  const machine = new Machine({ ramReserveBytes: 2 ** 30, arenaBytes: 2 ** 24 });
  for (const space of addressSpaces) machine.addAddressSpace(space);
  const arena = new Int32Array(machine.shared.arena);
  const control = new Int32Array(machine.shared.control);
  const views = new Map<number, MapSizes['views'][number]>();
  const allNodes = new Set<number>();
  for (const [index, space] of addressSpaces.entries()) {
    const header = control[rootWord(index)]!;
    const view = machine.flatViewOf(space);
    if (views.has(header) || view.ranges.length === 0) continue;
    const nodes = new Set<number>();
    collectNodes(arena, arena[cellWord(header) + VIEW_MAP_ROOT]!, nodes);
    for (const cell of nodes) allNodes.add(cell);
    views.set(header, {
      addressSpace: space.name,
      ranges: view.ranges.length,
      mapBytes: nodes.size * CELL_BYTES,
      otherBytes: otherDesignBytes(view),
    });
  }
  await machine.close();
  return {
    machine: name,
    views: [...views.values()],
    mapBytes: allNodes.size * CELL_BYTES,
    otherBytes: [...views.values()].reduce((sum, { otherBytes }) => sum + otherBytes, 0),
  };
}

function collectNodes(arena: SharedWords, entry: number, nodes: Set<number>): void {
  if (!entryIsNode(entry)) return;
  nodes.add(entryCell(entry));
  const word = cellWord(entryCell(entry));
  for (let i = 0; i < NODE_ENTRIES; i += 1) collectNodes(arena, arena[word + i]!, nodes);
}

/** A node is needed wherever a border lies inside its span; a byte table where one lies inside a page. */
function otherDesignBytes({ ranges }: FlatView): number {
  const borders = new Set(ranges.flatMap(({ start, size }) => [start, start + size]));
  let bytes = 0;
  for (
    let spanBits = PAGE_BITS;
    spanBits < OTHER_ROOT_BITS + OTHER_LEVEL_BITS;
    spanBits += OTHER_LEVEL_BITS
  ) {
    const span = 1n << spanBits;
    const cut = new Set([...borders].filter((at) => at % span !== 0n).map((at) => at / span));
    bytes += cut.size * (spanBits === PAGE_BITS ? OTHER_SUBPAGE_BYTES : OTHER_NODE_BYTES);
  }
  return bytes;
}
