/**
 * Pictures of the live page for the documents: a real service, a real machine, a real browser. The figures in them
 * are those of this computer at that moment: `npm run screenshots -- --help`.
 */
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { Service } from '../src/http/service.ts';
import { endAs } from '../stress/end.ts';
import { parsed, UsageError } from '../stress/usage.ts';
import { findChromium, launch } from '../test/page/browser/chromium.ts';

interface Scene {
  readonly name: string;
  readonly options: BrowserContextOptions;
  /** What is done before the picture is taken. */
  act(page: Page): Promise<unknown>;
  readonly isWhole?: true;
}

const FOLDER = fileURLToPath(new URL('../docs/screenshots/', import.meta.url));
const DESK = { viewport: { width: 1440, height: 1000 } };
const HISTORY_MS = 30_000;

const rangeNamed = (page: Page, name: string) => page.locator(`.range[aria-label^="${name},"]`).first();
/** Asks for it by the page's own control. */
async function run(
  page: Page,
  what: 'load' | 'churn',
  sliders: Readonly<Record<string, number>> = {},
): Promise<void> {
  for (const [id, value] of Object.entries(sliders)) await page.locator(`#${what}-${id}`).fill(`${value}`);
  if ((await page.textContent(`#${what}-run`))?.startsWith('Start')) await page.click(`#${what}-run`);
  if (what === 'load') await page.locator('.station.readers strong', { hasText: /[kM] acc/ }).waitFor();
}

const SCENES: readonly Scene[] = [
  {
    name: 'overview-light',
    options: { ...DESK, colorScheme: 'light' },
    isWhole: true,
    async act(page) {
      await run(page, 'load');
      await run(page, 'churn', { rate: 10 });
      await page.waitForTimeout(HISTORY_MS);
      await page.click('#churn-run');
      await page.locator('#tree .line', { hasText: /: pcie-mmcfg-mmio$/ }).click();
      await page.fill('#move-address', '0x90000000');
      await page.click('.move button');
      await page.locator('#result button').waitFor();
      await page.waitForTimeout(350); // while what changed is lit
    },
  },
  {
    name: 'zoom',
    options: { ...DESK, colorScheme: 'light' },
    async act(page) {
      await run(page, 'load');
      await page.locator('#tree .line', { hasText: /: vga\.mmio$/ }).click();
      await page.getByRole('button', { name: 'Zoom to it' }).click();
      await page.waitForTimeout(900);
      await rangeNamed(page, 'vga ioports remapped').hover();
      await page.waitForTimeout(300);
    },
  },
  {
    name: 'churn',
    options: { ...DESK, colorScheme: 'dark' },
    isWhole: true,
    async act(page) {
      await run(page, 'load', { checkpoint: 22 });
      await run(page, 'churn', { rate: 20 });
      await page.waitForTimeout(HISTORY_MS);
      await page.locator('.lane[data-state="lagging"]').first().waitFor();
    },
  },
  {
    name: 'overview-dark',
    options: { ...DESK, colorScheme: 'dark' },
    async act(page) {
      await run(page, 'load', { checkpoint: 10 });
      await run(page, 'churn', { rate: 6 });
      await page.waitForTimeout(5000);
    },
  },
  {
    name: 'phone',
    options: {
      viewport: { width: 390, height: 1480 },
      deviceScaleFactor: 1.5,
      colorScheme: 'light',
      isMobile: true,
      hasTouch: true,
    },
    async act(page) {
      await run(page, 'load');
      await run(page, 'churn', { rate: 6 });
      await page.waitForTimeout(5000);
    },
  },
];

async function take(browser: Browser, base: string, { name, options, act, isWhole }: Scene): Promise<void> {
  const context = await browser.newContext(options);
  try {
    const page = await context.newPage();
    await page.goto(base);
    await page.locator('#connection[data-state="live"]').waitFor();
    await page.locator('.range').first().waitFor();
    await act(page);
    await page.screenshot({ path: `${FOLDER}${name}.png`, fullPage: isWhole === true });
    process.stdout.write(`docs/screenshots/${name}.png\n`);
  } finally {
    await context.close();
  }
}

const usage = {
  command: 'npm run -s screenshots --',
  words: '[NAME...]',
  about: `Takes the pictures of docs/screenshots: ${SCENES.map(({ name }) => name).join(', ')}.`,
  options: {},
  exit: '0 all are written, 1 one could not be taken, 2 bad usage, or there is no chromium',
} as const;

function scenesNamed(names: readonly string[]): readonly Scene[] {
  const unknown = names.find((name) => SCENES.every((scene) => scene.name !== name));
  if (unknown !== undefined) throw new UsageError(`there is no picture '${unknown}'; see --help`);
  return SCENES.filter(({ name }) => names.length === 0 || names.includes(name));
}

await endAs('screenshots', async () => {
  const scenes = scenesNamed(parsed(usage, process.argv.slice(2)).positionals);
  const executable = findChromium();
  if (executable === null)
    throw new UsageError('there is no chromium in PATH; install one, or name it by CHROMIUM');
  const browser = await launch(executable);
  try {
    for (const scene of scenes) {
      const service = new Service();
      try {
        await service.store.create({ machine: 'q35', id: 'q35', vcpus: 1 });
        await take(browser, await service.listen(0), scene);
      } finally {
        await service.close();
      }
    }
  } finally {
    await browser.close();
  }
  return 0;
});
