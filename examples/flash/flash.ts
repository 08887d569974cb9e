/**
 * The chip: NOR flash of 8 bits with the commands of commands.ts. Its bytes are the region's, read by guests without
 * it; it is called for every write, and for reads while romd is off.
 */
import { controlDevice, type DeviceCallbacks, type Machine, MemoryRegion } from 'flatview';
import {
  COMMAND_ERASE,
  COMMAND_PROGRAM,
  COMMAND_READ_ARRAY,
  CONFIRM_ERASE,
  STATUS_READY,
} from './commands.ts';

const BLOCK_BYTES = 4096;
const ERASE_MS = 1;

export class Flash implements DeviceCallbacks {
  readonly region: MemoryRegion;
  /** How often a read called the device. */
  reads = 0;
  private readonly machine: Machine;
  private command = COMMAND_READ_ARRAY;
  private status = STATUS_READY;

  constructor(machine: Machine, name: string, size: number) {
    this.machine = machine;
    const access = { valid: { max: 1 }, impl: { max: 1 } } as const; // a chip of 8 bits
    this.region = MemoryRegion.romDevice(name, size, controlDevice(this, { access }));
  }

  /** Only called while romd is off. */
  read(): number {
    this.reads += 1;
    return this.status;
  }

  write(offset: number, value: number): void {
    if (this.status !== STATUS_READY) return;
    const { command } = this;
    this.command = value;
    if (command === COMMAND_PROGRAM) this.program(offset, value);
    else if (command === COMMAND_ERASE && value === CONFIRM_ERASE) this.erase(offset & -BLOCK_BYTES);
    this.region.setRomd(this.command === COMMAND_READ_ARRAY); // no change, no publication
  }

  private program(offset: number, value: number): void {
    const [before] = this.machine.readRam(this.region, offset, 1);
    this.machine.writeRam(this.region, offset, Uint8Array.of(before! & value));
    this.command = 0; // the byte was no command
  }

  /** Takes its time, as devices with an event loop can. */
  private erase(offset: number): void {
    this.status = 0;
    setTimeout(() => {
      this.machine.writeRam(this.region, offset, new Uint8Array(BLOCK_BYTES).fill(0xff));
      this.status = STATUS_READY;
    }, ERASE_MS);
  }
}
