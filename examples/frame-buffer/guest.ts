/** What the vCPU runs: a ball that flies over the screen, erased and drawn again for each frame. */
import type { Vcpu } from 'flatview/vcpu';

export const VRAM = 0xa000_0000;
export const COLUMNS = 64;
export const LINES = 16;
/** A line takes a page, 1024 pixels of 4 bytes, of which the first ones are shown. */
export const LINE_BYTES = 4096;
export const VRAM_BYTES = LINES * LINE_BYTES;

const FRAMES = 60;
const WHITE = 0xffffff;
const RADIUS = 3;

export default function guest(vcpu: Vcpu): number {
  const { memory } = vcpu;
  const disc = (centreX: number, centreY: number, colour: number): void => {
    for (let y = -RADIUS; y <= RADIUS; y += 1) {
      // Characters are twice as high as wide.
      const half = Math.round(2 * Math.sqrt(RADIUS * RADIUS - y * y));
      for (let x = -half; x <= half; x += 1)
        memory.write(VRAM + (centreY + y) * LINE_BYTES + (centreX + x) * 4, 4, colour);
    }
  };
  let frame = 0;
  for (; frame < FRAMES && vcpu.waitForInterrupt(5); frame += 1) {
    if (frame > 0) disc(...placeIn(frame - 1), 0);
    disc(...placeIn(frame), WHITE);
  }
  return frame;
}

/** Once across, bouncing twice. */
function placeIn(frame: number): [x: number, y: number] {
  const x = 2 * RADIUS + Math.floor(((COLUMNS - 4 * RADIUS - 1) * frame) / (FRAMES - 1));
  const height = Math.abs(Math.cos((2 * Math.PI * frame) / (FRAMES - 1)));
  return [x, LINES - 1 - RADIUS - Math.round((LINES - 1 - 2 * RADIUS) * height)];
}
