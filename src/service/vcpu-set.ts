/**
 * A machine's vCPUs: starts programs on a vCPU host, gives each a reader slot, steers them through shared
 * words, and cleans up after them, however they end.
 * Guarantee: a slot is freed only when its reader is offline by its own word or its thread's exit was
 * confirmed; then its hold on layouts, device locks and the mailbox ends, and the slot can be used again.
 * Writes: READER_RUN_STATE; a slot's other words, and its bit in a doorbell, while no thread has it.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { invalidArgument, optionsFromArgument } from '../base/arguments.ts';
import { callOut } from '../base/call-out.ts';
import { MemoryError } from '../base/errors.ts';
import type { SharedMachine } from '../layout/attachments.ts';
import {
  deviceHostWord,
  GENERATION_OFFLINE,
  mailboxWord,
  PHASE_NEVER_STARTED,
  READER_ANNOUNCED,
  READER_INTERRUPTS,
  READER_KICK,
  READER_PHASE,
  READER_RUN_STATE,
  RUN_STATE_RUN,
  readerWord,
  type SharedWords,
  VCPU_COUNT_MAX,
} from '../layout/control-block.ts';
import {
  DEVICE_HOST_ALIVE,
  DEVICE_HOST_DOORBELL,
  doorbellBit,
  hostOfState,
  MAILBOX_IDLE,
  MAILBOX_STATE,
} from '../layout/mailbox.ts';
import type { DeviceReport } from '../vcpu/failure-reports.ts';
import type { AttachmentHub } from './attachment-hub.ts';
import type { DeviceLocks } from './device-locks.ts';
import { endGoneReader } from './gone-reader.ts';
import { assertPostable } from './postable.ts';
import { programUrl, VcpuHandle } from './vcpu-handle.ts';
import type { VcpuHost } from './vcpu-host.ts';

/** The part of GraceWriter that vCPUs need. */
export interface ReaderRegistry {
  addReader(slot: number): void;
  /** The slot's reader is offline by itself or its thread has exited. */
  removeReader(slot: number): void;
  advance(): number;
}

export interface VcpuSetParts {
  readonly machine: SharedMachine;
  readonly grace: ReaderRegistry;
  readonly hub: AttachmentHub;
  readonly locks: DeviceLocks;
  readonly host: VcpuHost;
  /** vCPUs at a time: slots 0 to slotCount - 1. */
  readonly slotCount: number;
  readonly onDeviceReport: (report: DeviceReport) => void;
  /** Told of the slot of a vCPU that has ended, before the slot is free. */
  readonly onGone?: (slot: number) => void;
}

export interface VcpuStartOptions {
  /** A module whose default export is a VcpuProgram. */
  readonly program: URL | string;
  /** The program's second argument, cloned into its thread. */
  readonly data?: unknown;
  /** Names of address spaces; the first is the program's `vcpu.memory`. By default the machine's first. */
  readonly addressSpaces?: readonly string[];
}

export class VcpuSet {
  private readonly parts: VcpuSetParts;
  private readonly words: SharedWords;
  private readonly running = new Map<number, VcpuHandle>();
  private closed = false;

  constructor(parts: VcpuSetParts) {
    if (!(parts.slotCount >= 1 && parts.slotCount <= VCPU_COUNT_MAX)) {
      throw new MemoryError(
        'INVALID_ARGUMENT',
        `a machine has 1 to ${VCPU_COUNT_MAX} vCPU slots, not ${parts.slotCount}`,
      );
    }
    this.parts = parts;
    this.words = new Int32Array(parts.machine.control);
  }

  /** The vCPUs whose programs have not ended. */
  get vcpus(): readonly VcpuHandle[] {
    return [...this.running.values()];
  }

  /**
   * Starts a vCPU in the lowest free slot and returns at once; what goes wrong in its thread, a program
   * that does not load too, rejects the handle's `finished`.
   * @throws MemoryError VCPU_SLOTS_EXHAUSTED, VCPU_PROGRAM_INVALID, INVALID_ARGUMENT, MACHINE_CLOSED
   */
  start(options: VcpuStartOptions): VcpuHandle {
    const { data, addressSpaces = [] } = optionsFromArgument('startVcpu()', options);
    const program = programUrl(options.program);
    refuseNoNames(addressSpaces);
    assertPostable(data, "a vCPU's data");
    if (this.closed) throw new MemoryError('MACHINE_CLOSED', 'a closed machine starts no vCPU');
    const slot = this.freeSlot();
    this.resetSlot(slot);
    const { machine, grace, hub, host } = this.parts;
    const { port1, port2 } = new MessageChannel();
    port1.on('message', (report: DeviceReport) => this.parts.onDeviceReport(report));
    port1.unref(); // the host keeps the process alive while the vCPU runs
    grace.addReader(slot);
    hub.subscribe(port1);
    const run = host.start({ slot, machine, port: port2, program, data, addressSpaces });
    const ended = run.ended.then((end) => {
      this.release(slot, port1);
      return end;
    });
    const handle = new VcpuHandle({
      id: slot,
      words: this.words,
      run,
      ended,
      advance: () => grace.advance(),
    });
    this.running.set(slot, handle);
    return handle;
  }

  /** Resolves when every vCPU is paused or has ended. */
  async pause(): Promise<void> {
    await Promise.all(this.vcpus.map((vcpu) => vcpu.pause()));
  }

  resume(): void {
    for (const vcpu of this.vcpus) vcpu.resume();
  }

  /** Resolves when every vCPU has ended. @param timeoutMs after which a vCPU's thread is ended */
  async stop(timeoutMs?: number): Promise<void> {
    await Promise.all(this.vcpus.map((vcpu) => vcpu.stop(timeoutMs)));
  }

  /** Stops all and ends their threads. No vCPU can be started afterwards. */
  async close(timeoutMs?: number): Promise<void> {
    this.closed = true;
    await this.stop(timeoutMs);
    await this.parts.host.close();
  }

  private freeSlot(): number {
    for (let slot = 0; slot < this.parts.slotCount; slot += 1) {
      if (!this.running.has(slot) && this.mailboxIsQuiet(slot)) return slot;
    }
    throw new MemoryError(
      'VCPU_SLOTS_EXHAUSTED',
      `all ${this.parts.slotCount} vCPU slots are taken; stop a vCPU, or make the machine with more`,
    );
  }

  /**
   * False while a host may still answer what a vCPU that died had asked: its answer would land in the next
   * request of the slot. No thread has the slot, so only that one host writes this word.
   */
  private mailboxIsQuiet(slot: number): boolean {
    const host = this.askedBy(slot);
    return host < 0 || Atomics.load(this.words, deviceHostWord(host) + DEVICE_HOST_ALIVE) === 0;
  }

  /** The host that has still to answer a request of the slot; -1 if none has. */
  private askedBy(slot: number): number {
    return hostOfState(Atomics.load(this.words, mailboxWord(slot) + MAILBOX_STATE)); // pairs with MailboxResponder.serveSlot
  }

  /** A vCPU may have died between its request and its ring: without one the host would never look. */
  private ringForTheDead(slot: number): void {
    const host = this.askedBy(slot);
    if (host < 0) return;
    const doorbell = deviceHostWord(host) + DEVICE_HOST_DOORBELL;
    Atomics.or(this.words, doorbell, doorbellBit(slot)); // pairs with MailboxResponder.takeBells
    Atomics.notify(this.words, doorbell);
  }

  private resetSlot(slot: number): void {
    const reader = readerWord(slot);
    Atomics.store(this.words, mailboxWord(slot) + MAILBOX_STATE, MAILBOX_IDLE);
    Atomics.store(this.words, reader + READER_ANNOUNCED, GENERATION_OFFLINE);
    Atomics.store(this.words, reader + READER_INTERRUPTS, 0);
    Atomics.store(this.words, reader + READER_KICK, 0);
    Atomics.store(this.words, reader + READER_PHASE, PHASE_NEVER_STARTED);
    Atomics.store(this.words, reader + READER_RUN_STATE, RUN_STATE_RUN);
  }

  /** The slot's thread has let go of it or is gone. */
  private release(slot: number, port: MessagePort): void {
    this.tellLastReports(port);
    this.parts.hub.unsubscribe(port);
    port.close();
    endGoneReader(this.words, this.parts.locks, slot);
    this.ringForTheDead(slot);
    this.parts.onGone?.(slot);
    this.running.delete(slot);
    this.parts.grace.removeReader(slot);
  }

  /** The end of a run may overtake reports that were posted before it, for it comes by another port. */
  private tellLastReports(port: MessagePort): void {
    for (let last = receiveMessageOnPort(port); last !== undefined; last = receiveMessageOnPort(port)) {
      const report: DeviceReport = last.message;
      callOut(() => this.parts.onDeviceReport(report));
    }
  }
}

function refuseNoNames(names: readonly string[]): void {
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return;
  throw invalidArgument('startVcpu()', 'addressSpaces must be an array of the names of address spaces');
}
