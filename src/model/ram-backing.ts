/**
 * Where the bytes of a RAM region come from: reserved for it by the machine that shows it, or the caller's own.
 * Immutable; publish/ reads it when the region is backed.
 */
import {
  describeValue,
  functionFromArgument,
  invalidArgument,
  optionsFromArgument,
} from '../base/arguments.ts';
import { RamFile, type RamFileOptions } from './ram-file.ts';

/** Typed views of 8 bytes must fit the bytes, and their buffer as a whole. */
const BUFFER_ALIGN = 8;

/** Part of a buffer of the caller. */
interface OwnBytes {
  readonly buffer: SharedArrayBuffer;
  readonly byteOffset: number;
  readonly sizeBytes: number;
}

export interface RamBacking {
  /** Whether the bytes are part of the machine, rather than of something that it is given. */
  readonly migratable: boolean;
  /** The caller's bytes; null where the machine reserves zeros at the first use. */
  readonly own: OwnBytes | null;
  /** All of this is there from the start, and the region can be no larger; null where more is added as it grows. */
  readonly capacityBytes: bigint | null;
  /** Where the bytes were read from. */
  readonly file: RamFile | null;
  /** Told of a new size by Machine.resizeRam(); null where only setSize() changes it. */
  readonly onResized: ((size: bigint) => void) | null;
}

/** Zeros that are reserved at the first use, in blocks as many as the region comes to need. */
export const RESERVED_RAM: RamBacking = {
  migratable: true,
  own: null,
  capacityBytes: null,
  file: null,
  onResized: null,
};
/** The same for what has no part in the machine's own state. */
export const RESERVED_DEVICE_RAM: RamBacking = { ...RESERVED_RAM, migratable: false };

/** Which part of a buffer of the caller becomes RAM. */
export interface BufferWindow {
  /** First byte in the buffer, a multiple of 8; 0 by default. */
  readonly byteOffset?: number;
  /** Bytes from there on; all that are left by default. */
  readonly sizeBytes?: number;
}

/**
 * RAM over the caller's bytes.
 * @throws MemoryError INVALID_ARGUMENT for what cannot be shared, or a window that is not in it
 */
export function backingOver(where: string, buffer: SharedArrayBuffer, window: BufferWindow): RamBacking {
  const { byteOffset = 0, sizeBytes } = optionsFromArgument(where, window);
  const refuse = (what: string): never => {
    throw invalidArgument(where, what);
  };
  const given: unknown = buffer;
  if (given instanceof ArrayBuffer || ArrayBuffer.isView(given)) {
    refuse('vCPU threads can share only a SharedArrayBuffer; make one and copy the bytes into it');
  }
  if (!(given instanceof SharedArrayBuffer)) {
    refuse(`buffer must be a SharedArrayBuffer, got ${describeValue(given)}`);
  }
  if (buffer.growable)
    refuse('the buffer is growable, which makes each access slow; give one of fixed length');
  if (buffer.byteLength % BUFFER_ALIGN !== 0) {
    refuse(`the buffer must have a multiple of ${BUFFER_ALIGN} bytes, not ${buffer.byteLength}`);
  }
  if (!Number.isSafeInteger(byteOffset) || byteOffset < 0 || byteOffset % BUFFER_ALIGN !== 0) {
    refuse(`byteOffset must be a multiple of ${BUFFER_ALIGN} from 0, got ${describeValue(byteOffset)}`);
  }
  const left = buffer.byteLength - byteOffset;
  const size = sizeBytes ?? left;
  if (!Number.isSafeInteger(size) || size < 0 || size > left) {
    refuse(
      `${describeValue(size)} bytes from ${byteOffset} on are not in a buffer of ${buffer.byteLength} bytes`,
    );
  }
  return {
    ...RESERVED_DEVICE_RAM,
    own: { buffer, byteOffset, sizeBytes: size },
    capacityBytes: BigInt(size),
  };
}

/** RAM with the bytes of a file. @throws MemoryError RAM_FILE_UNUSABLE, RAM_FILE_TOO_SHORT, RAM_EXHAUSTED */
export function backingFromFile(where: string, options: RamFileOptions): RamBacking {
  const file = new RamFile(where, options);
  const { buffer, sizeBytes } = file;
  return { ...backingOver(where, buffer, { sizeBytes }), file };
}

/** What RAM that changes its size is made with. */
export interface ResizableOptions {
  /** Called with the new size after the transaction in which Machine.resizeRam() changed it. */
  readonly onResized?: (size: bigint) => void;
}

/** RAM of at most `sizeMax` bytes, all reserved at once. @throws MemoryError INVALID_ARGUMENT */
export function resizableBacking(
  where: string,
  size: bigint,
  sizeMax: bigint,
  options: ResizableOptions,
): RamBacking {
  const { onResized = () => {} } = optionsFromArgument(where, options);
  functionFromArgument(where, 'onResized', onResized);
  if (size > sizeMax) {
    throw invalidArgument(
      where,
      `size 0x${size.toString(16)} is past the largest size, 0x${sizeMax.toString(16)}`,
    );
  }
  return { ...RESERVED_DEVICE_RAM, capacityBytes: sizeMax, onResized };
}
