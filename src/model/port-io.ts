/**
 * The port I/O space: 64 Ki ports whose root answers where no device does, as an ISA bus with nothing on it.
 * @source QEMU's system I/O region: spec section 7.2
 */
import { localDevice } from '../base/device-binding.ts';
import { PORT_ACCESS } from '../base/port-callbacks.ts';
import { MemoryRegion } from './memory-region.ts';

export const PORT_COUNT = 0x10000;

const ownEnding = import.meta.url.slice(import.meta.url.lastIndexOf('.')); // .ts, or .js when built

/**
 * A root for a port I/O address space. Reads of ports that nobody answers give all ones, writes to them nothing;
 * neither is an error, as opposed to holes in memory.
 */
export function portIoRegion(name = 'io'): MemoryRegion {
  const module = new URL(`../../workers/unanswered-ports${ownEnding}`, import.meta.url);
  const device = localDevice(module, { lock: 'none', access: PORT_ACCESS });
  return MemoryRegion.io(name, PORT_COUNT, device);
}
