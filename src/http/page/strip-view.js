/**
 * One flat view as a strip, to scale: above it all of 2^64 with the window that it shows, below it addresses. Its ranges
 * are options of a list box, so that the keyboard reaches each; what a commit changed lights up in place.
 */
import { hexOf, sizeText } from './addresses.js';
import { drawing, element, flash, prefersStillness, setAttribute, setChildren, setText } from './dom.js';
import { spanText } from './facts.js';
import { namesOf } from './flat-views.js';
import { extentOf, itemsOf, ticksOf } from './strip-layout.js';
import { LETTER_WIDTH, placed, showPlaces, tickNode, zoomButtons } from './strip-parts.js';
import { typeClass } from './tree-view.js';
import * as zoom from './zoom.js';

/** @typedef {import('./types.d.ts').Range} Range */
/** @typedef {import('./types.d.ts').Span} Span */
/** @typedef {import('./movable.js').Bar} Bar */

const FLASHES_MAX = 48;
const PLACES_REST_MS = 1200;
const FLIGHT_MS = 250;
const FLIGHT_MS_PER_BIT = 12;

export class StripView {
  /** @param {import('./types.d.ts').View} view @param {boolean} isOpen */
  constructor(view, isOpen) {
    this.view = view;
    this.window = zoom.content(view.ranges);
    /** @type {(range: Range) => boolean} */
    this.isSelected = () => false;
    /** @type {(range: Range) => boolean} */
    this.isMovable = () => false;
    /** @type {readonly Span[]} */
    this.extents = [];
    /** @type {{ readonly bar: Bar, readonly target: bigint } | null} */
    this.ghost = null;
    this.width = 0;
    this.flight = 0;
    this.isDue = false;
    this.focusKey = '';
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.placesTimer = undefined;
    /** @type {import('./strip-layout.js').Item[]} */
    this.items = [];
    /** @type {Map<string, HTMLElement>} */
    this.nodes = new Map();
    /** @type {Map<string, HTMLElement>} */
    this.flashNodes = new Map();
    const [first = ''] = namesOf(view);
    this.count = element('span', { class: 'dim' });
    this.readout = element('output', { class: 'readout', 'aria-live': 'off' });
    this.bar = element('div', {
      ...{ class: 'bar', role: 'listbox', 'aria-orientation': 'horizontal', tabindex: '-1' },
      'aria-label': `flat view of ${first}`,
    });
    this.list = element('div', { class: 'items', role: 'presentation' });
    this.flashes = element('div', { class: 'flashes', 'aria-hidden': 'true' });
    this.ghostNode = element('div', { class: 'ghost', hidden: '' });
    this.spoken = element('span', { class: 'unseen', role: 'status' });
    this.extentNode = element('div', { class: 'extents', 'aria-hidden': 'true' });
    this.ticks = element('div', { class: 'ticks', 'aria-hidden': 'true' });
    this.places = element('div', { class: 'places', role: 'group', 'aria-label': `places in ${first}` });
    this.overview = element('div', { class: 'overview', title: 'all of 2^64' });
    this.marker = element('div', { class: 'marker' });
    this.funnelShape = drawing('polygon');
    this.root = element('details', { class: 'strip' });
    this.root.open = isOpen;
    this.assemble();
    this.root.addEventListener('toggle', () => this.draw());
    new ResizeObserver(() => this.draw()).observe(this.bar);
  }

  assemble() {
    const [first = '', ...others] = namesOf(this.view);
    const names = element('summary', {}, element('b', {}, first));
    if (others.length > 0) names.append(element('span', { class: 'dim' }, ` = ${others.join(' = ')}`));
    names.append(' · ', this.count);
    this.bar.append(this.list, this.flashes, this.ghostNode);
    this.overview.append(this.marker);
    const funnel = drawing('svg', { class: 'funnel', 'aria-hidden': 'true' }, this.funnelShape);
    const head = element('div', { class: 'strip-head' }, this.readout, zoomButtons(this, first));
    this.root.append(
      names,
      head,
      this.overview,
      funnel,
      this.bar,
      this.extentNode,
      this.ticks,
      this.places,
      this.spoken,
    );
  }

  /** @param {import('./types.d.ts').View} view */
  update(view) {
    this.view = view;
    this.showPlacesSoon();
    setText(this.count, view.ranges.length === 1 ? '1 range' : `${view.ranges.length} ranges`);
    this.drawSoon();
  }

  /** Buttons that change under someone's hand cannot be pressed: while the layout changes they stay. */
  showPlacesSoon() {
    clearTimeout(this.placesTimer);
    if (this.places.childElementCount === 0) showPlaces(this);
    else this.placesTimer = setTimeout(() => showPlaces(this), PLACES_REST_MS);
  }

  /** @param {zoom.Window} window at once */
  show(window) {
    cancelAnimationFrame(this.flight);
    this.window = zoom.clamped(window);
    this.drawSoon();
  }

  /** @param {number} factor @param {number} fraction */
  zoomBy(factor, fraction) {
    this.flyTo(zoom.zoomed(this.window, factor, fraction));
  }

  /** @param {zoom.Window} to over some frames, unless motion is not wanted */
  flyTo(to) {
    cancelAnimationFrame(this.flight);
    if (prefersStillness()) {
      this.show(to);
      return;
    }
    const from = this.window;
    const bits = Math.abs(Math.log2(Number(from.size)) - Math.log2(Number(to.size)));
    const flightMs = FLIGHT_MS + bits * FLIGHT_MS_PER_BIT;
    const startMs = performance.now();
    const step = () => {
      const time = Math.min(1, (performance.now() - startMs) / flightMs);
      this.window = zoom.between(from, to, time * time * (3 - 2 * time));
      this.draw();
      if (time < 1) this.flight = requestAnimationFrame(step);
    };
    step();
  }

  drawSoon() {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      this.draw();
    });
  }

  draw() {
    if (!this.root.open) return;
    this.width = this.bar.clientWidth;
    const { window, width } = this;
    this.items = itemsOf(this.view.ranges, window, width);
    this.drawItems();
    this.drawOverview();
    const last = window.start + window.size - 1n;
    setText(this.readout, `${spanText({ start: window.start, last })} · ${sizeText(window.size)}`);
    setChildren(
      this.ticks,
      ticksOf(window, width).map((tick) => tickNode(tick, width)),
    );
    this.extentNode.replaceChildren(
      ...this.extents.flatMap((span) => {
        const extent = extentOf(span, window, width);
        return extent === null ? [] : [placed(element('div'), extent)];
      }),
    );
    for (const node of this.flashNodes.values()) this.placeFlash(node);
    this.drawGhost();
  }

  drawItems() {
    const hadFocus = this.list.contains(document.activeElement);
    if (!this.items.some((item) => keyOf(item) === this.focusKey)) this.focusKey = this.nextFocusKey();
    /** @type {Map<string, HTMLElement>} */
    const nodes = new Map();
    for (const item of this.items) {
      const key = keyOf(item);
      const node =
        this.nodes.get(key) ?? element('div', { role: 'option', 'data-key': key }, element('span'));
      this.fill(node, item, key);
      nodes.set(key, node);
    }
    this.nodes = nodes;
    setChildren(this.list, [...nodes.values()]);
    if (hadFocus && !this.list.contains(document.activeElement))
      (nodes.get(this.focusKey) ?? this.bar).focus({ preventScroll: true });
  }

  /** Of the item that shows now what had the focus, or of the first. */
  nextFocusKey() {
    const start = this.focusKey.replace('mark ', '');
    const heir = this.items.find(({ ranges }) => ranges.some((range) => `${range.start}` === start));
    const item = heir ?? this.items[0];
    return item === undefined ? '' : keyOf(item);
  }

  /** @param {HTMLElement} node @param {import('./strip-layout.js').Item} item @param {string} key */
  fill(node, item, key) {
    const { ranges, width } = item;
    const [range] = ranges;
    const isOne = ranges.length === 1 && range !== undefined;
    const isSelected = ranges.some(this.isSelected);
    const isMovable = isOne && this.isMovable(range);
    const style = isOne ? typeClass(range.type) : 'mark';
    setAttribute(node, 'class', `range ${style}${isMovable ? ' movable' : ''}`);
    setAttribute(node, 'aria-selected', `${isSelected}`);
    setAttribute(node, 'tabindex', key === this.focusKey ? '0' : '-1');
    setAttribute(
      node,
      'aria-label',
      isOne ? labelOf(range, isMovable) : `${ranges.length} ranges, ${spanText(extremes(ranges))}`,
    );
    const text = isOne ? range.name : `${ranges.length}`;
    const label = /** @type {HTMLElement} */ (node.firstElementChild);
    setText(
      label,
      width > text.length * LETTER_WIDTH + 8
        ? text
        : width > 52 && isOne
          ? `${text.slice(0, Math.floor((width - 16) / LETTER_WIDTH))}…`
          : '',
    );
    placed(node, item);
  }

  drawOverview() {
    const x = zoom.fractionOf(zoom.WHOLE, this.window.start) * this.width;
    const width = Math.max(3, (Number(this.window.size) / 2 ** 64) * this.width);
    const left = Math.min(x, this.width - width);
    placed(this.marker, { x: left, width });
    setAttribute(this.funnelShape, 'points', `${left},0 ${left + width},0 ${this.width},16 0,16`);
  }

  drawGhost() {
    const { ghost, ghostNode, window, width } = this;
    ghostNode.hidden = ghost === null;
    if (ghost === null) return;
    const { bar, target } = ghost;
    const extent = extentOf({ start: target, last: target + bar.size - 1n }, window, width);
    const text = `${bar.region.name} → ${hexOf(target)}`;
    setText(ghostNode, text);
    setText(this.spoken, text);
    const shown = extent ?? { x: target < window.start ? 0 : width - 2, width: 2 };
    placed(ghostNode, shown);
    setAttribute(ghostNode, 'class', shown.x > width / 2 ? 'ghost left' : 'ghost');
  }

  /** What a commit changed. @param {readonly Span[]} windows */
  flashWindows(windows) {
    for (const span of windows.slice(0, FLASHES_MAX)) {
      const key = `${span.start} ${span.last}`;
      let node = this.flashNodes.get(key);
      if (node === undefined) {
        node = element('div', { 'data-start': `${span.start}`, 'data-last': `${span.last}` });
        this.flashNodes.set(key, node);
        this.flashes.append(node);
      }
      this.placeFlash(node);
      flash(node);
    }
    for (const [key, node] of this.flashNodes) {
      if (this.flashNodes.size <= FLASHES_MAX) break;
      node.remove();
      this.flashNodes.delete(key);
    }
  }

  /** @param {HTMLElement} node */
  placeFlash(node) {
    const span = { start: BigInt(node.dataset['start'] ?? 0), last: BigInt(node.dataset['last'] ?? 0) };
    const extent = extentOf(span, this.window, this.width);
    node.hidden = extent === null;
    if (extent !== null) placed(node, extent);
  }

  /** @param {EventTarget | null} target */
  itemAt(target) {
    const node = target instanceof Element ? target.closest('[role=option]') : null;
    const key = node instanceof HTMLElement ? node.dataset['key'] : undefined;
    const item = this.items.find((candidate) => keyOf(candidate) === key);
    return item && node instanceof HTMLElement ? { item, node } : undefined;
  }

  /** @param {number} index */
  focusItem(index) {
    const item = this.items[Math.min(this.items.length - 1, Math.max(0, index))];
    if (item === undefined) return;
    this.focusKey = keyOf(item);
    this.drawItems();
    this.nodes.get(this.focusKey)?.focus({ preventScroll: true });
  }
}

/** @param {import('./strip-layout.js').Item} item */
const keyOf = ({ ranges }) => `${ranges.length > 1 ? 'mark ' : ''}${ranges[0]?.start}`;

/** @param {readonly Range[]} ranges @returns {Span} */
export const extremes = (ranges) => ({ start: ranges[0]?.start ?? 0n, last: ranges.at(-1)?.last ?? 0n });

/** @param {Range} range @param {boolean} isMovable */
const labelOf = (range, isMovable) =>
  `${range.name}, ${range.type}, ${spanText(range)}, ${sizeText(range.last - range.start + 1n)}${isMovable ? ', can be moved' : ''}`;
