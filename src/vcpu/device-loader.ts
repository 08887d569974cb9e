/**
 * Loads a device's module into this thread, synchronously: a vCPU that meets a device in the middle of
 * its loop loads it within that access, so the access is neither lost nor done twice
 * (docs/decisions/0001-device-modules-load-synchronously.md).
 * A module is evaluated once a thread; its factory is called once a device and thread.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type {
  AskHandler,
  DeviceCallbacks,
  DeviceContext,
  DeviceModule,
  HostedDeviceContext,
} from '../base/device-binding.ts';
import { MemoryError } from '../base/errors.ts';
import {
  READER_COUNT_MAX,
  READER_INTERRUPTS,
  readerWord,
  type SharedWords,
} from '../layout/control-block.ts';

const load = createRequire(import.meta.url);

/** Wakes `vcpu` from waitForInterrupt(), or makes its next one return at once. */
export function raiseInterrupt(words: SharedWords, vcpu: number): void {
  if (!Number.isInteger(vcpu) || vcpu < 0 || vcpu >= READER_COUNT_MAX) {
    throw new MemoryError(
      'INVALID_ARGUMENT',
      `interrupt(${String(vcpu)}): there is no such vCPU; ids are 0 to ${READER_COUNT_MAX - 1}`,
    );
  }
  const word = readerWord(vcpu) + READER_INTERRUPTS;
  Atomics.add(words, word, 1); // pairs with Vcpu.waitForInterrupt
  Atomics.notify(words, word);
}

/** The context of a device in this thread; `vcpu` is set anew for each access where a thread serves several. */
export class LoadedDeviceContext implements HostedDeviceContext {
  readonly regionName: string;
  readonly state: SharedArrayBuffer;
  readonly data: unknown;
  vcpu: number;
  private readonly words: SharedWords;

  private readonly askControl: AskHandler;

  /** @param askControl asks the control thread, and waits */
  constructor(
    module: DeviceModule,
    regionName: string,
    words: SharedWords,
    vcpu: number,
    askControl: AskHandler = refuseAsk,
  ) {
    this.regionName = regionName;
    this.state = module.state;
    this.data = module.data;
    this.words = words;
    this.vcpu = vcpu;
    this.askControl = askControl;
  }

  interrupt(vcpu: number): void {
    raiseInterrupt(this.words, vcpu);
  }

  ask(message: unknown): unknown {
    return this.askControl(message);
  }
}

function refuseAsk(): never {
  throw new MemoryError(
    'INVALID_ARGUMENT',
    'ask() in a device that every vCPU loads: its calls hold up the vCPU and its lock; home it with hostedDevice() or controlDevice()',
  );
}

/** @throws MemoryError DEVICE_MODULE_INVALID naming the module, the export and the mend */
export function loadDevice(module: DeviceModule, context: DeviceContext): DeviceCallbacks {
  const { exportName } = module;
  const exports = loadModule(module.module);
  const factory = exports[exportName];
  if (typeof factory !== 'function') {
    const found = Object.keys(exports).filter((name) => name !== '__esModule');
    throw invalid(
      module.module,
      `it has no export '${exportName}' that is a function (it exports: ${found.join(', ') || 'nothing'}); ` +
        `write 'export ${exportName === 'default' ? 'default function' : `function ${exportName}`}(context) { … }' or name another export`,
    );
  }
  let callbacks: unknown;
  try {
    callbacks = (factory as (context: DeviceContext) => unknown)(context);
  } catch (error) {
    throw invalid(
      module.module,
      `its factory '${exportName}' threw for region '${context.regionName}': ${messageOf(error)}`,
      error,
    );
  }
  if (!areCallbacks(callbacks)) {
    throw invalid(
      module.module,
      `its factory '${exportName}' must return an object with the functions read(offset, size) and ` +
        'write(offset, value, size); an asynchronous factory cannot',
    );
  }
  return callbacks;
}

export function areCallbacks(callbacks: unknown): callbacks is DeviceCallbacks {
  if (typeof callbacks !== 'object' || callbacks === null) return false;
  const { read, write } = callbacks as Partial<DeviceCallbacks>;
  return typeof read === 'function' && typeof write === 'function';
}

function loadModule(url: string): Record<string, unknown> {
  let path: string;
  try {
    path = fileURLToPath(url);
  } catch (error) {
    throw invalid(url, "it is not a file URL; give new URL('./device.js', import.meta.url)", error);
  }
  try {
    return load(path) as Record<string, unknown>;
  } catch (error) {
    if (codeOf(error) === 'ERR_REQUIRE_ASYNC_MODULE') {
      throw invalid(
        url,
        'it, or a module that it imports, has a top-level await; a device is loaded in the middle of an access and cannot wait',
        error,
      );
    }
    throw invalid(url, `it does not load: ${messageOf(error)}`, error);
  }
}

function invalid(module: string, what: string, cause?: unknown): MemoryError {
  return new MemoryError('DEVICE_MODULE_INVALID', `device module ${module}: ${what}`, { cause });
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;
