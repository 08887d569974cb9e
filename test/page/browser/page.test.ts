/** What someone does on the page, by mouse and by keyboard, with real clicks on a real service. */
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Ask, SMALL_LAYOUT } from '../../http/service-fixture.ts';
import { eventually, hasNoBrowser, openStage, says, titled } from './page-fixture.ts';

const MACHINE = '/v1/machines/q35';
const BAR = '.strip .bar';
const READOUT = '.strip .readout';
const STILL = { reducedMotion: 'reduce' } as const;
const REFUSED =
  /status of 40[14]|ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/;
const rangeNamed = (page: Page, name: string) => page.locator(`.range[aria-label^="${name},"]`).first();

describe.skipIf(hasNoBrowser)(titled('the page'), () => {
  const stage = openStage();
  let ask: Ask;
  let page: Page;
  const mtree = async (): Promise<string> =>
    (await ask('GET', `${MACHINE}/mtree?format=text&disabled=true`)).text;
  const commit = async (): Promise<number> => (await ask('GET', MACHINE)).body.commit;

  beforeAll(async () => {
    const served = await stage.serve();
    ask = served.ask;
    page = await stage.open(served.base, {}, /status of 422/);
  });

  test('says what is wrong with a text that is no layout', async () => {
    await page.check('#create-pasted');
    await page.fill('#create-text', 'address-space: memory\n  not a region\n');
    await page.click('#create button.primary');
    await says(page, '#create-problem').toMatch(/^mtree:2:3: /);
    await page.fill('#create-text', '{ "format": ');
    await page.click('#create button.primary');
    await says(page, '#create-problem').toMatch(/^the pasted layout is no JSON/);
    await page.check('#create-bundled');
  });

  test('makes a machine where there is none', async () => {
    await page.fill('#create-id', 'q35');
    expect(await page.inputValue('#create-name')).toBe('booted-q35-default');
    await page.click('#create button.primary');
    await says(page, '#connection').toBe('live');
    await eventually(() => page.isVisible('#shown')).toBe(true);
    expect(await page.isVisible('#create-part')).toBe(false);
    await says(page, '.station.tree strong').toBe('152 regions');
  });

  describe('its tree', () => {
    test('is what info mtree prints', async () => {
      const [, section] = /address-space: memory\n(.*?)\n\n/s.exec(await mtree())!;
      const lines = await page.locator('#tree .line').allTextContents();
      expect(lines).toEqual(section!.split('\n').map((line) => line.trim()));
    });

    test('is walked, closed and opened by keys, and found in by letters', async () => {
      const focused = (): Promise<string | null> => page.locator('#tree :focus').textContent();
      await page.locator('#tree [tabindex="0"]').focus();
      await page.keyboard.press('ArrowDown');
      expect(await focused()).toMatch(/: system$/);
      const count = await page.locator('#tree .line').count();
      await page.keyboard.press('ArrowLeft');
      expect(await page.locator('#tree .line').count()).toBe(1);
      await page.keyboard.press('ArrowRight');
      expect(await page.locator('#tree .line').count()).toBe(count);
      await page.keyboard.press('h');
      expect(await focused()).toMatch(/: hpet$/);
      await page.keyboard.press('Home');
      expect(await focused()).toBe('address-space: I/O');
    });

    test('and the strips show one selection', async () => {
      await page.locator('#tree .line', { hasText: /: pcie-mmcfg-mmio$/ }).click();
      expect(await rangeNamed(page, 'pcie-mmcfg-mmio').getAttribute('aria-selected')).toBe('true');
      await says(page, '#selection').toContain('system › pcie-mmcfg-mmio');
      await rangeNamed(page, 'pc.ram').click();
      await says(page, '#selection').toContain('pc.ram');
      await says(page, '#tree [aria-selected="true"]').toMatch(/: pc\.ram$/);
      expect(await rangeNamed(page, 'pcie-mmcfg-mmio').getAttribute('aria-selected')).toBe('false');
    });

    test('leaves out what is disabled if that is wished', async () => {
      await page.uncheck('#show-disabled');
      expect(await page.locator('#tree .line', { hasText: '[disabled]' }).count()).toBe(0);
      await page.check('#show-disabled');
    });
  });

  describe('its strip', () => {
    test('goes to a place, to all of 2^64, down to bytes, and back', async () => {
      await page.locator('.places button', { hasText: '0xfeb80000' }).first().click();
      await says(page, READOUT).toMatch(/^0xfeb6/);
      await page.locator('.strip button', { hasText: '2⁶⁴' }).first().click();
      await says(page, READOUT).toMatch(/16 EiB$/);
      await page.locator('.strip button', { hasText: 'fit' }).first().click();
      await says(page, READOUT).toBe('0x0 – 0xffffffff · 4 GiB');
      await page.locator(BAR).first().hover();
      for (let turns = 0; turns < 12; turns += 1) await page.mouse.wheel(0, -1200);
      await says(page, READOUT).toMatch(/ 16 B$/);
      await page.locator('.strip button', { hasText: 'fit' }).first().click();
      await says(page, READOUT).toBe('0x0 – 0xffffffff · 4 GiB');
    });

    test('is walked and zoomed by keys', async () => {
      await page.locator(`${BAR} [tabindex="0"]`).first().focus();
      await page.keyboard.press('Home');
      await page.keyboard.press('End');
      const label = page.locator(`${BAR} :focus`).first();
      expect(await label.getAttribute('aria-label')).toMatch(/ranges|pc\.bios/);
      await page.keyboard.press('+');
      await says(page, READOUT).toMatch(/1 GiB$/);
      await page.keyboard.press('f');
      await says(page, READOUT).toMatch(/4 GiB$/);
    });

    test('says of what is pointed at its owner, priority and path', async () => {
      await rangeNamed(page, 'pcie-mmcfg-mmio').hover();
      await says(page, '#tooltip').toContain('owner/machine/q35path');
      await says(page, '#tooltip').toContain('system › pcie-mmcfg-mmio');
      await page.mouse.move(5, 5);
    });
  });

  describe('a BAR', () => {
    const place = async (): Promise<string> =>
      /(\w{16})-\w{16} \(prio 0, i\/o\): pcie-mmcfg/.exec(await mtree())![1]!;
    const pull = async (pixels: number): Promise<void> => {
      await rangeNamed(page, 'pcie-mmcfg-mmio').waitFor();
      const { x, y, width, height } = (await rangeNamed(page, 'pcie-mmcfg-mmio').boundingBox())!;
      await page.mouse.move(x + width / 2, y + height / 2);
      await page.mouse.down();
      await page.mouse.move(x + width / 2 + pixels / 2, y + height / 2);
      await page.mouse.move(x + width / 2 + pixels, y + height / 2);
    };

    test('is moved by pulling it, in its natural steps', async () => {
      expect(await place()).toBe('00000000b0000000');
      await pull(-200);
      await says(page, '.ghost').toMatch(/^pcie-mmcfg-mmio → 0x[4-9a]0000000$/);
      const [, target] = /(0x\w+)$/.exec((await page.locator('.ghost').first().textContent())!)!;
      await page.mouse.up();
      await says(page, '#result').toContain(`pcie-mmcfg-mmio is at ${target}: commit`);
      expect(`0x${BigInt(`0x${await place()}`).toString(16)}`).toBe(target);
      await says(page, '#result').toMatch(/every vCPU had let go after [\d.]+ (µs|ms)/);
      await rangeNamed(page, 'pcie-mmcfg-mmio').click();
      await says(page, '#tree [aria-selected="true"]').toContain(await place());
    });

    test('goes back by a button', async () => {
      await page.click('#result button');
      await eventually(place).toBe('00000000b0000000');
      await eventually(() => page.locator('.ghost').first().isVisible()).toBe(false);
    });

    test('stays where it is if Escape comes before it is let go', async () => {
      const before = await commit();
      await pull(150);
      await page.keyboard.press('Escape');
      await page.mouse.up();
      expect(await page.locator('.ghost').first().isVisible()).toBe(false);
      expect(await commit()).toBe(before);
    });

    test('is moved by keys, and by typing an address', async () => {
      await eventually(() => rangeNamed(page, 'pcie-mmcfg-mmio').count()).toBe(1);
      await rangeNamed(page, 'pcie-mmcfg-mmio').focus();
      await page.keyboard.press('Alt+ArrowRight');
      await page.keyboard.press('Enter');
      await eventually(place).toBe('00000000c0000000');
      await rangeNamed(page, 'pcie-mmcfg-mmio').click();
      await page.fill('#move-address', '0xb000_0000');
      await page.click('.move button');
      await eventually(place).toBe('00000000b0000000');
    });

    test('stays where it is if what is typed is no address', async () => {
      const before = await commit();
      await says(page, '#selection').toContain('0xb0000000 – 0xbfffffff');
      await page.fill('#move-address', 'somewhere');
      await page.click('.move button');
      expect(await page.locator('#move-address:invalid').count()).toBe(1);
      expect(await commit()).toBe(before);
    });
  });

  describe('under load and churn', () => {
    const lane = (vcpu: number) => page.locator(`.lane[data-vcpu="${vcpu}"]`);

    test('shows accesses, layouts, what changes, and grace periods', async () => {
      await page.locator('#load-rate').fill('30'); // few, so that tests have the processor too
      await page.click('#load-run');
      await says(page, '#load-run').toBe('Stop load');
      await eventually(() => page.locator('.lane').count()).toBe(3);
      await says(page, '.station.readers strong').toMatch(/[kM] accesses\/s$/);
      await page.click('#churn-run');
      await says(page, '#churn-run').toBe('Stop churn');
      await says(page, '.station.tree .note').toMatch(/by churn/);
      await eventually(() => page.locator('.flashes > div').count()).toBeGreaterThan(0);
      await says(page, '#readers .caption').toMatch(/^Commit \d+, by churn: every vCPU had let go/);
      for (const chart of ['accesses/s', 'layouts published/s', 'a commit', 'a grace period'])
        await eventually(() =>
          page.locator('.chart', { hasText: chart }).first().locator('.value').first().textContent(),
        ).not.toBe('–');
    });

    test('shows a vCPU that is paused as one that holds nothing', async () => {
      await lane(2).getByRole('button', { name: 'Pause' }).click();
      await eventually(() => lane(2).textContent()).toMatch(/paused offline holds nothing/);
      await lane(2).getByRole('button', { name: 'Resume' }).click();
      await eventually(() => lane(2).textContent()).not.toMatch(/paused/);
    });

    test('shows how far a vCPU lags that passes few checkpoints, and what waits for it', async () => {
      await page.locator('#load-rate').fill('50');
      await page.locator('#load-checkpoint').fill('25');
      await eventually(() => page.locator('.lane[data-state="lagging"]').count()).toBeGreaterThan(0);
      await says(page, '.station.reclaim strong').toMatch(/wait$/);
      await page.locator('#load-checkpoint').fill('10');
      await page.locator('#load-rate').fill('30');
    });

    test('goes on without a vCPU whose thread is ended', async () => {
      await lane(2).getByRole('button', { name: 'End' }).click();
      await eventually(() => page.locator('.lane').count()).toBe(2);
      await page.click('#churn-run');
      await says(page, '#churn-run').toBe('Start churn');
      await page.click('#load-run');
      await says(page, '#load-run').toBe('Start load');
    });
  });

  test('ends a machine by two clicks', async () => {
    await page.click('#end-machine');
    await says(page, '#end-machine').toBe('Really end it?');
    await page.click('#end-machine');
    await eventually(() => page.isVisible('#create-part')).toBe(true);
    expect((await ask('GET', '/v1/machines')).body).toEqual([]);
  });

  test('asks for a token, refuses a wrong one, keeps the right one in its tab, and shows the machine that is chosen', async () => {
    const { service, base } = await stage.serve({ token: 'secret' });
    await service.store.create({ id: 'small', layout: SMALL_LAYOUT });
    await service.store.create({ id: 'uno', machine: 'uno' });
    const tab = await stage.open(`${base}/#uno`, STILL, REFUSED);
    await tab.fill('#token', 'wrong');
    await tab.click('#token-form button');
    await says(tab, '#problem').toBe('the service does not take this token');
    await tab.fill('#token', 'secret');
    await tab.click('#token-form button');
    await says(tab, '#tree').toContain('flash');
    expect(await tab.isVisible('#token-part')).toBe(false);
    await tab.reload();
    await says(tab, '#connection').toBe('live');
    await tab.selectOption('#machines', 'small');
    await says(tab, '#tree').toContain('uart');
    expect(tab.url()).toMatch(/#small$/);
    await tab.context().close();
  });

  test('waits for a service that goes away, and shows it again when it is back', async () => {
    const { service, base } = await stage.serve();
    await service.store.create({ id: 'small', layout: SMALL_LAYOUT });
    const tab = await stage.open(base, STILL, REFUSED);
    await says(tab, '#connection').toBe('live');
    await service.close();
    await says(tab, '#connection').toBe('connection lost, trying again');
    const again = await stage.serve({}, Number(new URL(base).port));
    await says(tab, '#connection').toBe('no machine');
    await again.service.store.create({ id: 'small', layout: SMALL_LAYOUT });
    await says(tab, '#connection').toBe('live'); // nobody has touched the page
    await again.ask('POST', '/v1/machines/small/transactions', {
      mutations: [{ op: 'set', region: 'uart', address: '0xa000' }],
    });
    await says(tab, '#tree').toContain('000000000000a000-000000000000afff');
    await tab.context().close();
  });
});
