/** What the two vCPUs run: one places the card's BARs and then moves the first, the other uses it meanwhile. */
import { MEMTX_OK, type Vcpu } from 'flatview/vcpu';

export const CONFIG = 0xb000_0000;
export const CONFIG_SIZE = 0x100;
const COMMAND = CONFIG + 0x04;
const BAR0 = CONFIG + 0x10;
const COMMAND_MEMORY = 2;

const FIRST_FREE = 0xe000_0000;
const OTHER_PLACE = 0xf000_0000;
const MOVES = 50;
const MARK = 0xcafe_f00d;

export default function guest(vcpu: Vcpu, role: 'mover' | 'watcher'): unknown {
  return role === 'mover' ? move(vcpu) : watch(vcpu);
}

function move({ memory }: Vcpu): string[] {
  const said = [`found device ${memory.read(CONFIG, 4).toString(16)}`];
  let free = FIRST_FREE;
  for (const bar of [BAR0, BAR0 + 4]) {
    memory.write(bar, 4, 0xffff_ffff);
    const size = -memory.read(bar, 4) >>> 0; // the two's complement of the mask
    free = ((free + size - 1) & -size) >>> 0;
    memory.write(bar, 4, free);
    said.push(`BAR of 0x${size.toString(16)} bytes put at 0x${memory.read(bar, 4).toString(16)}`);
    free += size;
  }
  memory.write(COMMAND, 4, COMMAND_MEMORY);
  memory.write(FIRST_FREE, 4, MARK);
  for (let turn = 1; turn <= MOVES; turn += 1) memory.write(BAR0, 4, turn % 2 ? OTHER_PLACE : FIRST_FREE);
  said.push(`moved ${MOVES} times, and it still holds ${memory.read(FIRST_FREE, 4).toString(16)}`);
  return said;
}

/** Between two checkpoints the layout is one: the mark is at exactly one of the two places, or was never put. */
function watch(vcpu: Vcpu): { good: number; bad: number } {
  const { memory } = vcpu;
  const looks = { good: 0, bad: 0 };
  const marked = (address: number): boolean => memory.read(address, 4) === MARK && memory.result === MEMTX_OK;
  let placed = false;
  while (vcpu.checkpoint()) {
    const places = Number(marked(FIRST_FREE)) + Number(marked(OTHER_PLACE));
    placed ||= places === 1;
    if (places === (placed ? 1 : 0)) looks.good += 1;
    else looks.bad += 1;
  }
  return looks;
}
