/**
 * The threads where devices are homed: the control thread itself (host 0) and device workers.
 * Guarantee: DEVICE_HOST_ALIVE of a host is 1 from before its first device is attached until its thread's
 * exit was confirmed, and never 1 again; after that, pending and later accesses end with MEMTX_ERROR.
 * Writes: DEVICE_HOST_ALIVE; the host words of host 0 through MailboxResponder.
 */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { FullAccessRules } from '../base/access-rules.ts';
import type { DeviceBinding, HostedDevice } from '../base/device-binding.ts';
import { MemoryError } from '../base/errors.ts';
import type { AttachedDevice, SharedMachine } from '../layout/attachments.ts';
import {
  DEVICE_HOST_COUNT_MAX,
  deviceHostWord,
  hostReaderSlot,
  mailboxWord,
  READER_COUNT_MAX,
  type SharedWords,
} from '../layout/control-block.ts';
import { DEVICE_HOST_ALIVE, DEVICE_HOST_CONTROL, MAILBOX_STATE } from '../layout/mailbox.ts';
import { MailboxResponder } from '../mailbox/responder.ts';
import { DeviceHandler, type ReentrancyGuard } from '../vcpu/device-handler.ts';
import { callbackProblem } from '../vcpu/device-loader.ts';
import type { DeviceReport } from '../vcpu/failure-reports.ts';
import { guardOf } from '../vcpu/route-loader.ts';
import type { AttachmentHub } from './attachment-hub.ts';
import { ControlDevices } from './control-devices.ts';
import { AskAnswerer } from './device-asks.ts';
import type { DeviceHostNews, DeviceHostOrder, DeviceHostTask } from './device-host-thread.ts';
import type { DeviceLocks } from './device-locks.ts';
import { endGoneReader } from './gone-reader.ts';
import { assertDeviceData } from './postable.ts';
import { workerEntry } from './worker-entry.ts';

/** A device host that ended though nobody closed it. */
export interface DeviceHostDeath {
  readonly host: number;
  readonly exitCode: number;
  /** What its thread threw; null if it exited without a word. */
  readonly error: Error | null;
}

/** The part of a MemoryRegion that devices are told of. */
export interface DeviceRegion {
  readonly name: string;
  readonly owner: unknown;
}

export interface DeviceHostsOptions {
  /** What `native` means in access rules. */
  readonly guestEndianness: 'little' | 'big';
  readonly onDeviceReport: (report: DeviceReport) => void;
  readonly onHostDeath: (death: DeviceHostDeath) => void;
}

/** What a device worker needs to access memory as a reader. */
export interface DeviceHostsParts {
  readonly grace: { addReader(slot: number): void; removeReader(slot: number): void };
  readonly hub: AttachmentHub;
  readonly locks: DeviceLocks;
  /** Told of the reader slot of a host whose thread has exited. */
  readonly onGone?: (slot: number) => void;
}

const OUTSIDE_AN_ACCESS = -1;

/** How long a device worker has to exit before it is ended. */
const CLOSE_TIMEOUT_MS = 1000;

interface DeviceWorker {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly attachmentPort: MessagePort;
  readonly answerer: AskAnswerer;
  readonly exited: Promise<void>;
  closing: boolean;
}

export class DeviceHosts {
  /** The control thread's own devices. */
  readonly control = new ControlDevices();
  private readonly words: SharedWords;
  private readonly machine: SharedMachine;
  private readonly parts: DeviceHostsParts;
  private readonly options: DeviceHostsOptions;
  private readonly ownerNumbers = new Map<unknown, number>();
  private readonly guards = new Map<number, ReentrancyGuard>();
  private readonly responder: MailboxResponder;
  private readonly workers = new Map<number, DeviceWorker>();
  private nextHost = DEVICE_HOST_CONTROL + 1;
  private closed = false;

  constructor(machine: SharedMachine, parts: DeviceHostsParts, options: DeviceHostsOptions) {
    const words = new Int32Array(machine.control);
    this.words = words;
    this.machine = machine;
    this.parts = parts;
    this.options = options;
    this.responder = new MailboxResponder(words, DEVICE_HOST_CONTROL, this.control);
    Atomics.store(words, deviceHostWord(DEVICE_HOST_CONTROL) + DEVICE_HOST_ALIVE, 1);
    this.responder.start();
  }

  /**
   * Starts a device worker. Resolves with its number, for hostedDevice(), once it serves.
   * Rejects with MemoryError DEVICE_HOSTS_EXHAUSTED, MACHINE_CLOSED, or DEVICE_HOST_DEAD if it does not come up.
   */
  async startHost(): Promise<number> {
    if (this.closed) throw new MemoryError('MACHINE_CLOSED', 'a closed machine starts no device host');
    const host = this.nextHost;
    if (host >= DEVICE_HOST_COUNT_MAX) {
      throw new MemoryError(
        'DEVICE_HOSTS_EXHAUSTED',
        `a machine has at most ${DEVICE_HOST_COUNT_MAX - 1} device hosts in its life; home several devices in one`,
      );
    }
    this.nextHost += 1;
    const { port1, port2 } = new MessageChannel();
    const asks = new MessageChannel();
    const answerer = new AskAnswerer(this.words, host, asks.port1);
    const attachments = new MessageChannel();
    const task: DeviceHostTask = {
      ...{ host, machine: this.machine, port: port2 },
      attachmentPort: attachments.port2,
      askPort: asks.port2,
    };
    const { filename, options, workerData } = workerEntry('device');
    const worker = new Worker(filename, {
      ...options,
      workerData: { ...workerData, task },
      transferList: [port2, asks.port2, attachments.port2],
    });
    attachments.port1.unref();
    this.parts.grace.addReader(hostReaderSlot(host));
    this.parts.hub.subscribe(attachments.port1);
    Atomics.store(this.words, deviceHostWord(host) + DEVICE_HOST_ALIVE, 1);
    await this.serving(host, worker, port1, attachments.port1, answerer);
    worker.unref(); // it serves vCPUs, and those keep the process alive
    port1.unref();
    return host;
  }

  /** Watches the worker for the rest of its life; resolves once it serves. */
  private serving(
    host: number,
    worker: Worker,
    port: MessagePort,
    attachmentPort: MessagePort,
    answerer: AskAnswerer,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      let failure: Error | null = null;
      port.on('message', (news: DeviceHostNews) => {
        if (news.kind === 'ready') resolve();
        else this.options.onDeviceReport(news.report);
      });
      worker.on('error', (error: Error) => {
        failure = error;
      });
      const exited = new Promise<void>((confirm) => {
        worker.on('exit', (exitCode) => {
          this.hostExited(host, exitCode, failure);
          reject(deadHost(host, failure));
          confirm();
        });
      });
      this.workers.set(host, { worker, port, attachmentPort, answerer, exited, closing: false });
    });
  }

  /**
   * Makes `device` reachable at its home and returns what the vCPUs must know of it; to call before the
   * first section that names it is published.
   * @throws MemoryError DEVICE_HOST_DEAD, or INVALID_ARGUMENT for what is no device
   */
  attach(device: number, region: DeviceRegion, binding: DeviceBinding): AttachedDevice {
    const rules = this.resolved(binding.rules);
    const guard = this.guardNumber(region, binding);
    switch (binding.placement) {
      case 'local': {
        const { placement, module, exportName, state, data } = binding;
        assertDeviceData(region.name, binding);
        const lock = binding.lock === 'own' ? this.parts.locks.add() : binding.lock;
        return { placement, lock, module, exportName, state, data, rules, guard };
      }
      case 'control': {
        const problem = callbackProblem(binding.callbacks, rules);
        if (problem !== null) {
          throw new MemoryError(
            'INVALID_ARGUMENT',
            `the device of region '${region.name}' must be an object ${problem}`,
          );
        }
        const handled = { device, regionName: region.name, callbacks: binding.callbacks, rules };
        const own = { ...handled, guard: guardOf(this.guards, guard) };
        this.control.add(device, new DeviceHandler(own, OUTSIDE_AN_ACCESS, this.options.onDeviceReport));
        return { placement: 'homed', host: DEVICE_HOST_CONTROL, rules, guard };
      }
      case 'hosted':
        assertDeviceData(region.name, binding);
        this.order(device, region.name, { ...binding, rules }, guard);
        return { placement: 'homed', host: binding.host, rules, guard };
    }
  }

  /**
   * Has the host of an attached device replay its ring of coalesced writes before each access; RING_UNSERVED goes
   * when it does.
   */
  attachRing(device: number, host: number, ring: SharedArrayBuffer): void {
    if (host === DEVICE_HOST_CONTROL) this.control.rings.add(device, this.control.handlerOf(device), ring);
    else {
      const order: DeviceHostOrder = { kind: 'ring', device, ring };
      this.workers.get(host)?.port.postMessage(order); // one that has ended serves nothing
    }
  }

  /** Whether a host may still answer. */
  isAlive(host: number): boolean {
    return Atomics.load(this.words, deviceHostWord(host) + DEVICE_HOST_ALIVE) !== 0;
  }

  /** Serves what device workers ask of the control thread, for one that waits and so has no event loop. */
  answerAsks(): void {
    for (const { answerer } of this.workers.values()) answerer.answerPosted();
  }

  private resolved(rules: FullAccessRules): FullAccessRules {
    if (rules.endianness !== 'native') return rules;
    return { ...rules, endianness: this.options.guestEndianness };
  }

  /** Devices of one owner share a number; null without an owner, and where the device opted out. */
  private guardNumber({ owner }: DeviceRegion, binding: DeviceBinding): number | null {
    const isParallel = binding.placement === 'local' && binding.lock === 'none';
    if (owner === null || isParallel || binding.rules.disableReentrancyGuard) return null;
    const known = this.ownerNumbers.get(owner) ?? this.ownerNumbers.size;
    this.ownerNumbers.set(owner, known);
    return known;
  }

  /** Ends one device worker, after which its devices answer with MEMTX_ERROR. */
  async closeHost(host: number): Promise<void> {
    const worker = this.workers.get(host);
    if (worker === undefined) return;
    worker.closing = true;
    worker.port.postMessage({ kind: 'close' } satisfies DeviceHostOrder);
    const timer = setTimeout(() => void worker.worker.terminate(), CLOSE_TIMEOUT_MS);
    await worker.exited;
    clearTimeout(timer);
  }

  /** Ends every host. Call it when no vCPU runs any more. */
  async close(): Promise<void> {
    this.closed = true;
    this.responder.stop();
    this.declareDead(DEVICE_HOST_CONTROL);
    await Promise.all([...this.workers.keys()].map((host) => this.closeHost(host)));
  }

  private order(device: number, regionName: string, binding: HostedDevice, guard: number | null): void {
    const { module, exportName, state, data, rules } = binding;
    const worker = this.workers.get(binding.host);
    if (worker !== undefined && !worker.closing) {
      if (binding.onAsk !== null) worker.answerer.add(device, binding.onAsk);
      const own = { module, exportName, state, data, rules };
      const order: DeviceHostOrder = { kind: 'device', device, regionName, module: own, guard };
      worker.port.postMessage(order);
      return;
    }
    if (
      Number.isInteger(binding.host) &&
      binding.host > DEVICE_HOST_CONTROL &&
      binding.host < this.nextHost
    ) {
      throw deadHost(binding.host, null);
    }
    throw new MemoryError(
      'INVALID_ARGUMENT',
      `there is no device host ${binding.host} for region '${regionName}'; use what 'await machine.startDeviceHost()' gives`,
    );
  }

  private hostExited(host: number, exitCode: number, error: Error | null): void {
    const worker = this.workers.get(host);
    this.workers.delete(host);
    if (worker !== undefined) {
      this.parts.hub.unsubscribe(worker.attachmentPort);
      for (const port of [worker.port, worker.attachmentPort, worker.answerer]) port.close();
    }
    endGoneReader(this.words, this.parts.locks, hostReaderSlot(host));
    this.parts.grace.removeReader(hostReaderSlot(host));
    this.declareDead(host);
    this.parts.onGone?.(hostReaderSlot(host));
    if (worker?.closing !== true) this.options.onHostDeath({ host, exitCode, error });
  }

  /** No thread answers for `host` any more: whoever waits for it finds that out now. */
  private declareDead(host: number): void {
    Atomics.store(this.words, deviceHostWord(host) + DEVICE_HOST_ALIVE, 0); // pairs with MailboxRequester
    for (let slot = 0; slot < READER_COUNT_MAX; slot += 1) {
      Atomics.notify(this.words, mailboxWord(slot) + MAILBOX_STATE);
    }
  }
}

function deadHost(host: number, cause: Error | null): MemoryError {
  const why = cause === null ? '' : ` (${cause.message})`;
  return new MemoryError(
    'DEVICE_HOST_DEAD',
    `device host ${host} has ended${why}; start another with 'await machine.startDeviceHost()'`,
    cause === null ? {} : { cause },
  );
}
