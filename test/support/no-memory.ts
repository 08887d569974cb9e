/** For devices that a test makes by hand, and that master no bus. */
import type { GuestMemory } from '../../src/base/guest-memory.ts';

export function noMemory(name: string): GuestMemory {
  throw new Error(`this device is not expected to access the address space '${name}'`);
}
