/** A device of plain registers: reads give what its shared state holds, writes change it. */
import type { DeviceCallbacks, DeviceContext } from '../../src/base/device-binding.ts';

class RegisterFile implements DeviceCallbacks {
  private readonly bytes: Uint8Array;
  private readonly words: Int32Array;

  constructor(state: SharedArrayBuffer) {
    this.bytes = new Uint8Array(state);
    this.words = new Int32Array(state, 0, state.byteLength >>> 2);
  }

  /** Of 1 byte, or of 4 aligned ones: 2 are never asked for here. */
  read(offset: number, size: number): number {
    return size === 4 ? this.words[offset >>> 2]! : this.bytes[offset]!;
  }

  write(offset: number, value: number, size: number): void {
    if (size === 4) this.words[offset >>> 2] = value;
    else this.bytes[offset] = value;
  }
}

export default (context: DeviceContext): DeviceCallbacks => new RegisterFile(context.state);
