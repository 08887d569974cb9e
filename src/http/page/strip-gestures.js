/**
 * What hands do to a strip: wheel and pinch zoom where the pointer is, a drag moves the window, or a BAR if it begins on
 * one; keys do all of it too. Escape takes a move back that has not been let go.
 */
import { snapped } from './movable.js';
import { addressAtPixel } from './strip-layout.js';
import { extremes } from './strip-view.js';
import * as zoom from './zoom.js';

/** @typedef {import('./types.d.ts').Range} Range */
/** @typedef {import('./movable.js').Bar} Bar */

/**
 * @typedef {object} StripListener
 * @property {(range: Range) => void} select
 * @property {(range: Range | null, node: Element) => void} hover
 * @property {(range: Range) => Bar | null} barOf
 * @property {(bar: Bar, target: bigint) => Promise<void>} move
 */

/** Below that it is a click. */
const DRAG_PIXELS = 4;
const WHEEL_FACTOR = 1.0022;
const LINE_PIXELS = 24;

export class StripGestures {
  /** @param {import('./strip-view.js').StripView} strip @param {StripListener} listener */
  constructor(strip, listener) {
    this.strip = strip;
    this.listener = listener;
    /** @type {Map<number, number>} pointers that are down, and their x */
    this.pointers = new Map();
    /** @type {{ readonly x: number, readonly window: zoom.Window, readonly bar: Bar | null, isMoving: boolean } | null} */
    this.drag = null;
    this.endsInClick = true;
    const { bar, overview } = strip;
    bar.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
    bar.addEventListener('pointerdown', (event) => this.down(event));
    bar.addEventListener('pointermove', (event) => this.moved(event));
    bar.addEventListener('pointerup', (event) => this.up(event));
    bar.addEventListener('pointercancel', (event) => this.cancelled(event));
    bar.addEventListener('click', (event) => this.clicked(event.target));
    bar.addEventListener('dblclick', (event) => this.closer(event.target));
    bar.addEventListener('keydown', (event) => this.keyed(event));
    for (const name of ['pointerover', 'focusin'])
      bar.addEventListener(name, (event) => this.pointed(event.target, true));
    for (const name of ['pointerout', 'focusout'])
      bar.addEventListener(name, (event) => this.pointed(event.target, false));
    overview.addEventListener('click', (event) => this.jump(event));
    addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.letGo();
    });
  }

  /** @param {{ readonly clientX: number }} event */
  xOf({ clientX }) {
    return clientX - this.strip.bar.getBoundingClientRect().left;
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    const { strip } = this;
    const by = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PIXELS : 1);
    if (by === 0) return;
    const next = zoom.zoomed(strip.window, WHEEL_FACTOR ** by, this.xOf(event) / strip.width);
    if (zoom.isSame(next, strip.window)) return; // the page scrolls on
    event.preventDefault();
    strip.show(next);
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (event.button !== 0) return;
    this.pointers.set(event.pointerId, this.xOf(event));
    this.endsInClick = true;
    const found = this.strip.itemAt(event.target);
    const [range] = found?.item.ranges.length === 1 ? found.item.ranges : [];
    // a finger that pans must not move what it happens to touch
    const isMeant = event.pointerType !== 'touch' || (range !== undefined && this.strip.isSelected(range));
    const bar = range === undefined || event.shiftKey || !isMeant ? null : this.listener.barOf(range);
    this.drag = { x: this.xOf(event), window: this.strip.window, bar, isMoving: false };
  }

  /** @param {PointerEvent} event */
  moved(event) {
    const { pointers, drag, strip } = this;
    if (!pointers.has(event.pointerId) || drag === null) return;
    if (pointers.size === 2) {
      this.pinched(event);
      return;
    }
    const x = this.xOf(event);
    pointers.set(event.pointerId, x);
    if (!drag.isMoving && Math.abs(x - drag.x) < DRAG_PIXELS) return;
    if (!drag.isMoving) {
      drag.isMoving = true;
      this.endsInClick = false;
      strip.bar.setPointerCapture(event.pointerId);
      strip.bar.classList.add('dragging');
    }
    if (drag.bar === null) {
      strip.show(zoom.panned(drag.window, (drag.x - x) / strip.width));
      return;
    }
    const { bar } = drag;
    const held = addressAtPixel(drag.window, drag.x, strip.width) - bar.start;
    const start = addressAtPixel(strip.window, x, strip.width) - held;
    strip.ghost = { bar, target: snapped(bar, start + bar.step / 2n) };
    strip.drawGhost();
  }

  /** @param {PointerEvent} event */
  pinched(event) {
    const { pointers, strip } = this;
    const [other] = [...pointers].flatMap(([id, x]) => (id === event.pointerId ? [] : [x]));
    const before = pointers.get(event.pointerId) ?? 0;
    const x = this.xOf(event);
    pointers.set(event.pointerId, x);
    this.endsInClick = false;
    if (other === undefined || this.drag === null) return;
    const factor = Math.max(20, Math.abs(before - other)) / Math.max(20, Math.abs(x - other));
    strip.ghost = null;
    this.drag = { ...this.drag, bar: null };
    strip.show(zoom.zoomed(strip.window, factor, other / strip.width));
  }

  /** @param {PointerEvent} event */
  up(event) {
    this.pointers.delete(event.pointerId);
    const { ghost } = this.strip;
    const wasMoving = this.drag?.isMoving === true;
    this.drag = null;
    this.strip.bar.classList.remove('dragging');
    if (wasMoving && ghost !== null) this.commit();
  }

  /** @param {PointerEvent} event */
  cancelled(event) {
    this.pointers.delete(event.pointerId);
    this.letGo();
  }

  letGo() {
    this.drag = null;
    this.strip.bar.classList.remove('dragging');
    if (this.strip.ghost === null) return;
    this.strip.ghost = null;
    this.strip.drawGhost();
  }

  /** The ghost stays until the machine has moved. */
  commit() {
    const { ghost } = this.strip;
    if (ghost === null || ghost.target === ghost.bar.start) {
      this.letGo();
      return;
    }
    void this.listener.move(ghost.bar, ghost.target).finally(() => this.letGo());
  }

  /** @param {EventTarget | null} target */
  clicked(target) {
    const found = this.strip.itemAt(target);
    if (!this.endsInClick || found === undefined) return;
    this.strip.focusKey = found.node.dataset['key'] ?? '';
    const [range] = found.item.ranges;
    if (found.item.ranges.length > 1) this.closer(target);
    else if (range !== undefined) this.listener.select(range);
  }

  /** @param {EventTarget | null} target */
  closer(target) {
    const found = this.strip.itemAt(target);
    if (found !== undefined) this.strip.flyTo(zoom.around(extremes(found.item.ranges)));
  }

  /** @param {EventTarget | null} target @param {boolean} isOver */
  pointed(target, isOver) {
    const found = this.strip.itemAt(target);
    if (found === undefined) return;
    const [range] = found.item.ranges;
    this.listener.hover(isOver && found.item.ranges.length === 1 ? (range ?? null) : null, found.node);
  }

  /** @param {MouseEvent} event */
  jump(event) {
    const { strip } = this;
    const fraction = this.xOf(event) / strip.width;
    const { size } = strip.window;
    strip.flyTo(zoom.clamped({ start: zoom.addressAt(zoom.WHOLE, Math.max(0, fraction)) - size / 2n, size }));
  }

  /** @param {KeyboardEvent} event */
  keyed(event) {
    const { strip } = this;
    const at = strip.items.findIndex((item) =>
      item.ranges.includes(/** @type {Range} */ (this.focusedRange())),
    );
    if (event.ctrlKey || event.metaKey) return;
    const isKnown = event.altKey ? this.nudged(event.key) : this.steered(event.key, at);
    if (isKnown) event.preventDefault();
  }

  focusedRange() {
    return this.strip.itemAt(document.activeElement)?.item.ranges[0];
  }

  /** Moves the BAR that has the focus by a step. @param {string} pressed */
  nudged(pressed) {
    const direction = pressed === 'ArrowRight' ? 1n : pressed === 'ArrowLeft' ? -1n : 0n;
    const range = this.focusedRange();
    const bar = range === undefined ? null : this.listener.barOf(range);
    if (direction === 0n || bar === null) return false;
    const from = this.strip.ghost?.target ?? bar.start;
    this.strip.ghost = { bar, target: snapped(bar, from + direction * bar.step) };
    this.strip.drawGhost();
    return true;
  }

  /** @param {string} pressed @param {number} at index of the item with the focus @returns {boolean} */
  steered(pressed, at) {
    const { strip } = this;
    const item = strip.items[at];
    const middle = item === undefined ? 0.5 : (item.x + item.width / 2) / Math.max(1, strip.width);
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowLeft: () => strip.focusItem(at - 1),
      ArrowRight: () => strip.focusItem(at + 1),
      Home: () => strip.focusItem(0),
      End: () => strip.focusItem(strip.items.length - 1),
      '+': () => strip.zoomBy(0.25, middle),
      '=': () => strip.zoomBy(0.25, middle),
      '-': () => strip.zoomBy(4, middle),
      PageUp: () => strip.flyTo(zoom.panned(strip.window, -0.5)),
      PageDown: () => strip.flyTo(zoom.panned(strip.window, 0.5)),
      0: () => strip.flyTo(zoom.WHOLE),
      f: () => strip.flyTo(zoom.content(strip.view.ranges)),
      z: () => this.closer(document.activeElement),
      Enter: () => (strip.ghost === null ? this.chosen() : this.commit()),
      ' ': () => this.chosen(),
    };
    keys[pressed]?.();
    return keys[pressed] !== undefined;
  }

  chosen() {
    this.endsInClick = true;
    this.clicked(document.activeElement);
  }
}
