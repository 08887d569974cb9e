/**
 * Listeners that hear something together, and how each is called: what one throws stops nobody,
 * and none may change the tree.
 */
import { callOut } from '../base/call-out.ts';
import { refusingMutators } from '../model/transaction.ts';
import type { MemoryRegionSection } from '../render/memory-region-section.ts';
import type { ListenerCallback, ListenerReport, MemoryListener } from './memory-listener.ts';

export type OnListenerError = (report: ListenerReport) => void;
type Invoke = (listener: MemoryListener) => void;

export class Audience {
  /** Ascending priority, equals in order of registration. */
  readonly listeners: readonly MemoryListener[];
  private readonly onError: OnListenerError;

  constructor(listeners: readonly MemoryListener[], onError: OnListenerError) {
    this.listeners = listeners;
    this.onError = onError;
  }

  get hasFullPass(): boolean {
    return this.listeners.some(({ fullPass }) => fullPass === true);
  }

  /** Calls them in ascending order of priority. @param invoke calls `callback`, where the listener has it */
  ascending(callback: ListenerCallback, section: MemoryRegionSection | null, invoke: Invoke): void {
    for (const listener of this.listeners) this.call(listener, callback, section, invoke);
  }

  descending(callback: ListenerCallback, section: MemoryRegionSection | null, invoke: Invoke): void {
    for (const listener of this.listeners.toReversed()) this.call(listener, callback, section, invoke);
  }

  private call(
    listener: MemoryListener,
    callback: ListenerCallback,
    section: MemoryRegionSection | null,
    invoke: Invoke,
  ): void {
    try {
      refusingMutators(() => invoke(listener));
    } catch (error) {
      callOut(() => this.onError({ listener, callback, section, error }));
    }
  }
}
