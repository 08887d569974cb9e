/**
 * Which "memory-region:" section an alias shows, where several have the name of its target.
 * QEMU prints these sections in the order in which it first met their aliases. So an alias may show a section
 * that was shown before, or the first that was not; where both are possible, the owner decides, then what
 * fits, then counting: the k-th alias of a name shows the k-th section of the target's name.
 */
import { MemoryError } from '../base/errors.ts';
import { groupUnder } from './group-under.ts';
import type { Draft } from './mtree-draft.ts';
import { below, type TextNode, type TextSection } from './mtree-lines.ts';

/**
 * Sets `aliasTarget` of every draft that is an alias.
 * @returns for each alias that could show several regions, which
 * @throws MemoryError INVALID_MTREE_TEXT if the text has no section for what an alias shows
 */
export function resolveAliases(
  sections: readonly TextSection[],
  draftByNode: ReadonlyMap<TextNode, Draft>,
  file: string,
  guessed: string[],
): ReadonlyMap<Draft, readonly Draft[]> {
  const resolver = new AliasResolver(sections, draftByNode, file);
  for (const { root } of sections) {
    if (root === null) continue;
    resolver.meet(root);
    for (const node of below(root)) resolver.meet(node);
  }
  for (const [name, count] of resolver.openCounts) {
    guessed.push(`which of the regions named '${name}' is shown by ${count} of its aliases`);
  }
  return resolver.choices;
}

class AliasResolver {
  /** Number of aliases that could show several regions, by the name of the target. */
  readonly openCounts = new Map<string, number>();
  readonly choices = new Map<Draft, readonly Draft[]>();
  private readonly draftByNode: ReadonlyMap<TextNode, Draft>;
  private readonly file: string;
  /** In the order of their sections. */
  private readonly targetsByName = new Map<string, Draft[]>();
  private readonly met = new Set<Draft>();
  private readonly countByNames = new Map<string, number>();
  /** Roots of sections of either kind, each region once. */
  private readonly rootsByName = new Map<string, Draft[]>();
  private readonly choicesByOwner = new Map<string, readonly Draft[]>();

  constructor(sections: readonly TextSection[], draftByNode: ReadonlyMap<TextNode, Draft>, file: string) {
    this.draftByNode = draftByNode;
    this.file = file;
    const known = new Set<Draft>();
    for (const { kind, root } of sections) {
      if (root === null) continue;
      const draft = draftByNode.get(root)!;
      if (kind === 'memory-region') groupUnder(this.targetsByName, root.name, draft);
      if (!known.has(draft)) groupUnder(this.rootsByName, root.name, draft);
      known.add(draft);
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
    if (this.rootsByName.get(name)!.length > 1) this.choices.set(alias, this.choicesFor(alias, name));
  }

  /**
   * Which of equal sections is which is a guess too, so roots of address spaces are among the choices.
   * One list for all aliases of an owner.
   */
  private choicesFor(alias: Draft, name: string): readonly Draft[] {
    const { owner } = alias.node;
    const key = JSON.stringify([name, owner]);
    let choices = this.choicesByOwner.get(key);
    if (choices === undefined) {
      choices = preferring(
        this.rootsByName.get(name)!,
        ({ node }) => node.owner !== null && node.owner === owner,
      );
      this.choicesByOwner.set(key, choices);
    }
    return choices;
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
    if (fitting.length > 1) this.openCounts.set(name, (this.openCounts.get(name) ?? 0) + 1);
    return preferring(fitting, (target) => target === targets[count % targets.length])[0]!;
  }
}

/** Those that have the property, or all if none has it. */
function preferring<T>(candidates: readonly T[], property: (candidate: T) => boolean): readonly T[] {
  const preferred = candidates.filter(property);
  return preferred.length > 0 ? preferred : candidates;
}
