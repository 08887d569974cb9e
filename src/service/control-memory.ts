/**
 * The control thread's own ports. It is the only one that publishes and reclaims, so it is no reader of the
 * grace protocol: its ports take each new layout in the course of its publication.
 * Guarantee: an access from the control thread is answered by the newest layout. What it waits for is bounded: a
 * device lock or a host that does not answer in time fails the access with MEMTX_ERROR. For dirty logging each of
 * its turns is a checkpoint.
 */
import { type IommuTranslation, permissionFromBits } from '../base/iommu.ts';
import type { SharedMachine } from '../layout/attachments.ts';
import { hostReaderSlot, WORD_DIRTY_EPOCH } from '../layout/control-block.ts';
import { DEVICE_HOST_CONTROL } from '../layout/mailbox.ts';
import type { AttentiveWait } from '../mailbox/requester.ts';
import { Attachments } from '../vcpu/attachment-inbox.ts';
import type { ReportDevice } from '../vcpu/failure-reports.ts';
import type { MemoryPort } from '../vcpu/memory-port.ts';
import type { DeviceHome } from '../vcpu/route-loader.ts';
import { ThreadMemory } from '../vcpu/thread-memory.ts';
import type { AttachmentReceiver } from './attachment-hub.ts';

export class ControlMemory implements AttachmentReceiver {
  private readonly memory: ThreadMemory;
  private readonly attachments: Attachments;
  private closed = false;

  constructor(machine: SharedMachine, report: ReportDevice, home: DeviceHome, wait: AttentiveWait) {
    this.memory = new ThreadMemory(machine, hostReaderSlot(DEVICE_HOST_CONTROL), report, home);
    const { devices, session } = this.memory;
    devices.memory = { memory: (name) => this.memory.port(this.attachments.addressSpace(name)) };
    devices.beAttentive(wait);
    this.attachments = new Attachments(this.memory);
    this.memory.holds.clients.useEventLoop(this.memory.words, hostReaderSlot(DEVICE_HOST_CONTROL));
    session.attach();
    void this.rearmInTurns();
  }

  postMessage(attachment: Parameters<Attachments['take']>[0]): void {
    this.attachments.take(attachment);
  }

  /** To call in each publication, before what it replaced may be reclaimed. */
  refresh(): void {
    this.memory.session.refresh();
  }

  /** What this thread's copy of a translator answers; null also where it fails. */
  translate(translator: number, iova: bigint, index: number): IommuTranslation | null {
    const answer = this.memory.translators.translate(translator, iova, 0, index);
    return answer && { ...answer, permission: permissionFromBits(answer.permission) };
  }

  /** To call after dirty bits were cleared: stores look at them again. */
  rearm(): void {
    this.memory.session.rearm();
  }

  close(): void {
    this.closed = true;
    Atomics.notify(this.memory.words, WORD_DIRTY_EPOCH); // ends our own wait
  }

  /** Replays what is queued for devices that this thread calls, and has the other hosts replay theirs. */
  replayQueued(): void {
    this.memory.devices.replayQueued();
  }

  /** The port to the address space with that index. */
  port(addressSpace: number): MemoryPort {
    return this.memory.port(addressSpace);
  }

  /** A vCPU that cleared dirty bits waits until this thread, too, has seen it. */
  private async rearmInTurns(): Promise<void> {
    const { words, session } = this.memory;
    while (!this.closed) {
      const wait = Atomics.waitAsync(words, WORD_DIRTY_EPOCH, session.dirtyEpoch); // pairs with CodeWatch
      if (wait.async) await wait.value;
      session.rearm();
    }
  }
}
