/**
 * frame-buffer: a vCPU draws into video RAM; this thread shows it in the terminal, and touches only what was drawn.
 *
 *   node --import tsx examples/frame-buffer/main.ts
 *
 * Video RAM is logged for one client, the display. Each turn takes the pages that were written since the turn
 * before and draws those lines again; a line of the screen is one page. A store that is logged costs what any store
 * costs once its page is known to be dirty. Take the snapshot, await it, then read the bytes: whatever is written
 * later is in the next snapshot, so no store is ever missed.
 */
import { DIRTY_CLIENT_VGA, Machine, MemoryRegion } from 'flatview';
import { LINES, VRAM, VRAM_BYTES } from './guest.ts';
import { Screen } from './screen.ts';

const vram = MemoryRegion.ram('vram', VRAM_BYTES);
vram.dirtyLog.setLog(true, DIRTY_CLIENT_VGA);
const system = MemoryRegion.container('system', 2n ** 64n);
system.addSubregion(VRAM, vram);
const machine = new Machine();
machine.addAddressSpace('memory', system);
const pixels = machine.ramBytes(vram, 0, VRAM_BYTES); // the bytes themselves, not a copy
const screen = new Screen(pixels, process.stdout);

/** Draws what was written since the last call. @returns how many lines that were */
async function refresh(): Promise<number> {
  let drawn = 0;
  for (const { offset, size } of await machine.dirtyLog.snapshotAndClear(
    vram,
    0,
    VRAM_BYTES,
    DIRTY_CLIENT_VGA,
  ))
    drawn += screen.draw(offset, size);
  screen.show();
  return drawn;
}

try {
  const vcpu = machine.startVcpu({ program: new URL('./guest.ts', import.meta.url) });
  let running = true;
  const frames = vcpu.finished.finally(() => {
    running = false;
  });
  let drawn = 0;
  while (running) {
    drawn += await refresh();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  drawn += await refresh(); // what came after the last look
  screen.end();
  console.log(`${await frames} frames of ${LINES} lines; ${drawn} lines were drawn`);
  const wrong = screen.linesThatDiffer();
  console.log(`${wrong.length} lines differ from what is in video RAM`);
  if (wrong.length > 0) process.exitCode = 1;
} finally {
  await machine.close();
}
