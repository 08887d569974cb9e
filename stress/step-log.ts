/**
 * What the control side of a scenario did, step by step: the first steps and the last ones are kept, whatever the
 * run's length. Layouts are numbered, and each carries a digest of itself and all before it, so that one equal
 * digest says that a replay decided the same up to there.
 */

export interface Layout {
  /** From 1. */
  readonly number: number;
  readonly digest: number;
}

export interface Step {
  /** Since the log began. */
  readonly ms: number;
  readonly text: string;
  /** Null for a step that publishes nothing. */
  readonly layout: Layout | null;
}

/** How far the layouts of a replay are those that were recorded. */
export interface Comparison {
  /** Layouts that are the same, from the first on. */
  readonly same: number;
  /** The first one that was seen to differ. */
  readonly difference: { readonly number: number; readonly recorded: string; readonly now: string } | null;
}

const FIRST_KEPT = 64;
const LAST_KEPT = 192;
/** Of what is kept and printed; a digest is taken of the whole. */
const TEXT_MAX = 400;

export class StepLog {
  private readonly sinceMs = performance.now();
  private readonly first: Step[] = [];
  private readonly last: Step[] = [];
  private readonly recorded = new Map<number, Step>();
  private steps = 0;
  private layouts = 0;
  private digest = 0;
  private same = 0;
  private difference: Comparison['difference'] = null;

  /** @param recorded of the run that this one replays */
  constructor(recorded: readonly Step[] = []) {
    for (const step of recorded) if (step.layout !== null) this.recorded.set(step.layout.number, step);
  }

  did(text: string): void {
    this.keep(text, null);
  }

  /** A layout was published. */
  published(text: string): void {
    this.layouts += 1;
    this.digest = digestWith(this.digest, text);
    const layout = { number: this.layouts, digest: this.digest };
    this.keep(text, layout);
    const known = this.recorded.get(layout.number);
    if (known === undefined || this.difference !== null) return;
    if (known.layout!.digest === layout.digest) this.same = layout.number;
    else this.difference = { number: layout.number, recorded: known.text, now: shortened(text) };
  }

  get stepCount(): number {
    return this.steps;
  }

  get comparison(): Comparison {
    return { same: this.same, difference: this.difference };
  }

  /** The first steps, and the last ones. */
  get kept(): readonly Step[] {
    return [...this.first, ...this.last.slice(-LAST_KEPT)];
  }

  private keep(text: string, layout: Layout | null): void {
    const step = {
      ms: Math.round((performance.now() - this.sinceMs) * 1000) / 1000,
      text: shortened(text),
      layout,
    };
    this.steps += 1;
    if (this.first.length < FIRST_KEPT) {
      this.first.push(step);
      return;
    }
    this.last.push(step);
    if (this.last.length >= 2 * LAST_KEPT) this.last.splice(0, LAST_KEPT);
  }
}

const shortened = (text: string): string => (text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text);

/** FNV-1a over UTF-16 units: to tell texts apart, not to hide them. */
function digestWith(digest: number, text: string): number {
  let hash = digest ^ 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash | 0;
}
