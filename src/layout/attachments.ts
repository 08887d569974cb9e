/**
 * What a reader thread needs besides the shared words, as messages. They are posted to the thread's
 * attachment port before the root that needs them is published, so a reader that meets an unknown
 * id drains the port synchronously (receiveMessageOnPort) and finds it there.
 */
import type { FullAccessRules } from '../base/access-rules.ts';
import type { DeviceModule } from '../base/device-binding.ts';
import type { TranslatorModule } from '../base/iommu.ts';

/** Plain data that a thread is started with; the rest comes over its attachment port. */
export interface SharedMachine {
  /** layout/control-block.ts */
  readonly control: SharedArrayBuffer;
  /** The arena: layout/map-entry.ts, section-record.ts, view-header.ts */
  readonly arena: SharedArrayBuffer;
  /** RAM buffer 0; RAM blocks are carved from it where they fit. */
  readonly ram: SharedArrayBuffer;
}

interface AttachedCommon {
  /** With their endianness resolved. */
  readonly rules: FullAccessRules;
  /** Devices of one owner have the same number; NO_GUARD where the device may be reached from inside itself. */
  readonly guard: number;
}

export const NO_GUARD = -1;

/** How a vCPU reaches a device: its own copy of the module, or the host that answers for it. */
export type AttachedDevice = AttachedCommon &
  (
    | ({ readonly placement: 'local'; readonly lock: 'shared' | 'none' } & DeviceModule)
    | { readonly placement: 'homed'; readonly host: number }
  );

/** A callback IOMMU as threads are told of it. */
export interface AttachedTranslator {
  readonly regionName: string;
  readonly module: TranslatorModule;
  /** Indexes of the address spaces where it may lead. */
  readonly targets: readonly number[];
}

export type Attachment =
  | { readonly kind: 'ram'; readonly buffer: number; readonly bytes: SharedArrayBuffer }
  | { readonly kind: 'drop-ram'; readonly buffer: number }
  | {
      readonly kind: 'device';
      readonly device: number;
      readonly regionName: string;
      readonly attached: AttachedDevice;
    }
  | { readonly kind: 'translator'; readonly translator: number; readonly attached: AttachedTranslator }
  | { readonly kind: 'address-space'; readonly index: number; readonly name: string };
