/**
 * A thread's way to devices that are homed in another: by mailbox, where it may wait. One thread's own.
 * Guarantee: after ask() every port of the thread is on the newest layout. Who waits for whom has no cycle: an
 * access from inside a device under a lock, from a device worker, or from a handler that is called while this thread
 * waits, is denied and reported instead (docs/decisions/0011-devices-as-bus-masters.md).
 */
import type { MemTxAttrs } from '../base/mem-tx-attrs.ts';
import { MEMTX_OK, type MemTxResult } from '../base/mem-tx-result.ts';
import { PHASE_WAITING_FOR_DEVICE, type SharedWords } from '../layout/control-block.ts';
import { accessIsWrite, accessSize, DEVICE_HOST_CONTROL, FLUSH_ACCESS } from '../layout/mailbox.ts';
import { MailboxRequester } from '../mailbox/requester.ts';
import type { ThreadLocks } from './device-lock.ts';
import type { DeviceRoute } from './device-route.ts';
import type { ReaderSession } from './reader-session.ts';

export class HostCalls {
  /** MemTxResult of the last ask(). */
  result: MemTxResult = MEMTX_OK;
  /** Upper half of its answer. */
  high = 0;
  readonly requester: MailboxRequester;
  private readonly session: ReaderSession;
  private readonly locks: ThreadLocks;
  /** True in a device worker. */
  private readonly isWorker: boolean;
  /** There is one mailbox: what the control thread is asked while it waits may not reach for it again. */
  private isWaiting = false;

  /** @param home number of the host that this thread is; null: it is none */
  constructor(words: SharedWords, locks: ThreadLocks, home: number | null) {
    this.session = locks.session;
    this.requester = new MailboxRequester(words, this.session.reader.slot);
    this.locks = locks;
    this.isWorker = home !== null && home !== DEVICE_HOST_CONTROL;
  }

  /** Offline while it waits: the handler may publish layouts, and grace periods must not wait for us. */
  ask(
    route: DeviceRoute,
    device: number,
    offset: number,
    access: number,
    valueLo: number,
    valueHi: number,
    attrs: MemTxAttrs,
  ): number {
    if (this.mayNotWait) return this.deny(route, offset, access);
    this.session.detach(PHASE_WAITING_FOR_DEVICE);
    const { requester } = this;
    this.isWaiting = true;
    const answer = requester.access(route.host, device, offset, access, valueLo, valueHi, attrs);
    this.isWaiting = false;
    this.session.attach();
    this.result = requester.result;
    this.high = requester.high;
    return answer;
  }

  /** Has the device's host replay its rings, and waits for that where it may. */
  flush(route: DeviceRoute, device: number): void {
    if (this.mayNotWait) this.requester.ring(route.host);
    else this.ask(route, device, 0, FLUSH_ACCESS, 0, 0, 0);
  }

  private get mayNotWait(): boolean {
    return this.locks.isAnyHeld || this.isWorker || this.isWaiting;
  }

  private get inside(): string {
    if (this.isWaiting) return 'a handler that is called while this thread waits for a host';
    return this.locks.isAnyHeld ? this.locks.holder : 'another device host';
  }

  private deny({ handler }: DeviceRoute, offset: number, access: number): number {
    const problem = `${this.inside} may not wait for the thread where it is homed`;
    handler.deny(offset, accessSize(access), accessIsWrite(access), problem);
    this.result = handler.result;
    this.high = 0;
    return 0;
  }
}
