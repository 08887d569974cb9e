/**
 * The views of a machine in the arena, from their encoding to their end. Control thread only.
 * Guarantee: a view's cells, and its hold on owners, end after its grace period and after the last hold that a
 * reader has on it; RAM that it shows is not freed before.
 */
import { type ViewEvent, viewCreateChannel, viewDestroyChannel, viewRetireChannel } from '../base/trace.ts';
import { HoldKeeper } from '../grace/hold-keeper.ts';
import type { GraceWriter } from '../grace/writer.ts';
import type { SharedWords } from '../layout/control-block.ts';
import type { MemoryRegion } from '../model/memory-region.ts';
import type { FlatView } from '../render/flat-view.ts';
import { hullOf } from '../render/rerender.ts';
import type { ViewDifference } from '../render/view-difference.ts';
import { type CellStore, ENTRY_UNASSIGNED } from './cell-store.ts';
import { SectionEncoder, type ViewResources } from './encode-view.ts';
import { MapEditor } from './map-editor.ts';

export interface PublishedView {
  readonly flat: FlatView;
  /** What a root word holds. */
  readonly headerCell: number;
  readonly version: number;
  /** Address of its root when it was rendered. */
  readonly rootAddress: bigint;
  /** Address spaces that show it; it is retired with the last. */
  userCount: number;
}

export class ViewStore {
  private readonly cells: CellStore;
  private readonly sections: SectionEncoder;
  private readonly editor: MapEditor;
  private readonly grace: GraceWriter;
  private readonly holds: HoldKeeper<FlatView>;
  private version = 0;

  constructor(control: SharedWords, cells: CellStore, resources: ViewResources, grace: GraceWriter) {
    this.cells = cells;
    this.sections = new SectionEncoder(cells, resources);
    this.editor = new MapEditor(cells);
    this.grace = grace;
    this.holds = new HoldKeeper(control);
  }

  /** Bytes of the arena that only holds of readers keep. */
  get heldBytes(): number {
    return this.holds.heldBytes;
  }

  /** VIEW_VERSION of something that is encoded next, a view or an IOMMU's table. */
  nextVersion(): number {
    this.version = (this.version + 1) | 0;
    return this.version;
  }

  /**
   * @param before the view from which `flat` differs in no more than `difference`; null: from a view of nothing
   * @throws MemoryError ARENA_FULL, RAM_EXHAUSTED; then, and for a view that is not published, the store is to be undone
   */
  encode(
    flat: FlatView,
    layoutTag: number,
    before: PublishedView | null,
    difference: ViewDifference,
  ): PublishedView {
    let mapRoot = before === null ? ENTRY_UNASSIGNED : this.cells.mapRootOf(before.headerCell);
    for (const part of difference) {
      const { start, end } = hullOf(part.before, part.after);
      const cells: number[] = [];
      for (const range of part.after) this.sections.encode(range, cells);
      mapRoot = this.editor.replace(mapRoot, start, end, cells);
    }
    const version = this.nextVersion();
    const headerCell = this.cells.header(mapRoot, version, layoutTag);
    const view = { flat, headerCell, version, rootAddress: flat.root?.address ?? 0n, userCount: 0 };
    if (viewCreateChannel.hasSubscribers) viewCreateChannel.publish(eventOf(view, this.cells.madeBytes));
    return view;
  }

  /** Another address space shows `view` from now on. */
  show(view: PublishedView): void {
    view.userCount += 1;
    if (view.userCount > 1) return;
    this.cells.show(view.headerCell);
    view.flat.root?.keeper?.hold();
  }

  /** Gives back what no root reaches any more, in time. Call it after GraceWriter.advance(). */
  retire(view: PublishedView): void {
    const { headerCell, flat } = view;
    const sizeBytes = this.cells.hide(headerCell);
    if (viewRetireChannel.hasSubscribers) viewRetireChannel.publish(eventOf(view, sizeBytes));
    const destroy = (): void => this.destroy(view, sizeBytes);
    this.grace.retire(sizeBytes, () => this.holds.reclaim(headerCell, flat, sizeBytes, destroy));
  }

  /** Calls `free` once no view that a reader holds shows `region`; to call after the last one's grace period. */
  onceUnheld(region: MemoryRegion, free: () => void): void {
    this.holds.onceUnheld(({ ranges }) => ranges.some((range) => range.region === region), free);
  }

  /** Reclaims what is held no longer; the end of a hold also does, in a later turn of the event loop. */
  poll(): void {
    this.holds.poll();
  }

  /** Ends all holds, with the machine. */
  close(): void {
    this.holds.close();
  }

  private destroy(view: PublishedView, sizeBytes: number): void {
    this.cells.release(view.headerCell);
    view.flat.root?.keeper?.letGo();
    if (viewDestroyChannel.hasSubscribers) viewDestroyChannel.publish(eventOf(view, sizeBytes));
  }
}

function eventOf({ flat: { root, list }, version }: PublishedView, sizeBytes: number): ViewEvent {
  return { version, rootName: root?.name ?? null, sectionCount: list.length, sizeBytes };
}
