/** Device modules that access memory themselves. `data` names the address space. */
import type {
  AnyDeviceCallbacks,
  DeviceCallbacks,
  DeviceContext,
  HostedDeviceContext,
} from '../../../src/base/device-binding.ts';
import type { GuestMemory } from '../../../src/base/guest-memory.ts';

/** A write copies the 8 bytes at the address written to 0x100 above it. Reads give the result of that. */
export function copier(context: DeviceContext): DeviceCallbacks {
  let result = -1;
  return {
    read: () => result,
    write(_offset, value) {
      const memory = context.memory(context.data as string);
      const bytes = new Uint8Array(8);
      result = memory.readBytes(value, bytes) | memory.writeBytes(value + 0x100, bytes);
    },
  };
}

/** A write reads 4 bytes at the address written. Offset 0: what it read. 4: the result. */
export function peeker(context: DeviceContext): DeviceCallbacks {
  let value = 0;
  let result = -1;
  return {
    read: (offset) => (offset === 0 ? value : result),
    write(_offset, address) {
      const memory = context.memory(context.data as string);
      value = memory.read(address, 4);
      result = memory.result;
    },
  };
}

/** Keeps what memory() gave, against the rules; a read uses it. */
export function hoarder(context: DeviceContext): DeviceCallbacks {
  let kept: GuestMemory | null = null;
  return {
    read: (offset) => (offset === 0 ? (kept?.read(0x40, 4) ?? -1) : (kept?.result ?? -1)),
    write() {
      kept = context.memory(context.data as string);
    },
  };
}

/** A write has the control thread move a region, then reads 4 bytes at the address written. */
export function mover(context: HostedDeviceContext): DeviceCallbacks {
  let seen = 0;
  return {
    read: () => seen,
    write(_offset, address) {
      const before = context.memory(context.data as string).read(address, 4);
      context.ask('move');
      seen = (before << 16) | context.memory(context.data as string).read(address, 4);
    },
  };
}

/** Answers with the requester id that accesses carry; a write makes it master the bus as number 0x42. */
export function requester(context: DeviceContext): AnyDeviceCallbacks {
  let last = -1;
  return {
    readWithAttrs: (offset, _size, attrs) => (offset === 0 ? attrs >>> 16 : last),
    writeWithAttrs(_offset, address) {
      const memory = context.memory(context.data as string);
      memory.attrs = 0x42 << 16;
      last = memory.read(address, 4);
    },
  };
}
