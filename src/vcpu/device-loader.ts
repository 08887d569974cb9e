/**
 * Loads a device's module into this thread, synchronously: a vCPU that meets a device in the middle of
 * its loop loads it within that access, so the access is neither lost nor done twice
 * (docs/decisions/0001-device-modules-load-synchronously.md).
 * A module is evaluated once a thread; its factory is called once a device and thread.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { FullAccessRules } from '../base/access-rules.ts';
import { describeValue } from '../base/arguments.ts';
import { assert } from '../base/assert.ts';
import type {
  AnyDeviceCallbacks,
  AskHandler,
  DeviceContext,
  DeviceModule,
  HostedDeviceContext,
} from '../base/device-binding.ts';
import { MemoryError } from '../base/errors.ts';
import type { GuestMemory } from '../base/guest-memory.ts';
import type { TranslatorModule } from '../base/iommu.ts';
import { postedFromError } from '../base/posted-error.ts';
import { READER_INTERRUPTS, readerWord, type SharedWords, VCPU_COUNT_MAX } from '../layout/control-block.ts';

const load = createRequire(import.meta.url);

/** Wakes `vcpu` from waitForInterrupt(), or makes its next one return at once. */
export function raiseInterrupt(words: SharedWords, vcpu: number): void {
  if (!Number.isInteger(vcpu) || vcpu < 0 || vcpu >= VCPU_COUNT_MAX) {
    throw new MemoryError(
      'INVALID_ARGUMENT',
      `interrupt(${describeValue(vcpu)}): there is no such vCPU; ids are 0 to ${VCPU_COUNT_MAX - 1}`,
    );
  }
  const word = readerWord(vcpu) + READER_INTERRUPTS;
  Atomics.add(words, word, 1); // pairs with Vcpu.waitForInterrupt
  Atomics.notify(words, word);
}

/** How devices of a thread access memory. */
export interface DeviceMemory {
  /** Call it before each use: see DeviceContext.memory. */
  memory(addressSpaceName: string): GuestMemory;
}

export interface DeviceSurroundings {
  readonly words: SharedWords;
  readonly vcpu: number;
  /** Null where a device is only loaded, never called. */
  readonly memory: DeviceMemory | null;
  /** Asks the control thread, and waits; refused where it is not given. */
  readonly ask?: AskHandler;
}

/** The context of a device in this thread; `vcpu` is set anew for each access where a thread serves several. */
export class LoadedDeviceContext implements HostedDeviceContext {
  readonly regionName: string;
  readonly state: SharedArrayBuffer;
  readonly data: unknown;
  vcpu: number;
  private readonly around: DeviceSurroundings;

  constructor(module: TranslatorModule, regionName: string, around: DeviceSurroundings) {
    this.regionName = regionName;
    this.state = module.state;
    this.data = module.data;
    this.vcpu = around.vcpu;
    this.around = around;
  }

  interrupt(vcpu: number): void {
    raiseInterrupt(this.around.words, vcpu);
  }

  memory(addressSpaceName: string): GuestMemory {
    const { memory } = this.around;
    assert(memory !== null, 'a device whose callbacks are called has memory');
    return memory.memory(addressSpaceName);
  }

  ask(message: unknown): unknown {
    return (this.around.ask ?? refuseAsk)(message);
  }
}

function refuseAsk(): never {
  throw new MemoryError(
    'INVALID_ARGUMENT',
    'ask() in a device that every vCPU loads: its calls hold up the vCPU and its lock; home it with hostedDevice() or controlDevice()',
  );
}

/** @throws MemoryError DEVICE_MODULE_INVALID naming the module, the export and the mend */
export function loadDevice(module: DeviceModule, context: DeviceContext): AnyDeviceCallbacks {
  const callbacks = makeFromModule(module, context);
  const problem = callbackProblem(callbacks, module.rules);
  if (problem !== null) {
    throw invalid(
      module.module,
      `its factory '${module.exportName}' must return an object ${problem}; an asynchronous factory cannot`,
    );
  }
  return callbacks as AnyDeviceCallbacks;
}

/** What the module's factory returns. @throws MemoryError DEVICE_MODULE_INVALID */
export function makeFromModule({ module, exportName }: TranslatorModule, context: DeviceContext): unknown {
  const exports = loadModule(module);
  const factory = exports[exportName];
  if (typeof factory !== 'function') {
    const found = Object.keys(exports).filter((name) => name !== '__esModule');
    throw invalid(
      module,
      `it has no export '${exportName}' that is a function (it exports: ${found.join(', ') || 'nothing'}); ` +
        `write 'export ${exportName === 'default' ? 'default function' : `function ${exportName}`}(context) { … }' or name another export`,
    );
  }
  try {
    return (factory as (context: DeviceContext) => unknown)(context);
  } catch (error) {
    throw invalid(
      module,
      `its factory '${exportName}' threw for region '${context.regionName}': ${postedFromError(error).message}`,
      error,
    );
  }
}

/** What a device's callbacks lack, to be read after "an object"; null if nothing. */
export function callbackProblem(callbacks: unknown, rules: FullAccessRules): string | null {
  const has = (name: string): boolean =>
    typeof callbacks === 'object' &&
    callbacks !== null &&
    typeof (callbacks as Record<string, unknown>)[name] === 'function';
  if (!(has('read') && has('write')) && !(has('readWithAttrs') && has('writeWithAttrs'))) {
    return 'with the functions read(offset, size) and write(offset, value, size), or readWithAttrs and writeWithAttrs';
  }
  if (Math.max(rules.implMin, rules.implMax) === 8 && !(has('read64') && has('write64'))) {
    return 'with the functions read64(offset, attrs) and write64(offset, value, attrs), since its access rules implement 8 bytes';
  }
  return null;
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
    throw invalid(url, `it does not load: ${postedFromError(error).message}`, error);
  }
}

function invalid(module: string, what: string, cause?: unknown): MemoryError {
  return new MemoryError('DEVICE_MODULE_INVALID', `device module ${module}: ${what}`, { cause });
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;
