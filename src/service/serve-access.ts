/** One access that came by mailbox, made in the thread where the device is homed. */
import type { MemTxAttrs } from '../base/mem-tx-attrs.ts';
import { accessIsProbe, accessIsWrite, accessSize, FLUSH_ACCESS } from '../layout/mailbox.ts';
import type { DeviceHandler } from '../vcpu/device-handler.ts';

export interface ServedAccess {
  readonly offset: number;
  /** MAILBOX_ACCESS */
  readonly access: number;
  readonly valueLo: number;
  readonly valueHi: number;
  readonly attrs: MemTxAttrs;
}

/**
 * Leaves result and upper half in `handler`.
 * @param problem why the device cannot be called; null where it can
 * @returns lower half of what was read; of a probe, 1 where the device would take the access
 */
export function serveAccess(handler: DeviceHandler, served: ServedAccess, problem: unknown): number {
  const { offset, access, valueLo, valueHi, attrs } = served;
  if (access === FLUSH_ACCESS) return handler.doNothing(); // its rings were replayed before
  const size = accessSize(access);
  const isWrite = accessIsWrite(access);
  if (problem !== null) return handler.fail(offset, size, isWrite, 'its module does not load', problem);
  if (accessIsProbe(access)) return Number(handler.accepts(offset, size, isWrite, attrs));
  if (!isWrite) return handler.read(offset, size, attrs);
  const unsigned = size >= 4 ? valueLo >>> 0 : valueLo & ((1 << (size << 3)) - 1);
  handler.write(offset, size, unsigned, valueHi, attrs);
  return 0;
}
