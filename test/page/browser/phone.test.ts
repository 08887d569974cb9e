/** What someone does on the page with fingers, on a phone's width. */
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { hasNoBrowser, openStage, says, titled } from './page-fixture.ts';
import { pinch } from './pinch.ts';

const BAR = '.strip .bar';
const READOUT = '.strip .readout';
const overflow = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
const shownBytes = async (page: Page): Promise<number> => {
  const [first, last] = (await page.locator(READOUT).first().textContent())!.match(/0x[0-9a-f]+/g)!;
  return Number(last) - Number(first) + 1;
};

describe.skipIf(hasNoBrowser)(titled('the page on a phone'), () => {
  const stage = openStage();

  test('fits a phone, in the dark, with a finger, and keeps still where motion is not wanted', async () => {
    const { service, base } = await stage.serve();
    await service.store.create({ id: 'q35', machine: 'q35' });
    const tab = await stage.open(base, {
      ...{ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
      ...{ colorScheme: 'dark', reducedMotion: 'reduce' },
    });
    await says(tab, '#connection').toBe('live');
    await tab.locator('.range').first().waitFor();
    expect(await overflow(tab)).toBe(0);
    const ground = (): Promise<string> =>
      tab.evaluate('getComputedStyle(document.documentElement).backgroundColor');
    const dark = await ground();
    await tab.tap('#theme');
    expect(await ground()).not.toBe(dark);
    await tab.locator('.places button', { hasText: '0xfeb80000' }).first().tap();
    await says(tab, '.strip .readout').toMatch(/^0xfeb6/);
    await tab.locator('.range[aria-label^="e1000e-mmio,"]').tap();
    await says(tab, '#selection').toContain('e1000e-mmio');
    expect(await overflow(tab)).toBe(0);
    const wide = await shownBytes(tab);
    await pinch(tab, BAR, [0.4, 0.6], [0.1, 0.9]);
    const narrow = await shownBytes(tab);
    expect(narrow).toBeLessThan(wide / 3);
    await pinch(tab, BAR, [0.1, 0.9], [0.4, 0.6]);
    expect(await shownBytes(tab)).toBeGreaterThan(3 * narrow);
    await says(tab, '#selection').toContain('e1000e-mmio'); // it was no tap
    expect(await tab.evaluate('visualViewport.scale')).toBe(1); // the page itself was not zoomed
    await tab.context().close();
  });
});
