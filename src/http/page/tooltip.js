/** One tooltip for the whole page: beside the pointer, or below what has the focus. It never takes the pointer. */
import { element } from './dom.js';
import { typeClass } from './tree-view.js';

const GAP = 14;

export class Tooltip {
  constructor() {
    this.node = element('div', { id: 'tooltip', role: 'tooltip', hidden: '' });
    document.body.append(this.node);
    addEventListener('pointermove', ({ clientX, clientY }) => this.place(clientX, clientY));
    addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.hide();
    });
    addEventListener('scroll', () => this.hide(), { passive: true });
  }

  /** @param {import('./facts.js').Facts} facts @param {Element} anchor */
  show(facts, anchor) {
    this.node.replaceChildren(factList(facts));
    this.node.hidden = false;
    if (anchor.matches(':focus-visible')) {
      const { left, bottom } = anchor.getBoundingClientRect();
      this.place(left, bottom - GAP + 6);
    }
  }

  hide() {
    this.node.hidden = true;
  }

  /** @param {number} x @param {number} y */
  place(x, y) {
    if (this.node.hidden) return;
    const { offsetWidth: width, offsetHeight: height } = this.node;
    const isBelow = y + GAP + height < innerHeight;
    const left = Math.max(4, Math.min(x + GAP, document.documentElement.clientWidth - width - 4));
    const top = Math.max(4, isBelow ? y + GAP : y - GAP - height);
    this.node.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }
}

/** @param {import('./facts.js').Facts} facts */
export function factList({ title, type, rows }) {
  const list = element('dl', { class: 'facts' });
  for (const [label, value] of rows) list.append(element('dt', {}, label), element('dd', {}, value));
  const name = element('p', { class: 'facts-title' }, element('b', {}, title), ' ');
  if (type !== '') name.append(element('span', { class: `type ${typeClass(type)}` }, type));
  const both = document.createDocumentFragment();
  both.append(name, list);
  return both;
}
