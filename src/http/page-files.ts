/**
 * The live page: files of ./page/, as they are, and the chart library out of its package.
 * Guarantee: the page loads nothing from anywhere else, and a browser is told so; no other page may frame it.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { App } from './app.ts';

const PAGE = fileURLToPath(new URL('./page/', import.meta.url));
const CHARTS = join(dirname(createRequire(import.meta.url).resolve('uplot/package.json')), 'dist');
const CHART_FILES = ['/uPlot.esm.js', '/uPlot.min.css'];

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

type HeaderSink = { setHeader(name: string, value: string): unknown };
const setHeaders = (response: HeaderSink): void => {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
};

export async function servePage(app: App): Promise<void> {
  await app.register(fastifyStatic, { root: PAGE, wildcard: false, setHeaders });
  await app.register(fastifyStatic, {
    root: CHARTS,
    prefix: '/vendor/uplot/',
    decorateReply: false,
    allowedPath: (path) => CHART_FILES.includes(path),
    setHeaders,
  });
}
