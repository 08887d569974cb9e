/** What the vCPU runs: a driver that reads a text from flash, puts another in its place, and reads that. */
import type { Vcpu } from 'flatview/vcpu';
import {
  COMMAND_ERASE,
  COMMAND_PROGRAM,
  COMMAND_READ_ARRAY,
  CONFIRM_ERASE,
  STATUS_READY,
} from './commands.ts';

export const FLASH = 0xfff0_0000;
export const TEXT_ADDRESS = FLASH + 0x2000;
const NEW_TEXT = 'written by the guest';

export interface FlashRun {
  readonly before: string;
  readonly after: string;
  /** How often the driver read the status. */
  readonly polls: number;
}

export default function guest(vcpu: Vcpu): FlashRun {
  const { memory } = vcpu;
  let polls = 0;
  const bytes = new Uint8Array(32);
  const text = (): string => {
    memory.readBytes(TEXT_ADDRESS, bytes);
    return new TextDecoder().decode(bytes.filter((byte) => byte !== 0 && byte !== 0xff));
  };
  const untilReady = (): void => {
    do polls += 1;
    while ((memory.read(TEXT_ADDRESS, 1) & STATUS_READY) === 0 && vcpu.checkpoint());
  };

  const before = text();
  memory.write(TEXT_ADDRESS, 1, COMMAND_ERASE);
  memory.write(TEXT_ADDRESS, 1, CONFIRM_ERASE);
  untilReady();
  for (const [index, byte] of new TextEncoder().encode(NEW_TEXT).entries()) {
    memory.write(TEXT_ADDRESS + index, 1, COMMAND_PROGRAM);
    memory.write(TEXT_ADDRESS + index, 1, byte);
    untilReady();
  }
  memory.write(TEXT_ADDRESS, 1, COMMAND_READ_ARRAY);
  // The change is there at this vCPU's very next access: its own write made it.
  return { before, after: text(), polls };
}
