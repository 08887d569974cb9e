/**
 * MemTxAttrs: what travels with a guest's access, packed into one int32 so that a hot path can pass it on.
 *
 *   bits    name                     meaning
 *   0       MEMTXATTRS_UNSPECIFIED   the caller gave none; tells "all clear" from "not said"
 *   1       MEMTXATTRS_SECURE        TrustZone secure, x86 system management mode
 *   2       MEMTXATTRS_USER          unprivileged
 *   3       MEMTXATTRS_MEMORY        only RAM and ROM may be reached; devices answer MEMTX_ACCESS_ERROR
 *   4       MEMTXATTRS_DEBUG         a debugger's: writes reach read-only memory
 *   6-7     space                    Arm security space, 0 to 3
 *   8-15    pid                      process id for IOMMUs, 0 to 255
 *   16-31   requester id             bus master, such as a PCI bus:device.function, 0 to 65535
 *
 * @source QEMU include/exec/memattrs.h: names and meanings
 */
import { describeValue, optionsFromArgument } from './arguments.ts';
import { MemoryError } from './errors.ts';

export const MEMTXATTRS_UNSPECIFIED = 1;
export const MEMTXATTRS_SECURE = 2;
export const MEMTXATTRS_USER = 4;
export const MEMTXATTRS_MEMORY = 8;
export const MEMTXATTRS_DEBUG = 16;
/** Said, and all clear. */
export const MEMTXATTRS_NONE = 0;

/** MEMTXATTRS_NONE or an OR of MEMTXATTRS_* bits and numbers; made by memTxAttrs(). */
export type MemTxAttrs = number;

const SPACE_SHIFT = 6;
const PID_SHIFT = 8;
const REQUESTER_SHIFT = 16;

export interface MemTxAttrsFields {
  readonly secure?: boolean;
  readonly user?: boolean;
  readonly memory?: boolean;
  readonly debug?: boolean;
  /** 0 to 3. */
  readonly space?: number;
  /** 0 to 255. */
  readonly pid?: number;
  /** 0 to 65535. */
  readonly requesterId?: number;
}

/** Where the fields lie that tell bus masters and their contexts apart. */
export const MEMTXATTRS_FIELDS = {
  secure: { shift: 1, bits: 1 },
  user: { shift: 2, bits: 1 },
  space: { shift: SPACE_SHIFT, bits: 2 },
  pid: { shift: PID_SHIFT, bits: 8 },
  requesterId: { shift: REQUESTER_SHIFT, bits: 16 },
} as const;

/** Packs attributes. @throws MemoryError INVALID_ARGUMENT for a number out of its bounds */
export function memTxAttrs(fields: MemTxAttrsFields): MemTxAttrs {
  optionsFromArgument('memTxAttrs()', fields);
  const number = (name: 'space' | 'pid' | 'requesterId', last: number): number => {
    const value = fields[name] ?? 0;
    if (Number.isInteger(value) && value >= 0 && value <= last) return value;
    throw new MemoryError(
      'INVALID_ARGUMENT',
      `attribute ${name} must be a whole number from 0 to ${last}, got ${describeValue(value)}`,
    );
  };
  return (
    (fields.secure === true ? MEMTXATTRS_SECURE : 0) |
    (fields.user === true ? MEMTXATTRS_USER : 0) |
    (fields.memory === true ? MEMTXATTRS_MEMORY : 0) |
    (fields.debug === true ? MEMTXATTRS_DEBUG : 0) |
    (number('space', 3) << SPACE_SHIFT) |
    (number('pid', 255) << PID_SHIFT) |
    (number('requesterId', 65_535) << REQUESTER_SHIFT)
  );
}

/** Arm security space of `attrs`, 0 to 3. */
export const spaceOfAttrs = (attrs: MemTxAttrs): number => (attrs >>> SPACE_SHIFT) & 3;
/** Process id of `attrs`, 0 to 255. */
export const pidOfAttrs = (attrs: MemTxAttrs): number => (attrs >>> PID_SHIFT) & 255;
/** Bus master of `attrs`, 0 to 65535. */
export const requesterIdOfAttrs = (attrs: MemTxAttrs): number => attrs >>> REQUESTER_SHIFT;
