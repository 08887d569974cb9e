/**
 * The way of the data, drawn with the machine's own figures: tree, flat view, radix map, root word, readers, what waits
 * to be freed. Each part lights up when an event says that something happened there.
 */
import { sizeText } from './addresses.js';
import { drawing, element, flash, setText } from './dom.js';
import { countText, timeText } from './quantities.js';
import { itemsOf } from './strip-layout.js';
import { typeClass } from './tree-view.js';
import { content } from './zoom.js';

/** @typedef {'tree' | 'view' | 'map' | 'root' | 'readers' | 'reclaim'} StationName */

/** @type {readonly (readonly [name: StationName, title: string, thread: string])[]} */
const STATIONS = [
  ['tree', 'region tree', 'control thread'],
  ['view', 'flat view', 'rendered where it changed'],
  ['map', 'radix map', 'in shared memory'],
  ['root', 'root word', 'one atomic store'],
  ['readers', 'readers', 'vCPU threads, no lock'],
  ['reclaim', 'reclaim', 'once all have let go'],
];

const WIDTH = 132;
const HEIGHT = 44;
/** A commit takes less than anyone can see: its parts light up one after the other, slowed down. */
const STEP_MS = 90;
const TREE_LINES = 8;

export class PipelineView {
  /** @param {HTMLElement} root a list */
  constructor(root) {
    this.stations = new Map(
      STATIONS.map(([name, title, thread]) => {
        const glyph = drawing('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, 'aria-hidden': 'true' });
        const value = element('strong');
        const note = element('span', { class: 'note' });
        const lamp = element('div', { class: 'lamp' }, glyph);
        const heading = element('h3', {}, title);
        const item = element('li', { class: `station ${name}`, title: thread }, heading, lamp, value, note);
        root.append(item);
        return [name, { lamp, glyph, value, note }];
      }),
    );
    this.glyph('map').append(...radixParts());
    this.say('view', '', 'no change seen yet');
    this.say('root', '', 'one atomic store a commit');
    this.say('reclaim', '', 'no grace period seen yet');
    this.treeText = '';
    this.shown = content([]);
  }

  /** @param {StationName} name */
  station(name) {
    const station = this.stations.get(name);
    if (station === undefined) throw new Error(`no part ${name}`);
    return station;
  }

  /** @param {StationName} name */
  glyph(name) {
    return this.station(name).glyph;
  }

  /** @param {StationName} name @param {string} value @param {string} [note] */
  say(name, value, note) {
    const station = this.station(name);
    setText(station.value, value);
    if (note !== undefined) setText(station.note, note);
  }

  /** Another machine. */
  clear() {
    this.shown = content([]);
  }

  /** @param {import('./types.d.ts').MachineState} state as it is when someone begins to watch */
  begin({ commit, generation, gauges }) {
    setText(this.station('tree').note, `commit ${commit}`);
    this.showGeneration(generation);
    this.showBytes(gauges.liveBytes, gauges.retiredBytes);
  }

  /** @param {readonly import('./region-tree.js').Row[]} rows of the main section @param {number} regions */
  showTree(rows, regions) {
    this.say('tree', `${regions} regions`);
    const shown = rows.filter(({ region }) => region.enabled).slice(0, TREE_LINES);
    const text = shown.map(({ key }) => key).join();
    if (text === this.treeText) return;
    this.treeText = text;
    this.glyph('tree').replaceChildren(
      ...shown.map(({ depth, region }, index) => {
        const bits = Math.log2(Number(BigInt(region.size)) + 1);
        const place = { x: (depth - 1) * 12 + 4, y: index * 5.4 + 1, width: bits * 1.4, height: 3 };
        return drawing('rect', { ...place, class: typeClass(region.type) });
      }),
    );
  }

  /** @param {import('./types.d.ts').View | undefined} view the main one */
  showView(view) {
    if (view === undefined) return;
    this.say('view', `${view.ranges.length} ranges`);
    const window = content(view.ranges);
    if (window.size > this.shown.size) this.shown = window; // it does not go back and forth with what moves
    const items = itemsOf(view.ranges, this.shown, WIDTH - 2);
    this.glyph('view').replaceChildren(
      drawing('rect', { x: 1, y: 12, width: WIDTH - 2, height: 20, class: 'hole' }),
      ...items.map(({ x, width, ranges }) => {
        const type = ranges.length === 1 ? (ranges[0]?.type ?? '') : 'mark';
        return drawing('rect', {
          x: x + 1,
          y: 12,
          width: Math.max(0.5, width - 0.4),
          height: 20,
          class: typeClass(type),
        });
      }),
    );
  }

  /** @param {readonly import('./types.d.ts').Reader[]} readers */
  showReaders(readers) {
    const online = readers.filter(({ generation }) => generation !== null).length;
    setText(this.station('readers').note, `${online} online, ${readers.length - online} hold nothing`);
    const step = Math.min(22, WIDTH / Math.max(1, readers.length));
    const left = (WIDTH - step * readers.length) / 2;
    this.glyph('readers').replaceChildren(
      ...readers.map(({ generation, lag }, index) => {
        const state = generation === null ? 'offline' : lag > 0 ? 'lagging' : 'current';
        return drawing('circle', { cx: left + step * (index + 0.5), cy: 22, r: step * 0.32, class: state });
      }),
    );
  }

  /** @param {number} liveBytes @param {number} retiredBytes */
  showBytes(liveBytes, retiredBytes) {
    this.say('map', sizeText(liveBytes), 'shared, never written again');
    this.showRetired(retiredBytes);
  }

  /** @param {number} bytes */
  showRetired(bytes) {
    this.say('reclaim', bytes === 0 ? 'nothing waits' : `${sizeText(bytes)} wait`);
    const share = Math.min(1, Math.log2(bytes + 1) / 26); // 64 MiB, the arena
    this.glyph('reclaim').replaceChildren(
      drawing('rect', { x: 16, y: 12, width: WIDTH - 32, height: 20, class: 'bin' }),
      drawing('rect', { x: 16, y: 12, width: share * (WIDTH - 32), height: 20, class: 'retired' }),
    );
  }

  /** @param {StationName} name */
  light(name) {
    flash(this.station(name).lamp, 'var(--lamp)');
  }

  /** @param {number} perSecond */
  showAccesses(perSecond) {
    setText(this.station('readers').value, `${countText(perSecond)} accesses/s`);
  }

  /** @param {number} generation */
  showGeneration(generation) {
    setText(this.station('root').value, `generation ${generation >>> 0}`);
    this.glyph('root').replaceChildren(
      drawing('rect', { x: 8, y: 10, width: WIDTH - 16, height: 24, class: 'word' }),
      drawing('text', { x: WIDTH / 2, y: 27 }, `0x${(generation >>> 0).toString(16).padStart(8, '0')}`),
    );
  }

  /** @param {import('./types.d.ts').Events['commits']} told */
  committed({ count, commits }) {
    const last = commits.at(-1);
    if (last === undefined) return;
    const others = count > 1 ? ` and ${count - 1} more` : '';
    setText(
      this.station('tree').note,
      `commit ${last.commit}, by ${last.cause === 'churn' ? 'churn' : 'a client'}${others}`,
    );
    setText(this.station('view').note, windowsText(last.changed.length));
    setText(this.station('root').note, `published in ${timeText(last.commitUs)}`);
    this.showGeneration(last.generation);
    for (const [index, name] of /** @type {const} */ (['tree', 'view', 'map', 'root']).entries())
      setTimeout(() => this.light(name), index * STEP_MS);
  }

  /** @param {import('./types.d.ts').Period} period */
  followed({ isOver, freedUs, elapsedUs }) {
    const note = isOver
      ? `freed after ${timeText(freedUs ?? elapsedUs)}`
      : `for ${timeText(elapsedUs)} so far`;
    setText(this.station('reclaim').note, note);
    if (!isOver) return;
    setTimeout(() => this.light('readers'), 4 * STEP_MS);
    setTimeout(() => this.light('reclaim'), 5 * STEP_MS);
  }
}

/** @param {number} count */
const windowsText = (count) => (count === 1 ? '1 window changed' : `${count} windows changed`);

/** A map of three levels, as a sign. @returns {SVGElement[]} */
function radixParts() {
  /** @type {SVGElement[]} */
  const parts = [];
  const levels = [1, 3, 7];
  for (const [level, count] of levels.entries()) {
    for (let node = 0; node < count; node += 1) {
      const x = ((node + 0.5) * WIDTH) / count;
      const y = 5 + level * 17;
      const above = levels[level - 1] ?? 0;
      if (above > 0) {
        const parent = ((Math.min(above - 1, Math.floor((node * above) / count)) + 0.5) * WIDTH) / above;
        parts.push(drawing('line', { x1: parent, y1: y - 13, x2: x, y2: y - 4 }));
      }
      parts.push(drawing('rect', { x: x - 7, y: y - 4, width: 14, height: 8, rx: 1 }));
    }
  }
  return parts;
}
