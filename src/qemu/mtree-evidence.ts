/**
 * Corrects guesses by what QEMU rendered: where our rendering of the drafts differs from the flat text, the
 * regions that lie over each other at that address are looked at, and the guess that explains it is turned.
 * Rounds go on until nothing differs, nothing can be turned, or ROUNDS_MAX is reached.
 */
import type { MemoryRegion } from '../model/memory-region.ts';
import { renderAddressSpaces } from '../render/address-space-views.ts';
import type { FlatRange } from '../render/flat-view.ts';
import { rangeType } from '../render/flat-view.ts';
import type { FlatTextRange, FlatTextView } from './flat-text.ts';
import { buildLayout } from './layout-file.ts';
import { AliasTargets } from './mtree-alias-targets.ts';
import { type Draft, type DraftLayout, isOpen } from './mtree-draft.ts';
import { type Layer, layersAt } from './mtree-layers.ts';
import { layoutFromDrafts } from './mtree-records.ts';
import { SharingEvidence } from './mtree-sharing.ts';

const ROUNDS_MAX = 30;
/** How often another region of an alias's name is tried, in all. */
const CHOICES_TRIED_MAX = 20_000;

/** @returns what was learned, and what still differs, in words */
export function learnFromFlat(layout: DraftLayout, views: readonly FlatTextView[], file: string): string[] {
  const targets = new AliasTargets(layout.choices);
  const evidence = new Evidence(layout, views, targets);
  const sharing = new SharingEvidence(layout, views, targets);
  sharing.learn();
  let differences = evidence.compare(file);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const explained = differences.map((difference) => evidence.explain(difference)).includes(true);
    if (!sharing.learn() && !explained) break;
    differences = evidence.compare(file);
  }
  const told = [...sharing.told(), ...evidence.told()];
  if (differences.length > 0) {
    const { space, start } = differences[0]!;
    told.push(
      `not explained: ${differences.length} ranges differ from the flat text, the first in '${space}' at 0x${start.toString(16)}`,
    );
  }
  const unexplained = sharing.unexplained();
  if (unexplained.length > 0) {
    told.push(
      `not explained: the flat views of ${unexplained.length} address spaces begin or are shared otherwise, the first is '${unexplained[0]}'`,
    );
  }
  return told;
}

interface Difference {
  readonly space: string;
  readonly spaceRoot: Draft | null;
  /** Where the rendering begins: what is wrong may be which region that is. */
  readonly root: Draft | null;
  readonly start: bigint;
  /** What QEMU showed there; null for a hole. */
  readonly wanted: FlatTextRange | null;
}

class Evidence {
  private readonly layout: DraftLayout;
  private readonly viewsByKey = new Map<string, FlatTextView | null>();
  private readonly answering = new Set<string>();
  private readonly answers = new Set<Draft>();
  private readonly empties = new Set<Draft>();
  private readonly readonly = new Set<Draft>();
  private readonly reordered = new Set<Draft>();
  private readonly targets: AliasTargets;
  private choicesTried = 0;

  constructor(layout: DraftLayout, views: readonly FlatTextView[], targets: AliasTargets) {
    this.layout = layout;
    this.targets = targets;
    for (const view of views) {
      for (const { name, root } of view.spaces) {
        const key = JSON.stringify([name, root]);
        const known = this.viewsByKey.get(key);
        // Address spaces that look alike and differ tell nothing about either.
        this.viewsByKey.set(key, known === undefined || known === view ? view : null);
      }
      for (const range of view.ranges) if (range.type === 'i/o') this.answering.add(range.name);
    }
  }

  /** Where our rendering differs from the text: once for each address space, range and border. */
  compare(file: string): Difference[] {
    const { addressSpaces, regionsById } = buildLayout(layoutFromDrafts(this.layout, file));
    const draftById = new Map(this.layout.drafts.map((draft) => [draft.id, draft]));
    const draftByRegion = new Map<MemoryRegion, Draft>();
    for (const [id, region] of regionsById) draftByRegion.set(region, draftById.get(id)!);
    return renderAddressSpaces(addressSpaces).flatMap(({ spaces, view }) => {
      for (const { name, root: spaceRoot } of spaces) {
        const evidence = this.viewsByKey.get(JSON.stringify([name, rootText(spaceRoot)]));
        if (!evidence) continue;
        const viewRoot = view.root !== null && view.root.name === evidence.root ? view.root : spaceRoot;
        const root = viewRoot === null ? null : draftByRegion.get(viewRoot)!;
        return differencesOf(view.ranges, evidence.ranges).map((found) => ({
          space: name,
          spaceRoot: spaceRoot === null ? null : draftByRegion.get(spaceRoot)!,
          root,
          ...found,
        }));
      }
      return [];
    });
  }

  /** Turns the guesses that explain a difference. @returns whether any was turned */
  explain({ spaceRoot, root, start, wanted }: Difference): boolean {
    if (root === null || spaceRoot === null) return false;
    const place = wanted && { ...wanted, offset: wanted.offset + (start - wanted.start) };
    const layers = layersAt(root, start);
    if (this.turnLayers(layers, place)) return true;
    const top = layers.find(({ draft }) => draft.terminates);
    if (place !== null && top !== undefined && isLayerOf(top, place)) return false;
    // The last resort: what the way to the root, or a part of it, leads to may be another region of that name.
    return (
      this.exchange(layers, place) || (spaceRoot !== root && this.exchange(layersAt(spaceRoot, start), place))
    );
  }

  private turnLayers(layers: readonly Layer[], wanted: FlatTextRange | null): boolean {
    if (wanted === null) return layers.map((layer) => this.silence(layer.draft)).includes(true);
    const index = layers.findIndex((layer) => isLayerOf(layer, wanted));
    const shown = layers[index];
    if (shown === undefined) return false;
    let turned = false;
    for (const layer of layers.slice(0, index)) {
      if (layer.draft.terminates && (this.reorder(shown, layer) || this.silence(layer.draft))) turned = true;
    }
    if (!shown.draft.terminates && isOpen(shown.draft)) {
      shown.draft.terminates = true;
      this.answers.add(shown.draft);
      turned = true;
    }
    return this.setReadonly(shown, wanted.type === 'rom') || turned;
  }

  told(): string[] {
    const learned: [ReadonlySet<Draft>, string][] = [
      [this.answers, 'answer where their children do not'],
      [this.empties, 'are empty containers'],
      [this.readonly, 'are read-only'],
      [this.reordered, 'lie over siblings of equal priority'],
      [this.targets.corrected, 'show another of the regions with the name of their target'],
    ];
    return learned.flatMap(([drafts, what]) =>
      drafts.size > 0 ? [`from the flat text: ${namesOf(drafts)} ${what}`] : [],
    );
  }

  private silence(draft: Draft): boolean {
    if (!draft.terminates || !isOpen(draft)) return false;
    draft.terminates = false;
    this.answers.delete(draft);
    this.empties.add(draft);
    return true;
  }

  /** Where the ways to both part among siblings of equal priority, and the upper one is known to answer. */
  private reorder(wanted: Layer, over: Layer): boolean {
    if (isOpen(over.draft) && !this.answering.has(over.draft.node.name)) return false;
    const fork = wanted.path.findIndex((draft, index) => draft !== over.path[index]);
    const [upper, lower, parent] = [over.path[fork], wanted.path[fork], wanted.path[fork - 1]];
    if (upper === undefined || lower === undefined || parent === undefined) return false;
    if (upper.node.priority !== lower.node.priority || upper.address === lower.address) return false;
    const from = parent.children.indexOf(lower);
    const to = parent.children.indexOf(upper);
    if (from < to || this.reordered.has(upper)) return false;
    parent.children.splice(from, 1);
    parent.children.splice(to, 0, lower);
    this.reordered.add(lower);
    return true;
  }

  /** Lets an alias show another region of the same name, one with `wanted` on top at this place. */
  private exchange(layers: readonly Layer[], wanted: FlatTextRange | null): boolean {
    for (const { draft, offsetInRegion, path } of layers) {
      const alias = path.at(-2);
      if (alias === undefined || alias.aliasTarget !== draft || this.targets.isSettled(alias)) continue;
      for (const choice of this.targets.choices.get(alias) ?? []) {
        if (choice === draft) continue;
        if (this.choicesTried++ > CHOICES_TRIED_MAX) return false;
        const inside = layersAt(choice, choice.address + offsetInRegion);
        const top = inside.find((layer) => layer.draft.terminates);
        if (wanted === null ? top !== undefined : top === undefined || !isLayerOf(top, wanted)) continue;
        this.targets.exchange(alias, choice);
        return true;
      }
    }
    return false;
  }

  private setReadonly(layer: Layer, wanted: boolean): boolean {
    if (layer.draft.readonly || layer.path.some((draft) => draft.readonly) === wanted) return false;
    // The alias next to the region is the one that is about it; a farther one shows other things too.
    const alias = layer.path.findLast((draft) => draft.aliasTarget !== null && draft.readonly !== wanted);
    if (alias === undefined || (wanted && this.readonly.has(alias))) return false;
    alias.readonly = wanted;
    this.readonly.add(alias);
    return true;
  }
}

/** `wanted` begins at the layer's place. */
const isLayerOf = ({ draft, offsetInRegion }: Layer, wanted: FlatTextRange): boolean =>
  draft.node.name === wanted.name &&
  draft.node.priority === wanted.priority &&
  offsetInRegion === wanted.offset;

const rootText = (root: MemoryRegion | null): string =>
  root === null
    ? '(none)'
    : root.aliasTarget === null
      ? root.name
      : `${root.name}, alias ${root.aliasTarget.name}`;

function namesOf(drafts: ReadonlySet<Draft>): string {
  const names = [...new Set([...drafts].map(({ node }) => `'${node.name}'`))].sort();
  return names.length > 12
    ? `${names.slice(0, 12).join(', ')} and ${names.length - 12} more`
    : names.join(', ');
}

/** Each start at which one of both lists says something else than the other. */
function differencesOf(
  ours: readonly FlatRange[],
  theirs: readonly FlatTextRange[],
): { start: bigint; wanted: FlatTextRange | null }[] {
  const borders = new Set<bigint>();
  for (const { start, size } of ours) borders.add(start).add(start + size);
  for (const { start, last } of theirs) borders.add(start).add(last + 1n);
  const starts = [...borders].sort((a, b) => (a < b ? -1 : Number(a > b)));
  let ourIndex = 0;
  let theirIndex = 0;
  return starts.flatMap((start) => {
    while (ourIndex < ours.length && ours[ourIndex]!.start + ours[ourIndex]!.size <= start) ourIndex++;
    while (theirIndex < theirs.length && theirs[theirIndex]!.last < start) theirIndex++;
    const our = ours[ourIndex];
    const their = theirs[theirIndex];
    const shown = our !== undefined && our.start <= start ? our : null;
    const wanted = their !== undefined && their.start <= start ? their : null;
    return tellsTheSame(shown, wanted) ? [] : [{ start, wanted }];
  });
}

function tellsTheSame(shown: FlatRange | null, wanted: FlatTextRange | null): boolean {
  if (shown === null || wanted === null) return shown === wanted;
  return (
    shown.region.name === wanted.name &&
    shown.region.priority === wanted.priority &&
    rangeType(shown).replace(/^nv-/, '') === wanted.type &&
    shown.offsetInRegion - shown.start === wanted.offset - wanted.start
  );
}
