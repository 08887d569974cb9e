/**
 * Which lines of the text are the same region. The text prints a region wherever it is met: as root of an
 * address space, inside others, and as "memory-region:" where an alias shows it.
 * Result: drafts, one a region, with what is certain filled in and what the text leaves out as first guess.
 */
import { groupUnder } from './group-under.ts';
import { resolveAliases } from './mtree-aliases.ts';
import type { Draft, DraftLayout } from './mtree-draft.ts';
import { below, type TextNode, type TextSection } from './mtree-lines.ts';

/** @throws MemoryError INVALID_MTREE_TEXT if an alias shows what the text does not contain */
export function draftsFromSections(sections: readonly TextSection[], file: string): DraftLayout {
  const guessed: string[] = [];
  const homes = new HomeFinder(sections);
  const { drafts, draftByNode } = new DraftFactory(sections, homes.homes);
  const choices = resolveAliases(sections, draftByNode, file, guessed);
  if (homes.choices > 0)
    guessed.push(`which of several equal regions is meant: ${homes.choices} times the first`);
  const spaces = sections.flatMap(({ kind, names, root }) =>
    kind === 'address-space' ? names.map((name) => ({ name, root: root && draftByNode.get(root)! })) : [],
  );
  return { drafts, spaces, choices, guessed };
}

/** Finds for each section the place in another section where the same region is printed with its surroundings. */
class HomeFinder {
  /** Roots of sections that are printed elsewhere too, and where. */
  readonly homes = new Map<TextNode, TextNode>();
  choices = 0;
  private readonly shapes = new Map<TextNode, number>();
  private readonly shapeNumbers = new Map<string, number>();
  private readonly weights = new Map<TextNode, number>();

  constructor(sections: readonly TextSection[]) {
    const rooted = sections.filter((section) => section.root !== null);
    for (const { root } of rooted) this.measure(root!, 0n);
    const apart = this.pairEqualSections(rooted);
    this.placeInside(apart);
  }

  /** A region that is root of an address space and target of an alias has a section of each kind. */
  private pairEqualSections(sections: readonly TextSection[]): TextNode[] {
    const spacesByShape = new Map<number, TextNode[]>();
    const apart: TextNode[] = [];
    for (const { root } of sections.filter(({ kind }) => kind === 'address-space')) {
      apart.push(root!);
      groupUnder(spacesByShape, this.shapes.get(root!)!, root!);
    }
    for (const { root } of sections.filter(({ kind }) => kind === 'memory-region')) {
      const equal = spacesByShape.get(this.shapes.get(root!)!)?.shift();
      if (equal === undefined) apart.push(root!);
      else this.homes.set(root!, equal);
    }
    return apart;
  }

  /** What is a section and also a child somewhere: the child is its home. The largest first. */
  private placeInside(apart: readonly TextNode[]): void {
    const inner = new Map<number, TextNode[]>();
    for (const root of apart) for (const node of below(root)) groupUnder(inner, this.shapes.get(node)!, node);
    const gone = new Set<TextNode>();
    for (const root of apart.toSorted((a, b) => this.weights.get(b)! - this.weights.get(a)!)) {
      const candidates = (inner.get(this.shapes.get(root)!) ?? []).filter((node) => !gone.has(node));
      const home = candidates[0];
      if (home === undefined) continue;
      if (candidates.length > 1) this.choices++;
      this.homes.set(root, home);
      gone.add(home);
      for (const node of below(root)) gone.add(node);
    }
  }

  /** Equal subtrees get equal numbers. */
  private measure(node: TextNode, parentStart: bigint): number {
    let weight = 1;
    const children = node.children.map((child) => {
      const shape = this.measure(child, node.start);
      weight += this.weights.get(child)!;
      return shape;
    });
    const { size, priority, nonvolatile, type, name, alias, disabled, owner } = node;
    const address = BigInt.asUintN(64, node.start - parentStart);
    const own = [
      address,
      size,
      priority,
      nonvolatile,
      type,
      name,
      alias?.target,
      alias?.offset,
      disabled,
      owner,
    ];
    const key = JSON.stringify([
      own.map((field) => (typeof field === 'bigint' ? field.toString(16) : field)),
      children,
    ]);
    const shape = this.shapeNumbers.get(key) ?? this.shapeNumbers.size;
    this.shapeNumbers.set(key, shape);
    this.shapes.set(node, shape);
    this.weights.set(node, weight);
    return shape;
  }
}

/** One draft for all nodes that are the same region. */
class DraftFactory {
  readonly drafts: Draft[] = [];
  readonly draftByNode = new Map<TextNode, Draft>();

  constructor(sections: readonly TextSection[], homes: ReadonlyMap<TextNode, TextNode>) {
    const roots = sections.flatMap(({ root }) => root ?? []);
    for (const root of roots) if (!homes.has(root)) this.create(root, null);
    for (const root of roots) {
      let home = homes.get(root);
      for (let next = home; next !== undefined; next = homes.get(next)) home = next;
      if (home !== undefined) this.share(root, home);
    }
  }

  private create(node: TextNode, parent: Draft | null): Draft {
    const draft: Draft = {
      id: `r${this.drafts.length}`,
      node,
      address: BigInt.asUintN(64, node.start - (parent?.node.start ?? 0n)),
      parent,
      children: [],
      aliasTarget: null,
      size: node.size,
      terminates: false,
      readonly: node.type === 'rom' && node.alias === null,
    };
    this.drafts.push(draft);
    this.draftByNode.set(node, draft);
    for (const child of node.children) draft.children.push(this.create(child, draft));
    return draft;
  }

  /** Both have the same shape, so their children pair up. */
  private share(node: TextNode, home: TextNode): void {
    this.draftByNode.set(node, this.draftByNode.get(home)!);
    for (const [index, child] of node.children.entries()) this.share(child, home.children[index]!);
  }
}
