/** Parts of a strip that are made anew or once: buttons, ticks, and the places where something is. */
import { hexOf, sizeText } from './addresses.js';
import { element } from './dom.js';
import { spanText } from './facts.js';
import { islandsOf } from './strip-layout.js';
import * as zoom from './zoom.js';

/** @typedef {import('./strip-view.js').StripView} StripView */

/** Of a letter of the monospaced face, in pixels. */
export const LETTER_WIDTH = 6.7;

/** @param {StripView} strip @param {string} name of the address space */
export function zoomButtons(strip, name) {
  /** @type {[string, string, () => void][]} */
  const buttons = [
    ['−', 'zoom out', () => strip.zoomBy(4, 0.5)],
    ['+', 'zoom in', () => strip.zoomBy(0.25, 0.5)],
    ['fit', 'show all that is mapped', () => strip.flyTo(zoom.content(strip.view.ranges))],
    ['2⁶⁴', 'show all of 2^64', () => strip.flyTo(zoom.WHOLE)],
  ];
  const group = element('div', { class: 'buttons', role: 'group', 'aria-label': `zoom of ${name}` });
  for (const [text, label, act] of buttons) {
    const button = element('button', { type: 'button', 'aria-label': label, title: label }, text);
    button.addEventListener('click', act);
    group.append(button);
  }
  return group;
}

/** Where something is, for who looks for what is too small to see. @param {StripView} strip */
export function showPlaces(strip) {
  const all = islandsOf(strip.view.ranges);
  const islands = all.length > 1 ? all : [];
  const key = islands.map(({ start, last }) => `${start} ${last}`).join();
  if (strip.places.dataset['key'] === key) return;
  strip.places.dataset['key'] = key;
  strip.places.replaceChildren(
    ...islands.map((island) => {
      const text = `${hexOf(island.start)} · ${sizeText(island.last - island.start + 1n)}`;
      const ranges = island.count === 1 ? '1 range' : `${island.count} ranges`;
      const button = element('button', { type: 'button', title: `${spanText(island)}: ${ranges}` }, text);
      button.addEventListener('click', () => strip.flyTo(zoom.around(island)));
      return button;
    }),
  );
}

/** @param {{ readonly address: bigint, readonly x: number }} tick @param {number} width of the strip */
export function tickNode({ address, x }, width) {
  const text = hexOf(address);
  const half = (text.length * LETTER_WIDTH) / 2;
  const label = element('span', {}, text);
  label.style.left = `${Math.min(width - half, Math.max(half, x)).toFixed(1)}px`;
  const line = element('i');
  line.style.left = `${x.toFixed(1)}px`;
  return element('div', {}, line, label);
}

/**
 * @template {HTMLElement} T
 * @param {T} node @param {{ readonly x: number, readonly width: number }} place
 */
export function placed(node, { x, width }) {
  node.style.left = `${x.toFixed(2)}px`;
  node.style.width = `${width.toFixed(2)}px`;
  return node;
}
