/**
 * The region tree as the monitor draws it, as a tree of WAI-ARIA: arrows move, right and left open and close, letters
 * find names. A region stands in it as often as the monitor prints it.
 */
import { element, flash, setAttribute, setChildren } from './dom.js';

/** @typedef {import('./region-tree.js').Section} Section */
/** @typedef {import('./region-tree.js').Row} Row */

/**
 * @typedef {object} Line
 * @property {string} key
 * @property {string} text
 * @property {number} level from 1
 * @property {boolean} isOpenable
 * @property {Row | null} row null for a heading
 * @property {Section} section
 */

/**
 * @typedef {object} TreeListener
 * @property {(row: Row, section: Section) => void} select
 * @property {(row: Row | null, section: Section | null, node: Element) => void} hover
 */

const LINE =
  /^(\[.*\] )?(0*)([0-9a-f]+)-(0*)([0-9a-f]+) (\(prio -?\d+, )([^)]+)(\): )(alias )?(.*?)( @.*)?( \[disabled\])?$/;

export class TreeView {
  /** @param {HTMLElement} root @param {TreeListener} listener */
  constructor(root, listener) {
    this.root = root;
    this.listener = listener;
    /** @type {readonly Section[]} */
    this.sections = [];
    /** @type {Set<string>} keys of headings that are open, and of rows that are closed */
    this.toggled = new Set();
    this.showsDisabled = true;
    /** @type {string | null} */
    this.selected = null;
    /** @type {Map<string, HTMLElement>} */
    this.nodes = new Map();
    /** @type {Line[]} */
    this.lines = [];
    this.focusKey = '';
    root.addEventListener('click', (event) => this.clicked(event));
    root.addEventListener('keydown', (event) => this.keyed(event));
    root.addEventListener('focusin', (event) => this.pointed(event.target, true));
    root.addEventListener('focusout', (event) => this.pointed(event.target, false));
    root.addEventListener('pointerover', (event) => this.pointed(event.target, true));
    root.addEventListener('pointerout', (event) => this.pointed(event.target, false));
  }

  /** @param {readonly Section[]} sections @param {string} openKey the section that is open from the start */
  reset(sections, openKey) {
    this.toggled = new Set([openKey]);
    this.nodes.clear();
    this.focusKey = openKey;
    this.update(sections, new Set());
  }

  /** @param {readonly Section[]} sections @param {ReadonlySet<string>} changed ids of regions */
  update(sections, changed) {
    this.sections = sections;
    this.draw();
    for (const { row, key } of this.lines)
      if (row !== null && changed.has(row.region.id))
        flash(this.nodes.get(key) ?? this.root, 'var(--flash-behind-text)');
  }

  /** @param {boolean} shows */
  showDisabled(shows) {
    this.showsDisabled = shows;
    this.draw();
  }

  /** Marks a region wherever it stands. @param {string | null} id @param {boolean} [reveals] opens and scrolls to it */
  select(id, reveals = false) {
    this.selected = id;
    if (reveals && id !== null) this.reveal(id);
    this.draw();
  }

  /** @param {string} id */
  reveal(id) {
    const hasIt = (/** @type {Section} */ { rows }) => rows.some(({ region }) => region.id === id);
    const section =
      this.sections.find((open) => this.toggled.has(open.key) && hasIt(open)) ?? this.sections.find(hasIt);
    const row = section?.rows.find(({ region }) => region.id === id);
    if (section === undefined || row === undefined) return;
    this.toggled.add(section.key);
    for (const { key } of section.rows) if (row.key.startsWith(`${key}/`)) this.toggled.delete(key);
    this.focusKey = row.key;
    this.draw();
    const node = this.nodes.get(row.key);
    if (node !== undefined) scrollWithin(this.root, node);
  }

  draw() {
    this.lines = this.sections.flatMap((section) => this.linesOf(section));
    if (!this.lines.some(({ key }) => key === this.focusKey)) this.focusKey = this.lines[0]?.key ?? '';
    /** @type {Map<string, HTMLElement>} */
    const nodes = new Map();
    for (const line of this.lines) {
      const node = this.nodes.get(line.key) ?? element('div', { role: 'treeitem' });
      this.fill(node, line);
      nodes.set(line.key, node);
    }
    this.nodes = nodes;
    setChildren(this.root, [...nodes.values()]);
  }

  /** @param {Section} section @returns {Line[]} */
  linesOf(section) {
    const { key, headings, rows } = section;
    const heading = {
      key,
      text: headings.join('\n'),
      level: 1,
      isOpenable: rows.length > 0,
      row: null,
      section,
    };
    if (!this.toggled.has(key)) return [heading];
    /** @type {Line[]} */
    const lines = [heading];
    let closedBelow = '';
    for (const row of rows) {
      if (closedBelow !== '' && row.key.startsWith(closedBelow)) continue;
      closedBelow = '';
      if (!row.region.enabled && !this.showsDisabled) continue;
      const isOpenable = row.children > 0;
      lines.push({ key: row.key, text: row.text, level: row.depth + 1, isOpenable, row, section });
      if (isOpenable && this.toggled.has(row.key)) closedBelow = `${row.key}/`;
    }
    return lines;
  }

  /** @param {HTMLElement} node @param {Line} line */
  fill(node, { key, text, level, isOpenable, row }) {
    node.dataset['key'] = key;
    setAttribute(node, 'aria-level', `${level}`);
    setAttribute(node, 'aria-expanded', isOpenable ? `${this.isOpen(key, row)}` : null);
    setAttribute(node, 'aria-selected', `${row !== null && row.region.id === this.selected}`);
    setAttribute(node, 'tabindex', key === this.focusKey ? '0' : '-1');
    setAttribute(node, 'class', row === null ? 'heading' : row.region.enabled ? 'line' : 'line off');
    if (node.dataset['text'] === text) return;
    node.dataset['text'] = text;
    node.style.setProperty('--level', `${level - 1}`);
    node.replaceChildren(...(row === null ? [text] : partsOf(text)));
  }

  /** @param {string} key @param {Row | null} row */
  isOpen(key, row) {
    return this.toggled.has(key) === (row === null);
  }

  /** @param {string} key */
  toggle(key) {
    if (!this.toggled.delete(key)) this.toggled.add(key);
    this.draw();
  }

  /** @param {EventTarget | null} target */
  lineAt(target) {
    const node = target instanceof Element ? target.closest('[role=treeitem]') : null;
    return node instanceof HTMLElement
      ? this.lines.find(({ key }) => key === node.dataset['key'])
      : undefined;
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const line = this.lineAt(event.target);
    const node = line && this.nodes.get(line.key);
    if (line === undefined || node === undefined) return;
    this.focus(line.key);
    const isTwist = line.isOpenable && event.clientX < node.getBoundingClientRect().left + twistEnd(node);
    if (line.row === null || isTwist) this.toggle(line.key);
    else this.listener.select(line.row, line.section);
  }

  /** @param {EventTarget | null} target @param {boolean} isOver */
  pointed(target, isOver) {
    const line = this.lineAt(target);
    if (line === undefined) return;
    const node = this.nodes.get(line.key) ?? this.root;
    if (isOver) this.listener.hover(line.row, line.section, node);
    else this.listener.hover(null, null, node);
  }

  /** @param {string} key */
  focus(key) {
    setAttribute(this.nodes.get(this.focusKey) ?? this.root, 'tabindex', '-1');
    this.focusKey = key;
    const node = this.nodes.get(key);
    if (node === undefined) return;
    node.tabIndex = 0;
    node.focus();
  }

  /** @param {KeyboardEvent} event */
  keyed(event) {
    const at = this.lines.findIndex(({ key }) => key === this.focusKey);
    const line = this.lines[at];
    if (line === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.steered(event.key, at, line)) event.preventDefault();
  }

  /** @param {string} pressed @param {number} at @param {Line} line @returns {boolean} whether it means something */
  steered(pressed, at, line) {
    const isOpen = line.isOpenable && this.isOpen(line.key, line.row);
    /** @param {number} index */
    const go = (index) => {
      const next = this.lines[Math.min(this.lines.length - 1, Math.max(0, index))];
      if (next !== undefined) this.focus(next.key);
    };
    if (pressed === 'ArrowDown') go(at + 1);
    else if (pressed === 'ArrowUp') go(at - 1);
    else if (pressed === 'Home') go(0);
    else if (pressed === 'End') go(this.lines.length - 1);
    else if (pressed === 'ArrowRight') {
      if (line.isOpenable && !isOpen) this.toggle(line.key);
      else if (isOpen) go(at + 1);
    } else if (pressed === 'ArrowLeft') {
      if (isOpen) this.toggle(line.key);
      else go(this.lines.findLastIndex(({ level }, index) => index < at && level < line.level));
    } else if (pressed === 'Enter' || pressed === ' ') {
      if (line.row === null) this.toggle(line.key);
      else this.listener.select(line.row, line.section);
    } else if (/^\w$/.test(pressed)) {
      const order = [...this.lines.keys()].map((index) => (at + 1 + index) % this.lines.length);
      const found = order.find((index) => nameOf(this.lines[index]).startsWith(pressed.toLowerCase()));
      if (found !== undefined) go(found);
    } else return false;
    return true;
  }
}

/** @param {Line | undefined} line */
const nameOf = (line) => (line?.row?.region.name ?? line?.text.replace(/^[\w-]+: /, '') ?? '').toLowerCase();

/** Without moving the page. @param {HTMLElement} box @param {HTMLElement} node */
function scrollWithin(box, node) {
  const [outer, inner] = [box.getBoundingClientRect(), node.getBoundingClientRect()];
  if (inner.top < outer.top || inner.bottom > outer.bottom)
    box.scrollTop += inner.top - outer.top - outer.height / 3;
}

/** Where the mark that opens and closes ends. @param {HTMLElement} node */
const twistEnd = (node) => Number.parseFloat(getComputedStyle(node).paddingLeft);

/** The line's parts for the eye; together they are the line. @param {string} text @returns {(Node | string)[]} */
function partsOf(text) {
  const found = LINE.exec(text);
  if (found === null) return [text];
  const [, tag = '', zeros = '', start = '', moreZeros = '', last = '', prio = '', type = '', close = ''] =
    found;
  const [alias = '', name = '', target = '', off = ''] = found.slice(9);
  /** @param {string} style @param {string} part */
  const span = (style, part) => element('span', { class: style }, part);
  return [
    ...[tag, span('faint', zeros), start, span('faint', `-${moreZeros}`), last, ' '],
    ...[span('dim', prio), span(`type ${typeClass(type)}`, type), span('dim', close), span('dim', alias)],
    ...[span('name', name), span('dim', target), span('dim', off)],
  ];
}

/** Which colour a type has. @param {string} type as the monitor has it */
export const typeClass = (type) => `t-${type.replace('nv-', '').replace('/', '')}`;
