/**
 * A device worker: loads the devices that are homed in it and serves their accesses from its event loop.
 * Guarantee: a device that was posted before a root named it is known when its first access arrives; every
 * access is answered, with MEMTX_ERROR where the module does not load or the handler fails.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import type { AnyDeviceCallbacks, DeviceModule } from '../base/device-binding.ts';
import type { MemTxAttrs } from '../base/mem-tx-attrs.ts';
import type { SharedMachine } from '../layout/attachments.ts';
import type { SharedWords } from '../layout/control-block.ts';
import { MailboxResponder } from '../mailbox/responder.ts';
import { DeviceHandler, type ReentrancyGuard } from '../vcpu/device-handler.ts';
import { LoadedDeviceContext, loadDevice } from '../vcpu/device-loader.ts';
import type { DeviceReport } from '../vcpu/failure-reports.ts';
import { guardOf } from '../vcpu/route-loader.ts';
import { ControlAsker } from './device-asks.ts';
import { HomedDevices } from './homed-devices.ts';
import { HostMemory } from './host-memory.ts';
import { serveAccess } from './serve-access.ts';

/** What the thread is started with. */
export interface DeviceHostTask {
  readonly host: number;
  readonly machine: SharedMachine;
  /** DeviceHostOrder in, DeviceHostNews out. */
  readonly port: MessagePort;
  /** For vcpu/attachment-inbox.ts. */
  readonly attachmentPort: MessagePort;
  /** For device-asks.ts. */
  readonly askPort: MessagePort;
}

export type DeviceHostOrder =
  | {
      readonly kind: 'device';
      readonly device: number;
      readonly regionName: string;
      /** With its rules' endianness resolved. */
      readonly module: DeviceModule;
      readonly guard: number | null;
    }
  | {
      /** From now on writes to the device may be queued: layout/coalesced-ring.ts. */
      readonly kind: 'ring';
      readonly device: number;
      readonly ring: SharedArrayBuffer;
    }
  | { readonly kind: 'close' };

export type DeviceHostNews =
  | { readonly kind: 'ready' }
  | { readonly kind: 'report'; readonly report: DeviceReport };

/** A device of this thread, or what keeps it from being one. */
interface Hosted {
  readonly handler: DeviceHandler;
  readonly context: LoadedDeviceContext;
  readonly problem: unknown;
}

const OUTSIDE_AN_ACCESS = -1;
const NO_CALLBACKS: AnyDeviceCallbacks = { read: () => 0, write: () => {} };

export function runDeviceHost(task: DeviceHostTask): void {
  const { host, port } = task;
  const server = new HostedDevices(task);
  const { words } = server;
  const responder = new MailboxResponder(words, host, server, () => resourceCount() <= resourcesAtStart);
  server.onClose = () => {
    responder.stop();
    process.exit(0); // of this thread: timers of devices must not keep it
  };
  port.on('message', (order: DeviceHostOrder) => server.obey(order)); // keeps the thread alive
  const resourcesAtStart = resourceCount();
  responder.start();
  tell(port, { kind: 'ready' });
}

/** What the event loop waits for: ports, and what devices add to them, such as timers, immediates, sockets and files. */
const resourceCount = (): number => process.getActiveResourcesInfo().length;

class HostedDevices extends HomedDevices {
  readonly host: number;
  onClose: () => void = () => {};
  private readonly port: MessagePort;
  readonly words: SharedWords;
  private readonly memory: HostMemory;
  private readonly asker: ControlAsker;
  private readonly devices = new Map<number, Hosted>();
  private readonly guards = new Map<number, ReentrancyGuard>();

  constructor(task: DeviceHostTask) {
    super();
    this.host = task.host;
    this.port = task.port;
    this.memory = new HostMemory(task.machine, task.attachmentPort, this.report, this);
    this.words = this.memory.words;
    this.asker = new ControlAsker(this.words, task.host, task.askPort);
  }

  obey(order: DeviceHostOrder): void {
    if (order.kind === 'close') this.onClose();
    else if (order.kind === 'ring') this.rings.add(order.device, this.handlerOf(order.device), order.ring);
    else this.devices.set(order.device, this.load(order));
  }

  protected perform(
    slot: number,
    device: number,
    offset: number,
    access: number,
    valueLo: number,
    valueHi: number,
    attrs: MemTxAttrs,
  ): number {
    const { handler, context, problem } = this.find(device);
    const outer = context.vcpu; // a replay may come from inside an access
    handler.vcpu = slot;
    context.vcpu = slot;
    const answer = serveAccess(handler, { offset, access, valueLo, valueHi, attrs }, problem);
    handler.vcpu = outer;
    context.vcpu = outer;
    this.take(handler);
    return answer;
  }

  handlerOf(device: number): DeviceHandler {
    return this.find(device).handler;
  }

  private readonly report = (report: DeviceReport): void => tell(this.port, { kind: 'report', report });

  private find(device: number): Hosted {
    for (;;) {
      const hosted = this.devices.get(device);
      if (hosted !== undefined) return hosted;
      const received = receiveMessageOnPort(this.port); // its event may come later than the access
      assert(
        received !== undefined,
        `device ${device} was posted to its host before its section was published`,
      );
      this.obey(received.message as DeviceHostOrder);
    }
  }

  private load(order: Extract<DeviceHostOrder, { kind: 'device' }>): Hosted {
    const { device, regionName, module } = order;
    const context = new LoadedDeviceContext(module, regionName, {
      words: this.memory.words,
      vcpu: OUTSIDE_AN_ACCESS,
      memory: this.memory,
      ask: (message) => this.memory.whileAway(() => this.asker.ask(device, message)),
    });
    const handled = { device, regionName, rules: module.rules, guard: guardOf(this.guards, order.guard) };
    let callbacks = NO_CALLBACKS;
    let problem: unknown = null;
    try {
      callbacks = loadDevice(module, context);
    } catch (error) {
      problem = error;
    }
    const handler = new DeviceHandler({ ...handled, callbacks }, OUTSIDE_AN_ACCESS, this.report);
    return { handler, context, problem };
  }
}

function tell(port: MessagePort, news: DeviceHostNews): void {
  port.postMessage(news);
}
