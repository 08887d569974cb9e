/**
 * Trace points, as channels of node:diagnostics_channel. Nobody subscribed: nothing is made, nothing is sent.
 *
 *   channel                  sent by          when
 *   flatview:view-create     control thread   a view was rendered and encoded; it may yet be abandoned
 *   flatview:view-retire     control thread   no address space shows it any more
 *   flatview:view-destroy    control thread   its arena was given back: no reader uses or holds it
 *   flatview:region-access   any thread       a device answered an access; machines with `traceAccesses` only
 *
 * A channel belongs to a thread: who wants a vCPU's accesses subscribes in its program.
 */
import { channel } from 'node:diagnostics_channel';

/** Sent on the flatview:view-* channels. */
export interface ViewEvent {
  /** Never the same for two views of one machine within 2^32 publications. */
  readonly version: number;
  /** Name of the region that is shown; null for the view of nothing. */
  readonly rootName: string | null;
  readonly sectionCount: number;
  /** Bytes of the arena: what was made for it, or, at its end, what no view that is published has in common with it. */
  readonly sizeBytes: number;
}

/** Sent on flatview:region-access. */
export interface RegionAccessEvent {
  /** Reader slot of the thread: the vCPU's id where it is one's. */
  readonly slot: number;
  /** The machine's number of the device. */
  readonly device: number;
  readonly offset: number;
  readonly size: number;
  readonly isWrite: boolean;
  /** What was read or written, unsigned. */
  readonly value: bigint;
  /** MemTxResult */
  readonly result: number;
  /** MemTxAttrs */
  readonly attrs: number;
}

export const viewCreateChannel = channel('flatview:view-create');
export const viewRetireChannel = channel('flatview:view-retire');
export const viewDestroyChannel = channel('flatview:view-destroy');
export const regionAccessChannel = channel('flatview:region-access');
