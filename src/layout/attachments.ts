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
  /** Its dirty bits: layout/dirty-bitmap.ts */
  readonly dirty: SharedArrayBuffer;
  /** Ports tell of each access to a device: base/trace.ts. */
  readonly traceAccesses?: boolean;
}

interface AttachedCommon {
  /** With their endianness resolved. */
  readonly rules: FullAccessRules;
  /** Devices of one owner have the same number; null where the device may be reached from inside itself. */
  readonly guard: number | null;
}

/** A doorbell on its way to another thread: layout/doorbell.ts. */
export interface DoorbellHandle {
  readonly id: number;
  readonly words: SharedArrayBuffer;
}

/** What a worker-local device is called under; a buffer: its own lock (layout/device-lock.ts). */
export type AttachedLock = 'shared' | 'none' | SharedArrayBuffer;

/** How a vCPU reaches a device: its own copy of the module, or the host that answers for it. */
export type AttachedDevice = AttachedCommon &
  (
    | ({ readonly placement: 'local'; readonly lock: AttachedLock } & DeviceModule)
    | { readonly placement: 'homed'; readonly host: number }
  );

/** A callback IOMMU as threads are told of it. */
export interface AttachedTranslator {
  readonly regionName: string;
  readonly module: TranslatorModule;
  /** Indexes of the address spaces where it may lead. */
  readonly targets: readonly number[];
}

/** An ioeventfd as threads that write need it. */
export interface AttachedEventfd {
  /** Bytes from the start of the region. */
  readonly offset: number;
  /** 0: a write of any length. */
  readonly size: number;
  /** What is written, as the little-endian value of its bytes; null: whatever. */
  readonly match: bigint | null;
  readonly doorbell: DoorbellHandle;
}

/** Part of a region in which writes may be queued; bytes from the start of the region. */
export interface AttachedRange {
  readonly start: number;
  readonly end: number;
}

export type Attachment =
  | {
      readonly kind: 'ram';
      readonly buffer: number;
      readonly bytes: SharedArrayBuffer;
      readonly dirty: SharedArrayBuffer;
    }
  | { readonly kind: 'drop-ram'; readonly buffer: number }
  | {
      readonly kind: 'device';
      readonly device: number;
      readonly regionName: string;
      readonly attached: AttachedDevice;
    }
  | { readonly kind: 'translator'; readonly translator: number; readonly attached: AttachedTranslator }
  | {
      /** All ioeventfds of a device that signal doorbells, in their order, instead of those before. */
      readonly kind: 'eventfds';
      readonly device: number;
      readonly eventfds: readonly AttachedEventfd[];
    }
  | {
      /** How accesses to a device are coalesced from now on. */
      readonly kind: 'coalesced';
      readonly device: number;
      readonly ranges: readonly AttachedRange[];
      /** Whether its accesses have all rings replayed first. */
      readonly flush: boolean;
      /** layout/coalesced-ring.ts; null while it never had a range. */
      readonly ring: SharedArrayBuffer | null;
    }
  | { readonly kind: 'address-space'; readonly index: number; readonly name: string };
