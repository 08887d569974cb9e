/** A service with its page in a real browser. Whatever the page complains of fails the test that it happens in. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { Service } from '../../../src/http/service.ts';
import type { ServiceOptions } from '../../../src/http/service-options.ts';
import { type Ask, askOf } from '../../http/service-fixture.ts';
import { findChromium, launch } from './chromium.ts';

const executable = findChromium();
const TIMEOUT_MS = 15_000;

export const hasNoBrowser = executable === null;

/** Who skips says why. */
export const titled = (name: string): string =>
  hasNoBrowser ? `${name} (skipped: no chromium in PATH, nor named by CHROMIUM)` : name;

/** For the tests of the describe() that it is called in. */
export function openStage(): Stage {
  const stage = new Stage();
  beforeAll(async () => {
    stage.browser = await launch(executable!);
  });
  afterEach(() => expect(stage.complaints.splice(0)).toEqual([]));
  afterAll(() => stage.close());
  return stage;
}

export class Stage {
  browser!: Browser;
  /** Errors that a page threw, or wrote to its console. */
  readonly complaints: string[] = [];
  private readonly services: Service[] = [];

  /** @param port 0: any that is free */
  async serve(options: ServiceOptions = {}, port = 0): Promise<{ service: Service; ask: Ask; base: string }> {
    const service = await new Service({ dearRequestsPerSecond: 0, ...options }).ready();
    this.services.push(service);
    return { service, ask: askOf(service), base: await service.listen(port) };
  }

  /** @param expected what the console may say because the test asks for it */
  async open(url: string, options: BrowserContextOptions = {}, expected = /^$/): Promise<Page> {
    const context = await this.browser.newContext({ viewport: { width: 1440, height: 1000 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(TIMEOUT_MS);
    page.on('pageerror', (error) => this.complaints.push(String(error.stack)));
    page.on('console', (message) => {
      if (message.type() === 'error' && !expected.test(message.text())) this.complaints.push(message.text());
    });
    await page.goto(url);
    return page;
  }

  async close(): Promise<void> {
    await this.browser?.close();
    await Promise.all(this.services.map((service) => service.close()));
  }
}

/** Asks until it is so, for longer than any computer should take. */
export const eventually = <T>(ask: () => Promise<T> | T) => expect.poll(ask, { timeout: TIMEOUT_MS });

/** What the element says, as often as it is asked. */
export const says = (page: Page, selector: string) =>
  eventually(() => page.locator(selector).first().textContent());
