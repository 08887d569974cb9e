/**
 * A device worker: loads the devices that are homed in it and serves their accesses from its event loop.
 * Guarantee: a device that was posted before a root named it is known when its first access arrives; every
 * access is answered, with MEMTX_ERROR where the module does not load or the handler fails.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import type { DeviceCallbacks, DeviceModule } from '../base/device-binding.ts';
import { MEMTX_OK, type MemTxResult } from '../base/mem-tx-result.ts';
import type { SharedWords } from '../layout/control-block.ts';
import { type AccessServer, MailboxResponder } from '../mailbox/responder.ts';
import { DeviceHandler, type DeviceReport } from '../vcpu/device-handler.ts';
import { LoadedDeviceContext, loadDevice } from '../vcpu/device-loader.ts';
import { ControlAsker } from './device-asks.ts';

/** What the thread is started with. */
export interface DeviceHostTask {
  readonly host: number;
  readonly control: SharedArrayBuffer;
  /** DeviceHostOrder in, DeviceHostNews out. */
  readonly port: MessagePort;
  /** For device-asks.ts. */
  readonly askPort: MessagePort;
}

export type DeviceHostOrder =
  | {
      readonly kind: 'device';
      readonly device: number;
      readonly regionName: string;
      readonly module: DeviceModule;
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
const NO_CALLBACKS: DeviceCallbacks = { read: () => 0, write: () => {} };

export function runDeviceHost(task: DeviceHostTask): void {
  const { host, port } = task;
  const words: SharedWords = new Int32Array(task.control);
  const server = new HostedDevices(words, port, new ControlAsker(words, host, task.askPort));
  const responder = new MailboxResponder(words, host, server);
  server.onClose = () => {
    responder.stop();
    process.exit(0); // of this thread: timers of devices must not keep it
  };
  port.on('message', (order: DeviceHostOrder) => server.obey(order)); // keeps the thread alive
  responder.start();
  tell(port, { kind: 'ready' });
}

class HostedDevices implements AccessServer {
  result: MemTxResult = MEMTX_OK;
  onClose: () => void = () => {};
  private readonly words: SharedWords;
  private readonly port: MessagePort;
  private readonly asker: ControlAsker;
  private readonly devices = new Map<number, Hosted>();

  constructor(words: SharedWords, port: MessagePort, asker: ControlAsker) {
    this.words = words;
    this.port = port;
    this.asker = asker;
  }

  obey(order: DeviceHostOrder): void {
    if (order.kind === 'close') this.onClose();
    else this.devices.set(order.device, this.load(order));
  }

  serve(slot: number, device: number, offset: number, access: number, value: number): number {
    const hosted = this.find(device);
    const { handler, context } = hosted;
    handler.vcpu = slot;
    context.vcpu = slot;
    const answer = serveAccess(handler, offset, access, value, hosted.problem);
    context.vcpu = OUTSIDE_AN_ACCESS;
    this.result = handler.result;
    return answer;
  }

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
    const ask = (message: unknown): unknown => this.asker.ask(device, message);
    const context = new LoadedDeviceContext(module, regionName, this.words, OUTSIDE_AN_ACCESS, ask);
    const report = (news: DeviceReport): void => tell(this.port, { kind: 'report', report: news });
    try {
      const callbacks = loadDevice(module, context);
      const handler = new DeviceHandler({ device, regionName, callbacks }, OUTSIDE_AN_ACCESS, report);
      return { handler, context, problem: null };
    } catch (error) {
      const handled = { device, regionName, callbacks: NO_CALLBACKS };
      return { handler: new DeviceHandler(handled, OUTSIDE_AN_ACCESS, report), context, problem: error };
    }
  }
}

/**
 * One access of `handler`'s device, in the mailbox's terms.
 * @param problem why the device cannot be called; null where it can
 */
export function serveAccess(
  handler: DeviceHandler,
  offset: number,
  access: number,
  value: number,
  problem: unknown,
): number {
  const size = Math.abs(access);
  if (problem !== null) return handler.fail(offset, size, access < 0, 'its module does not load', problem);
  if (access > 0) return handler.read(offset, size);
  handler.write(offset, size === 4 ? value >>> 0 : value & ((1 << (size << 3)) - 1), size);
  return 0;
}

function tell(port: MessagePort, news: DeviceHostNews): void {
  port.postMessage(news);
}
