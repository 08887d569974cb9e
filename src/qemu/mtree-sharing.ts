/**
 * Corrects guesses by which address spaces share a flat view. They do exactly where the rendering begins at the
 * same region, so the flat text tells which of several regions of one name an alias on the way there shows,
 * and whether a region that shows nothing of its own answers or only wraps its child.
 */
import { DEPTH_MAX } from '../model/visit-budget.ts';
import type { FlatTextView } from './flat-text.ts';
import { groupUnder } from './group-under.ts';
import type { AliasTargets } from './mtree-alias-targets.ts';
import { type Draft, type DraftLayout, type DraftSpace, isOpen } from './mtree-draft.ts';

/** From a root to where the rendering begins. */
interface Way {
  readonly steps: readonly Draft[];
  /** Where it begins; null where nothing is rendered. */
  readonly end: Draft | null;
}

export class SharingEvidence {
  private readonly layout: DraftLayout;
  private readonly views: readonly FlatTextView[];
  private readonly targets: AliasTargets;
  private readonly turned = new Set<Draft>();
  /** Of each list of choices, where they lead to. */
  private readonly choicesByEnd = new Map<readonly Draft[], Map<Draft, Draft>>();

  constructor(layout: DraftLayout, views: readonly FlatTextView[], targets: AliasTargets) {
    this.layout = layout;
    this.views = views;
    this.targets = targets;
  }

  /** Turns the guesses that explain how views are shared. @returns whether any was turned */
  learn(): boolean {
    this.choicesByEnd.clear();
    const members = this.members();
    let turned = false;
    for (const [view, spaces] of members) {
      for (const { root } of spaces) if (root !== null && this.correctEnd(root, view)) turned = true;
    }
    const ends = new Map<Draft, FlatTextView>();
    for (const [view, spaces] of members) {
      for (const { root } of spaces) {
        const { steps, end } = wayFrom(root);
        if (end !== null && !steps.some((step) => this.targets.choices.has(step))) ends.set(end, view);
      }
    }
    for (const [view, spaces] of members) if (this.bringTogether(view, spaces, ends)) turned = true;
    return turned;
  }

  /** Names of address spaces whose views begin, or are shared, otherwise than the text says. */
  unexplained(): string[] {
    const viewByEnd = new Map<Draft, FlatTextView>();
    return [...this.members()].flatMap(([view, spaces]) => {
      const ends = new Set(spaces.map(({ root }) => wayFrom(root).end));
      const [end] = ends;
      const explained = ends.size === 1 && (end?.node.name ?? null) === view.root;
      const other = end ? viewByEnd.get(end) : undefined;
      if (end) viewByEnd.set(end, view);
      return explained && other === undefined ? [] : spaces.map(({ name }) => name);
    });
  }

  told(): string[] {
    const told: string[] = [];
    const names = (drafts: ReadonlySet<Draft>): string =>
      [...new Set([...drafts].map(({ node }) => `'${node.name}'`))].sort().slice(0, 12).join(', ');
    if (this.turned.size > 0) told.push(`from the roots of flat views: whether ${names(this.turned)} answer`);
    return told;
  }

  /** The address spaces of each view. Those that look alike but have different views belong to none. */
  private members(): Map<FlatTextView, DraftSpace[]> {
    const spacesByKey = new Map<string, DraftSpace[]>();
    for (const space of this.layout.spaces) {
      groupUnder(spacesByKey, keyOf(space.name, rootText(space.root)), space);
    }
    const viewsByKey = new Map<string, FlatTextView[]>();
    for (const view of this.views) {
      for (const { name, root } of view.spaces) {
        const key = keyOf(name, root);
        const known = viewsByKey.get(key);
        if (known === undefined) viewsByKey.set(key, [view]);
        else if (known.at(-1) !== view) known.push(view);
      }
    }
    const members = new Map<FlatTextView, DraftSpace[]>(this.views.map((view) => [view, []]));
    for (const [key, views] of viewsByKey) {
      const spaces = spacesByKey.get(key) ?? [];
      const shown = views.filter(({ root }) => root !== null);
      for (const space of spaces) {
        const [view] = views.length === 1 ? views : shown;
        if (view === undefined || (views.length > 1 && shown.length > 1)) continue;
        if (views.length > 1 && wayFrom(space.root).end === null) continue;
        members.get(view)!.push(space);
      }
    }
    for (const [view, spaces] of members) if (spaces.length === 0) members.delete(view);
    return members;
  }

  /** Where the name of the view's root shows that a region on the way answers, or that the last one does not. */
  private correctEnd(root: Draft, view: FlatTextView): boolean {
    const { steps, end } = wayFrom(root);
    if (view.root === null || end === null || end.node.name === view.root) return false;
    const passed = steps.find((step) => step.node.name === view.root && isOpen(step) && !step.terminates);
    if (passed !== undefined) {
      passed.terminates = true;
      this.turned.add(passed);
      return true;
    }
    if (!end.terminates || !isOpen(end) || this.turned.has(end)) return false;
    end.terminates = false;
    if (wayFrom(end).end?.node.name === view.root) {
      this.turned.add(end);
      return true;
    }
    end.terminates = true;
    return false;
  }

  /** Lets the aliases on the ways of `spaces` show regions that lead to one and the same end. */
  private bringTogether(
    view: FlatTextView,
    spaces: readonly DraftSpace[],
    ends: Map<Draft, FlatTextView>,
  ): boolean {
    if (view.root === null) return false;
    const ways = spaces.map(({ root }) => wayFrom(root));
    const free = (end: Draft | null): end is Draft =>
      end !== null && end.node.name === view.root && (ends.get(end) ?? view) === view;
    const certain = ways.find(({ end }) => end !== null && ends.get(end) === view)?.end;
    const wanted = certain ?? ways.find(({ end }) => free(end))?.end ?? this.otherEnd(ways, free);
    if (!wanted) return false;
    ends.set(wanted, view);
    const aliases = ways.map(({ steps }) => steps.findLast((step) => this.targets.choices.has(step)));
    const together = new Set(aliases.filter((alias) => alias !== undefined));
    let turned = false;
    for (const [index, alias] of aliases.entries()) {
      if (alias === undefined) continue;
      if (certain) this.targets.settle(alias);
      if (ways[index]!.end === wanted) continue;
      const target = this.leadingTo(this.targets.choices.get(alias)!).get(wanted);
      if (target === undefined) continue;
      this.targets.exchange(alias, target, together);
      turned = true;
    }
    return turned;
  }

  private otherEnd(ways: readonly Way[], free: (end: Draft | null) => end is Draft): Draft | undefined {
    const alias = ways.flatMap(({ steps }) => steps).find((step) => this.targets.choices.has(step));
    if (alias === undefined) return undefined;
    return [...this.leadingTo(this.targets.choices.get(alias)!).keys()].find(free);
  }

  private leadingTo(choices: readonly Draft[]): ReadonlyMap<Draft, Draft> {
    let byEnd = this.choicesByEnd.get(choices);
    if (byEnd === undefined) {
      byEnd = new Map();
      for (const choice of choices.toReversed()) {
        const { end } = wayFrom(choice);
        if (end !== null) byEnd.set(end, choice);
      }
      this.choicesByEnd.set(choices, byEnd);
    }
    return byEnd;
  }
}

const keyOf = (name: string, root: string): string => JSON.stringify([name, root]);

const rootText = (root: Draft | null): string =>
  root === null
    ? '(none)'
    : root.aliasTarget === null
      ? root.node.name
      : `${root.node.name}, alias ${root.aliasTarget.node.name}`;

/** As viewRootOf of the rendering, on drafts. */
function wayFrom(root: Draft | null): Way {
  const steps: Draft[] = [];
  let draft = root;
  while (draft !== null && !draft.node.disabled) {
    steps.push(draft);
    const inner = innerOf(draft);
    if (inner === draft || steps.length > DEPTH_MAX) return { steps, end: draft };
    draft = inner;
  }
  return { steps, end: null };
}

function innerOf(draft: Draft): Draft | null {
  const target = draft.aliasTarget;
  if (target !== null) return draft.node.alias!.offset === 0n && draft.size >= target.size ? target : draft;
  if (draft.terminates) return draft;
  let only: Draft | null = null;
  for (const child of draft.children) {
    if (child.node.disabled) continue;
    if (only !== null) return draft;
    only = child;
  }
  return only === null || (only.address === 0n && only.size <= draft.size) ? only : draft;
}
