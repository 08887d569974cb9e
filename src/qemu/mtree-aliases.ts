/**
 * Which "memory-region:" section an alias shows, where several have the name of its target.
 * QEMU prints these sections in the order in which it first met their aliases. So an alias may show a section
 * that was shown before, or the first that was not; where both are possible, the owner decides, then what
 * fits, then counting: the k-th alias of a name shows the k-th section of the target's name.
 */
import { MemoryError } from '../base/errors.ts';
import type { Draft } from './mtree-draft.ts';
import { below, type TextNode, type TextSection } from './mtree-lines.ts';

/**
 * Sets `aliasTarget` of every draft that is an alias.
 * @throws MemoryError INVALID_MTREE_TEXT if the text has no section for what an alias shows
 */
export function resolveAliases(
  sections: readonly TextSection[],
  draftByNode: ReadonlyMap<TextNode, Draft>,
  file: string,
  guessed: string[],
): void {
  const resolver = new AliasResolver(sections, draftByNode, file);
  for (const { root } of sections) {
    if (root === null) continue;
    resolver.meet(root);
    for (const node of below(root)) resolver.meet(node);
  }
  for (const [name, count] of resolver.choices) {
    guessed.push(`which of the regions named '${name}' is shown by ${count} of its aliases`);
  }
}

class AliasResolver {
  /** Number of aliases that could show several regions, by the name of the target. */
  readonly choices = new Map<string, number>();
  private readonly draftByNode: ReadonlyMap<TextNode, Draft>;
  private readonly file: string;
  /** In the order of their sections. */
  private readonly targetsByName = new Map<string, Draft[]>();
  private readonly met = new Set<Draft>();
  private readonly countByNames = new Map<string, number>();

  constructor(sections: readonly TextSection[], draftByNode: ReadonlyMap<TextNode, Draft>, file: string) {
    this.draftByNode = draftByNode;
    this.file = file;
    for (const { kind, root } of sections) {
      if (kind !== 'memory-region' || root === null) continue;
      const targets = this.targetsByName.get(root.name);
      if (targets === undefined) this.targetsByName.set(root.name, [draftByNode.get(root)!]);
      else targets.push(draftByNode.get(root)!);
    }
  }

  /** To call for each line in the order of the text. */
  meet(node: TextNode): void {
    const alias = this.draftByNode.get(node)!;
    if (node.alias === null || alias.aliasTarget !== null) return;
    const name = node.alias.target;
    const targets = this.targetsByName.get(name);
    if (targets === undefined) {
      const where = `${this.file}:${node.line}:${2 * node.level + 1}`;
      const what = `alias '${node.name}' shows '${name}', but the text has no section "memory-region: ${name}"`;
      throw new MemoryError('INVALID_MTREE_TEXT', `${where}: ${what}; give the whole text of info mtree`);
    }
    alias.aliasTarget = targets.length === 1 ? targets[0]! : this.choose(alias, name, targets);
    this.met.add(alias.aliasTarget);
  }

  private choose(alias: Draft, name: string, targets: readonly Draft[]): Draft {
    const names = JSON.stringify([alias.node.name, name]);
    const count = this.countByNames.get(names) ?? 0;
    this.countByNames.set(names, count + 1);
    const firstUnmet = targets.find((target) => !this.met.has(target));
    const possible = targets.filter((target) => target === firstUnmet || this.met.has(target));
    const owned = preferring(
      possible,
      (target) => target.node.owner !== null && target.node.owner === alias.node.owner,
    );
    const fitting = preferring(owned, (target) => alias.node.alias!.offset < target.size);
    if (fitting.length > 1) this.choices.set(name, (this.choices.get(name) ?? 0) + 1);
    return preferring(fitting, (target) => target === targets[count % targets.length])[0]!;
  }
}

/** Those that have the property, or all if none has it. */
function preferring<T>(candidates: readonly T[], property: (candidate: T) => boolean): readonly T[] {
  const preferred = candidates.filter(property);
  return preferred.length > 0 ? preferred : candidates;
}
