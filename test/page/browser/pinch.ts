/** Two fingers on the page, which no locator has: as Chromium gets them from a touch screen. */
import type { Page } from 'playwright-core';

/** Where the fingers are, as parts of an element's width. */
type Fingers = readonly [number, number];

const STEPS = 8;

/** Two fingers come down on the first `selector`, go from where they are first to where they are last, and leave. */
export async function pinch(page: Page, selector: string, from: Fingers, to: Fingers): Promise<void> {
  const { x, y, width, height } = (await page.locator(selector).first().boundingBox())!;
  const session = await page.context().newCDPSession(page);
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', fingers: readonly number[]) =>
    session.send('Input.dispatchTouchEvent', {
      type,
      touchPoints: fingers.map((at, id) => ({ x: x + at * width, y: y + height / 2, id })),
    });
  await touch('touchStart', from);
  for (let step = 1; step <= STEPS; step += 1) {
    const way = step / STEPS;
    await touch('touchMove', [from[0] + (to[0] - from[0]) * way, from[1] + (to[1] - from[1]) * way]);
  }
  await touch('touchEnd', []);
  await session.detach();
}
