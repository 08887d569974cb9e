/** What is selected: its facts, where to find it, and a field that moves it. */
import { addressFrom, hexOf } from './addresses.js';
import { element } from './dom.js';
import { factList } from './tooltip.js';

/** @typedef {import('./movable.js').Bar} Bar */

/**
 * @typedef {object} SelectionListener
 * @property {() => void} zoom
 * @property {() => void} reveal
 * @property {(bar: Bar, target: bigint) => Promise<void>} move
 */

export class SelectionView {
  /** @param {HTMLElement} root @param {SelectionListener} listener */
  constructor(root, listener) {
    this.root = root;
    this.listener = listener;
    this.shown = '';
    this.facts = element('div');
    /** @type {Bar | null} */
    this.bar = null;
    this.clear();
  }

  clear() {
    this.shown = '';
    const hint =
      'Select a range or a line of the tree. Drag what has a grip to move it. Wheel or pinch to zoom.';
    this.root.replaceChildren(
      element('p', { class: 'dim', title: 'With a finger, select a range before you drag it' }, hint),
    );
  }

  /** @param {import('./facts.js').Facts} facts @param {Bar | null} bar that it belongs to, if it can be moved */
  show(facts, bar) {
    const key = JSON.stringify([facts, bar?.region.id, bar === null ? '' : `${bar.start}`]);
    if (key === this.shown) return;
    this.shown = key;
    // someone types a new place
    if (document.activeElement?.id === 'move-address' && bar?.region.id === this.bar?.region.id) {
      this.facts.replaceChildren(factList(facts));
      return;
    }
    this.bar = bar;
    this.facts.replaceChildren(factList(facts));
    const zoom = element('button', { type: 'button' }, 'Zoom to it');
    zoom.addEventListener('click', () => this.listener.zoom());
    const reveal = element('button', { type: 'button' }, 'Show in tree');
    reveal.addEventListener('click', () => this.listener.reveal());
    const buttons = element('div', { class: 'buttons' }, zoom, reveal);
    this.root.replaceChildren(this.facts, buttons, ...(bar === null ? [] : [this.moveForm(bar)]));
  }

  /** @param {Bar} bar */
  moveForm(bar) {
    const input = element('input', {
      ...{ id: 'move-address', type: 'text', value: hexOf(bar.start), size: '18', spellcheck: 'false' },
      ...{ autocomplete: 'off', inputmode: 'text' },
    });
    const label = element('label', { for: 'move-address' }, `${bar.region.name} at `);
    const button = element('button', { type: 'submit' }, 'Move');
    const hint = element('span', { class: 'dim' }, `in steps of ${hexOf(bar.step)}`);
    const form = element('form', { class: 'move' }, label, input, button, hint);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const target = addressFrom(input.value);
      input.setCustomValidity(target === null ? 'an address in hex, as 0xfeb80000' : '');
      if (target === null) input.reportValidity();
      else void this.listener.move(bar, target);
    });
    input.addEventListener('input', () => input.setCustomValidity(''));
    return form;
  }
}
