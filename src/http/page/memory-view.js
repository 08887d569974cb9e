/** The strips of a machine and the tree beside them, with one selection that both show. */
import { byId, setChildren, setText } from './dom.js';
import { factsOfRange, factsOfRow } from './facts.js';
import { inOrderOfInterest } from './flat-views.js';
import { barOf } from './movable.js';
import { pathAt } from './region-path.js';
import { SelectionView } from './selection-view.js';
import { StripGestures } from './strip-gestures.js';
import { StripView } from './strip-view.js';
import { Tooltip } from './tooltip.js';
import { TreeView } from './tree-view.js';
import * as zoom from './zoom.js';

/** @typedef {import('./types.d.ts').Range} Range */
/** @typedef {import('./types.d.ts').Span} Span */
/** @typedef {import('./types.d.ts').View} View */
/** @typedef {import('./movable.js').Bar} Bar */

/** @typedef {{ readonly id: string, readonly space: string | undefined, readonly facts: import('./facts.js').Facts, readonly span: Span }} Selected */

export class MemoryView {
  /** @param {(bar: Bar, target: bigint) => Promise<void>} move */
  constructor(move) {
    this.move = move;
    /** @type {import('./machine-model.js').MachineModel | null} */
    this.model = null;
    this.strips = byId('strips', HTMLElement);
    /** @type {Map<string, StripView>} */
    this.views = new Map();
    /** @type {Selected | null} */
    this.selected = null;
    this.tooltip = new Tooltip();
    this.tree = new TreeView(byId('tree', HTMLElement), {
      select: (row, section) => this.select(row.region.id, section.spaces[0], this.factsOf(row), row),
      hover: (row, _section, node) => this.hover(row === null ? null : this.factsOf(row), node),
    });
    this.selection = new SelectionView(byId('selection', HTMLElement), {
      zoom: () => this.zoomToSelected(),
      reveal: () => this.selected && this.tree.select(this.selected.id, true),
      move,
    });
    const disabled = byId('show-disabled', HTMLInputElement);
    disabled.addEventListener('change', () => this.tree.showDisabled(disabled.checked));
  }

  /** @param {import('./machine-model.js').MachineModel} model another machine */
  reset(model) {
    this.model = model;
    this.selected = null;
    this.selection.clear();
    this.views.clear();
    this.strips.replaceChildren();
  }

  /** The view that people look at first. @returns {View | undefined} */
  get mainView() {
    return inOrderOfInterest(this.model?.views ?? [])[0];
  }

  /** The tree below it. */
  get mainSection() {
    const space = this.mainView?.addressSpaces[0];
    return this.model?.sections.find(({ spaces }) => spaces.includes(space ?? ''));
  }

  /** @param {ReadonlySet<string>} changed */
  updateTree(changed) {
    const sections = this.model?.sections ?? [];
    if (this.tree.sections.length === 0 || this.views.size === 0)
      this.tree.reset(sections, this.mainSection?.key ?? '');
    else this.tree.update(sections, changed);
    this.mark();
  }

  updateViews() {
    const views = inOrderOfInterest(this.model?.views ?? []);
    const isFirst = this.views.size === 0;
    /** @type {Map<string, StripView>} */
    const strips = new Map();
    for (const view of views.filter(({ ranges }) => ranges.length > 0)) {
      const key = view.addressSpaces.join('\n');
      const strip = this.views.get(key) ?? this.stripOf(view, strips.size === 0);
      strip.update(view);
      strips.set(key, strip);
    }
    this.views = strips;
    setChildren(
      this.strips,
      [...strips.values()].map(({ root }) => root),
    );
    const empty = views
      .filter(({ ranges }) => ranges.length === 0)
      .flatMap(({ addressSpaces }) => addressSpaces);
    setText(
      byId('unmapped', HTMLElement),
      empty.length === 0 ? '' : `Nothing is mapped in ${empty.join(', ')}.`,
    );
    if (isFirst) this.tree.reset(this.model?.sections ?? [], this.mainSection?.key ?? '');
    this.mark();
  }

  /** @param {ReadonlyMap<string, readonly Span[]>} windows by address space */
  flash(windows) {
    for (const strip of this.views.values()) {
      const [space = ''] = strip.view.addressSpaces;
      const changed = windows.get(space);
      if (changed !== undefined) strip.flashWindows(changed);
    }
  }

  /** @param {View} view @param {boolean} isOpen the others are a click away */
  stripOf(view, isOpen) {
    const strip = new StripView(view, isOpen);
    const [space] = view.addressSpaces;
    const root = () => this.model?.rootOf(space) ?? null;
    const bar = (/** @type {Range} */ range) =>
      this.model === null || range.region === null ? null : barOf(this.model.regions, range.region, root());
    strip.isMovable = (range) => bar(range) !== null;
    new StripGestures(strip, {
      barOf: bar,
      move: this.move,
      select: (range) => {
        if (range.region !== null) this.select(range.region, space, this.factsOfRange(range, root()), range);
      },
      hover: (range, node) => this.hover(range === null ? null : this.factsOfRange(range, root()), node),
    });
    return strip;
  }

  /** @param {Range} range @param {string | null} root */
  factsOfRange(range, root) {
    return factsOfRange(range, this.model?.regions ?? new Map(), root);
  }

  /** @param {import('./region-tree.js').Row} row */
  factsOf(row) {
    return factsOfRow(row, this.model?.regions ?? new Map());
  }

  /** @param {import('./facts.js').Facts | null} facts @param {Element} node */
  hover(facts, node) {
    if (facts === null) this.tooltip.hide();
    else this.tooltip.show(facts, node);
  }

  /**
   * @param {string} id @param {string | undefined} space undefined: a tree of no address space
   * @param {import('./facts.js').Facts} facts @param {Span} span
   */
  select(id, space, facts, { start, last }) {
    this.selected = { id, space, facts, span: { start, last } };
    this.tree.select(id, true);
    this.mark();
  }

  /** Shows the selection where it is now. */
  mark() {
    const { model, selected } = this;
    if (model === null || selected === null) return;
    const { regions } = model;
    const { id } = selected;
    for (const strip of this.views.values()) {
      const [space] = strip.view.addressSpaces;
      const root = model.rootOf(space);
      strip.isSelected = ({ region, start }) =>
        region === id || (id !== root && pathAt(regions, root, start).some((region) => region.id === id));
      strip.extents = spansOf(model.sections, space, id);
      strip.drawSoon();
    }
    const space = selected.space ?? this.mainView?.addressSpaces[0];
    const row = rowOf(model.sections, selected.space, id);
    this.selection.show(
      row === undefined ? selected.facts : this.factsOf(row),
      barOf(regions, id, model.rootOf(space)),
    );
  }

  zoomToSelected() {
    const { selected, model } = this;
    if (selected === null || model === null) return;
    const isOf = (/** @type {StripView} */ { view }) => view.addressSpaces.includes(selected.space ?? '');
    const strip = [...this.views.values()].find(isOf) ?? [...this.views.values()][0];
    if (strip === undefined) return;
    const row = rowOf(model.sections, strip.view.addressSpaces[0], selected.id);
    strip.root.open = true;
    strip.flyTo(zoom.around(row ?? selected.span));
    strip.root.scrollIntoView({ block: 'nearest' });
  }
}

/**
 * The section whose tree an address space shows.
 * @param {readonly import('./region-tree.js').Section[]} sections @param {string | undefined} space
 */
const sectionOf = (sections, space) =>
  sections.find(({ spaces }) => space !== undefined && spaces.includes(space));

/** @param {readonly import('./region-tree.js').Section[]} sections @param {string | undefined} space @param {string} id */
const rowOf = (sections, space, id) =>
  sectionOf(sections, space)?.rows.find(({ region }) => region.id === id);

/** @param {readonly import('./region-tree.js').Section[]} sections @param {string | undefined} space @param {string} id */
const spansOf = (sections, space, id) =>
  sectionOf(sections, space)?.rows.filter(({ region }) => region.id === id) ?? [];
