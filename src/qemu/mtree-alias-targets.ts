/**
 * Which of several regions of one name each alias shows, as the flat text corrects it.
 * What one alias shows instead, the others show that showed it until then: sections are seldom shown by none.
 */
import type { Draft } from './mtree-draft.ts';

export class AliasTargets {
  /** For each alias that could show several regions: which. One list for all aliases alike. */
  readonly choices: ReadonlyMap<Draft, readonly Draft[]>;
  readonly corrected = new Set<Draft>();
  /** Whose target is known for certain. */
  private readonly settled = new Set<Draft>();
  private readonly aliasesByTarget = new Map<Draft, Set<Draft>>();
  private readonly exchanged = new Map<Draft, Set<Draft>>();

  constructor(choices: ReadonlyMap<Draft, readonly Draft[]>) {
    this.choices = choices;
    for (const alias of choices.keys()) this.enter(alias, alias.aliasTarget!);
  }

  settle(alias: Draft): void {
    this.settled.add(alias);
  }

  isSettled(alias: Draft): boolean {
    return this.settled.has(alias);
  }

  /** Lets `alias` show `target`, and exchanges both regions for all other aliases but `kept`, though only once. */
  exchange(alias: Draft, target: Draft, kept?: ReadonlySet<Draft>): void {
    const before = alias.aliasTarget!;
    const partners = this.exchanged.get(before) ?? new Set();
    if (!partners.has(target)) {
      const shown = [...(this.aliasesByTarget.get(before) ?? [])];
      const others = [...(this.aliasesByTarget.get(target) ?? [])];
      for (const other of others) if (!kept?.has(other)) this.turn(other, before);
      for (const other of shown) if (!kept?.has(other)) this.turn(other, target);
      this.exchanged.set(before, partners.add(target));
      this.exchanged.set(target, (this.exchanged.get(target) ?? new Set()).add(before));
    }
    this.show(alias, target);
    this.corrected.add(alias);
  }

  private turn(alias: Draft, target: Draft): void {
    if (!this.settled.has(alias) && this.choices.get(alias)!.includes(target)) this.show(alias, target);
  }

  private show(alias: Draft, target: Draft): void {
    this.aliasesByTarget.get(alias.aliasTarget!)?.delete(alias);
    alias.aliasTarget = target;
    this.enter(alias, target);
  }

  private enter(alias: Draft, target: Draft): void {
    const aliases = this.aliasesByTarget.get(target);
    if (aliases === undefined) this.aliasesByTarget.set(target, new Set([alias]));
    else aliases.add(alias);
  }
}
