/**
 * Handlers by port and width, and how an access finds its own: QEMU's MemoryRegionPortio.
 *
 *   access        goes to
 *   1, 2, 4       the first entry of that width which covers the port and has a handler for the direction
 *   2, else       two accesses of one byte, lower port first
 *   else          nobody: reads give all ones, writes are ignored
 */
import type { AccessRules } from './access-rules.ts';
import type { DeviceCallbacks } from './device-binding.ts';

/** Consecutive ports with handlers of one width. */
export interface PortEntry {
  /** First port, counted from the start of the list. */
  readonly offset: number;
  /** How many ports. */
  readonly length: number;
  /** Width in bytes of the accesses that it takes. */
  readonly size: 1 | 2 | 4;
  /** @param port as the list counts its own start: PortList.add() */
  read?(port: number): number;
  /** @param value unsigned, below 2^(8 * size) */
  write?(port: number, value: number): void;
}

/** Any access of up to 4 bytes, at any port, goes to the handlers as it is. */
export const PORT_ACCESS: AccessRules = {
  valid: { unaligned: true },
  impl: { unaligned: true, min: 1, max: 4 },
};

/**
 * Callbacks of a region whose first port is `low`, counted as the entries do.
 * @param start of the list in its port space, asked for at each access: lists move
 */
export function portCallbacks(
  entries: readonly PortEntry[],
  low: number,
  start: () => number = () => 0,
): DeviceCallbacks {
  const find = (port: number, size: number, direction: 'read' | 'write'): PortEntry | undefined =>
    entries.find(
      (entry) =>
        entry.size === size &&
        port >= entry.offset &&
        port < entry.offset + entry.length &&
        entry[direction] !== undefined,
    );
  const read = (port: number, size: number): number => {
    const entry = find(port, size, 'read');
    if (entry?.read !== undefined) return entry.read(start() + port);
    if (size !== 2) return -1;
    return (read(port, 1) & 0xff) | (read(port + 1, 1) << 8);
  };
  const write = (port: number, value: number, size: number): void => {
    const entry = find(port, size, 'write');
    if (entry?.write !== undefined) entry.write(start() + port, value);
    else if (size === 2) {
      write(port, value & 0xff, 1);
      write(port + 1, value >>> 8, 1);
    }
  };
  return {
    read: (offset, size) => read(low + offset, size),
    write: (offset, value, size) => write(low + offset, value, size),
  };
}
