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
import { type EncodedView, releaseView } from './cell-writer.ts';
import { encodeView, type ViewResources } from './encode-view.ts';

export interface PublishedView {
  readonly flat: FlatView;
  readonly encoded: EncodedView;
  readonly version: number;
  /** Address spaces that show it; it is retired with the last. */
  userCount: number;
}

export class ViewStore {
  private readonly resources: ViewResources;
  private readonly grace: GraceWriter;
  private readonly holds: HoldKeeper<FlatView>;
  private version = 0;

  constructor(control: SharedWords, resources: ViewResources, grace: GraceWriter) {
    this.resources = resources;
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

  /** @throws MemoryError ARENA_FULL, RAM_EXHAUSTED; nothing is left behind */
  encode(flat: FlatView, layoutTag: number): PublishedView {
    const version = this.nextVersion();
    const view = {
      flat,
      encoded: encodeView(flat, this.resources, version, layoutTag),
      version,
      userCount: 0,
    };
    if (viewCreateChannel.hasSubscribers) viewCreateChannel.publish(eventOf(view));
    return view;
  }

  /** Gives back views that were never published. */
  abandon(views: Iterable<PublishedView>): void {
    for (const view of views) this.destroy(view);
  }

  /** Gives back what no root reaches any more, in time. Call it after GraceWriter.advance(). */
  retire(view: PublishedView): void {
    const { headerCell, sizeBytes } = view.encoded;
    if (viewRetireChannel.hasSubscribers) viewRetireChannel.publish(eventOf(view));
    const destroy = (): void => this.destroy(view);
    this.grace.retire(sizeBytes, () => this.holds.reclaim(headerCell, view.flat, sizeBytes, destroy));
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

  private destroy(view: PublishedView): void {
    releaseView(view.encoded, this.resources.arena);
    if (viewDestroyChannel.hasSubscribers) viewDestroyChannel.publish(eventOf(view));
  }
}

function eventOf({ flat, encoded, version }: PublishedView): ViewEvent {
  const { root, ranges } = flat;
  const { sizeBytes } = encoded;
  return { version, rootName: root?.name ?? null, sectionCount: ranges.length, sizeBytes };
}
