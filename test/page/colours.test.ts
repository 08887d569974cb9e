/** Every text of the page can be read on its ground, in light and in dark: 4.5 to 1, as WCAG's AA has it. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const AA = 4.5;
const css = readFileSync(new URL('../../src/http/page/colours.css', import.meta.url), 'utf8');

const coloursOf = (theme: string): ReadonlyMap<string, string> => {
  const [, block] = new RegExp(`data-theme="${theme}"\\] \\{([^}]*)\\}`).exec(css)!;
  return new Map([...block!.matchAll(/--([\w-]+): (#\w{6});/g)].map(([, name, colour]) => [name!, colour!]));
};

/** @source WCAG 2.2, "relative luminance" */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

describe.each(['light', 'dark'])('in %s', (theme) => {
  const colours = coloursOf(theme);
  test.each([
    ...['page', 'raised', 'hole', 'flash-behind-text'].map((ground) => ['ink', ground]),
    ...['dim', 'accent', 'warn', 'good', 'line0', 'line1'].map((text) => [text, 'page']),
    ...['dim', 'faint', 'accent', 'warn'].map((text) => [text, 'raised']),
    ...['dim', 'ink'].map((text) => [text, 'hole']),
    ...['ram', 'rom', 'io', 'romd', 'ramd', 'accent'].map((ground) => [`on-${ground}`, ground]),
  ])('%s can be read on %s', (text, ground) => {
    expect(contrast(colours.get(text!)!, colours.get(ground!)!)).toBeGreaterThanOrEqual(AA);
  });
});
