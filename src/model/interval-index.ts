/**
 * Intervals by address, to find those that meet a window without a look at the others: a treap whose nodes know
 * the furthest end below them. Expected costs are logarithmic in the number of intervals; its shape depends on
 * nothing but what is in it.
 */

/** Half open; an empty one meets nothing. */
export interface Interval {
  readonly start: bigint;
  readonly end: bigint;
  /** Unique among the intervals of one index. */
  readonly number: number;
}

interface Node<T extends Interval> {
  readonly item: T;
  readonly weight: number;
  furthestEnd: bigint;
  left: Node<T> | null;
  right: Node<T> | null;
}

type Tree<T extends Interval> = Node<T> | null;

export class IntervalIndex<T extends Interval> {
  private root: Tree<T> = null;

  /** @param item not in the index; what it says must stay as it is while it is in */
  insert(item: T): void {
    const node = { item, weight: weightOf(item.number), furthestEnd: item.end, left: null, right: null };
    this.root = inserted(this.root, node);
  }

  /** @param item in the index */
  remove(item: T): void {
    this.root = removed(this.root, item);
  }

  /** All of them, by ascending start. */
  [Symbol.iterator](): Iterator<T> {
    return itemsOf(this.root);
  }

  /** The first for which `holds`, by ascending start, `count` at the most. */
  first(count: number, holds: (item: T) => boolean): T[] {
    const found: T[] = [];
    collectFirst(this.root, count, holds, found);
    return found;
  }

  /** All that meet `[start, end)`, by ascending start. */
  meeting(start: bigint, end: bigint): T[] {
    const found: T[] = [];
    collect(this.root, start, end, found);
    return found;
  }
}

/** A number as good as random, so that no sequence of insertions makes the tree deep. */
function weightOf(number: number): number {
  const mixed = Math.imul(number ^ (number >>> 15), 0x2c1b3c6d);
  return Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39) >>> 0;
}

const isBefore = (a: Interval, b: Interval): boolean =>
  a.start === b.start ? a.number < b.number : a.start < b.start;

function* itemsOf<T extends Interval>(node: Tree<T>): Generator<T> {
  if (node === null) return;
  yield* itemsOf(node.left);
  yield node.item;
  yield* itemsOf(node.right);
}

function collectFirst<T extends Interval>(
  node: Tree<T>,
  count: number,
  holds: (item: T) => boolean,
  found: T[],
): void {
  if (node === null) return;
  collectFirst(node.left, count, holds, found);
  if (found.length < count && holds(node.item)) found.push(node.item);
  if (found.length < count) collectFirst(node.right, count, holds, found);
}

function collect<T extends Interval>(node: Tree<T>, start: bigint, end: bigint, found: T[]): void {
  if (node === null || node.furthestEnd <= start) return;
  collect(node.left, start, end, found);
  const { item } = node;
  if (item.start >= end) return; // as all to the right
  if (item.end > start && item.end > item.start) found.push(item);
  collect(node.right, start, end, found);
}

function inserted<T extends Interval>(tree: Tree<T>, node: Node<T>): Node<T> {
  if (tree === null) return node;
  if (node.weight > tree.weight) {
    const { before, after } = split(tree, node.item);
    node.left = before;
    node.right = after;
    return measured(node);
  }
  if (isBefore(node.item, tree.item)) tree.left = inserted(tree.left, node);
  else tree.right = inserted(tree.right, node);
  return measured(tree);
}

function removed<T extends Interval>(tree: Tree<T>, item: T): Tree<T> {
  if (tree === null || tree.item === item) return tree === null ? null : joined(tree.left, tree.right);
  if (isBefore(item, tree.item)) tree.left = removed(tree.left, item);
  else tree.right = removed(tree.right, item);
  return measured(tree);
}

function split<T extends Interval>(tree: Tree<T>, at: T): { before: Tree<T>; after: Tree<T> } {
  if (tree === null) return { before: null, after: null };
  if (isBefore(tree.item, at)) {
    const { before, after } = split(tree.right, at);
    tree.right = before;
    return { before: measured(tree), after };
  }
  const { before, after } = split(tree.left, at);
  tree.left = after;
  return { before, after: measured(tree) };
}

/** All of `before` is before all of `after`. */
function joined<T extends Interval>(before: Tree<T>, after: Tree<T>): Tree<T> {
  if (before === null) return after;
  if (after === null) return before;
  if (before.weight > after.weight) {
    before.right = joined(before.right, after);
    return measured(before);
  }
  after.left = joined(before, after.left);
  return measured(after);
}

function measured<T extends Interval>(node: Node<T>): Node<T> {
  let furthest = node.item.end;
  if (node.left !== null && node.left.furthestEnd > furthest) furthest = node.left.furthestEnd;
  if (node.right !== null && node.right.furthestEnd > furthest) furthest = node.right.furthestEnd;
  node.furthestEnd = furthest;
  return node;
}
