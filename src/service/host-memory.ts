/**
 * A device worker's way to memory: a reader of the grace protocol that is online only while devices use it.
 * Guarantee: what memory() returned is valid until the event loop's next turn; after that it reaches nothing,
 * and holds up no grace period. Before the thread blocks, it is offline.
 */
import type { MessagePort } from 'node:worker_threads';
import type { GuestMemory } from '../base/guest-memory.ts';
import type { SharedMachine } from '../layout/attachments.ts';
import { hostReaderSlot, PHASE_RUNNING, PHASE_WAITING_FOR_DEVICE } from '../layout/control-block.ts';
import { AttachmentInbox } from '../vcpu/attachment-inbox.ts';
import type { DeviceMemory } from '../vcpu/device-loader.ts';
import type { ReportDevice } from '../vcpu/failure-reports.ts';
import type { DeviceHome } from '../vcpu/route-loader.ts';
import { ThreadMemory } from '../vcpu/thread-memory.ts';

export class HostMemory implements DeviceMemory {
  private readonly thread: ThreadMemory;
  private readonly inbox: AttachmentInbox;

  constructor(machine: SharedMachine, port: MessagePort, report: ReportDevice, home: DeviceHome) {
    this.thread = new ThreadMemory(machine, hostReaderSlot(home.host), report, home);
    this.inbox = new AttachmentInbox(this.thread.words, port, this.thread);
    this.thread.onMissing = () => this.inbox.drain();
    this.thread.devices.memory = this;
    this.thread.holds.clients.useEventLoop(this.thread.words, hostReaderSlot(home.host));
  }

  get words(): ThreadMemory['words'] {
    return this.thread.words;
  }

  memory(addressSpaceName: string): GuestMemory {
    const index = this.inbox.addressSpace(addressSpaceName);
    if (!this.thread.reader.isOnline) {
      this.thread.session.attach();
      setImmediate(() => this.thread.leave(PHASE_RUNNING));
    } else if (this.thread.reader.quiescent()) this.thread.session.refresh();
    return this.thread.port(index);
  }

  /** Runs `wait`, which blocks, holding no layout. */
  whileAway<T>(wait: () => T): T {
    if (!this.thread.reader.isOnline) return wait();
    this.thread.session.detach(PHASE_WAITING_FOR_DEVICE);
    try {
      return wait();
    } finally {
      this.thread.session.attach();
    }
  }
}
