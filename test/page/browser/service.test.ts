/** The page and its service: tokens, what is refused, services that go away, narrow screens, dark ones. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { SMALL_LAYOUT } from '../../http/service-fixture.ts';
import { describeInBrowser, says } from './page-fixture.ts';

const REFUSED =
  /status of 40[14]|ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/;
const overflow = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');

describeInBrowser('the page of a service', (stage) => {
  test('with a token asks for it, refuses a wrong one, and keeps the right one in its tab', async () => {
    const { service, base } = await stage.serve({ token: 'secret' });
    await service.store.create({ id: 'small', layout: SMALL_LAYOUT });
    const page = await stage.open(base, {}, REFUSED);
    await page.fill('#token', 'wrong');
    await page.click('#token-form button');
    await says(page, '#problem').toBe('the service does not take this token');
    await page.fill('#token', 'secret');
    await page.click('#token-form button');
    await says(page, '#connection').toBe('live');
    expect(await page.isVisible('#token-part')).toBe(false);
    await page.reload();
    await says(page, '#connection').toBe('live');
    await page.context().close();
  });

  test('says what is wrong with a text, and makes a machine of a right one', async () => {
    const { base } = await stage.serve();
    const page = await stage.open(base, {}, /status of 422/);
    await page.check('#create-pasted');
    await page.fill('#create-text', 'address-space: memory\n  not a region\n');
    await page.click('#create button.primary');
    await says(page, '#create-problem').toMatch(/^mtree:2:3: /);
    await page.fill('#create-text', '{ "format": ');
    await page.click('#create button.primary');
    await says(page, '#create-problem').toMatch(/^the pasted layout is no JSON/);
    await page.fill('#create-text', JSON.stringify(SMALL_LAYOUT));
    await page.click('#create button.primary');
    await says(page, '#connection').toBe('live');
    await says(page, '#tree').toContain('uart');
    await page.context().close();
  });

  test('that goes away is waited for, and shown again when it is back', async () => {
    const { service, base } = await stage.serve();
    await service.store.create({ id: 'small', layout: SMALL_LAYOUT });
    const page = await stage.open(base, {}, REFUSED);
    await says(page, '#connection').toBe('live');
    await service.close();
    await says(page, '#connection').toBe('connection lost, trying again');
    const again = await stage.serve({}, Number(new URL(base).port));
    await again.service.store.create({ id: 'small', layout: SMALL_LAYOUT });
    await says(page, '#connection').toBe('live');
    await again.ask('POST', '/v1/machines/small/transactions', {
      mutations: [{ op: 'set', region: 'uart', address: '0xa000' }],
    });
    await says(page, '#tree').toContain('000000000000a000-000000000000afff');
    await page.context().close();
  });

  test('shows the machine that is chosen', async () => {
    const { service, base } = await stage.serve();
    await service.store.create({ id: 'small', layout: SMALL_LAYOUT });
    await service.store.create({ id: 'uno', machine: 'uno' });
    const page = await stage.open(`${base}/#uno`);
    await says(page, '#tree').toContain('flash');
    await page.selectOption('#machines', 'small');
    await says(page, '#tree').toContain('uart');
    expect(page.url()).toMatch(/#small$/);
    await page.context().close();
  });

  test('fits a phone, in the dark, with a finger, and keeps still where motion is not wanted', async () => {
    const { service, base } = await stage.serve();
    await service.store.create({ id: 'q35', machine: 'q35' });
    const page = await stage.open(base, {
      ...{ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
      ...{ colorScheme: 'dark', reducedMotion: 'reduce' },
    });
    await says(page, '#connection').toBe('live');
    await page.locator('.range').first().waitFor();
    expect(await overflow(page)).toBe(0);
    const ground = (): Promise<string> =>
      page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
    const dark = await ground();
    await page.tap('#theme');
    expect(await ground()).not.toBe(dark);
    await page.locator('.places button', { hasText: '0xfeb80000' }).first().tap();
    await says(page, '.strip .readout').toMatch(/^0xfeb6/);
    await page.locator('.range[aria-label^="e1000e-mmio,"]').tap();
    await says(page, '#selection').toContain('e1000e-mmio');
    expect(await overflow(page)).toBe(0);
    await page.context().close();
  });
});
