/** Regions on their way from text to layout. */
import type { TextNode } from './mtree-lines.ts';

/** A region under construction; guesses are corrected in place. */
export interface Draft {
  readonly id: string;
  readonly node: TextNode;
  /** Bytes from the start of its parent; of a root, where it was printed. */
  readonly address: bigint;
  readonly parent: Draft | null;
  /** In list order, as far as known. */
  readonly children: Draft[];
  aliasTarget: Draft | null;
  size: bigint;
  terminates: boolean;
  readonly: boolean;
}

export interface DraftSpace {
  readonly name: string;
  readonly root: Draft | null;
}

export interface DraftLayout {
  readonly drafts: readonly Draft[];
  readonly spaces: readonly DraftSpace[];
  /** For each alias whose target's name several regions have: those that it may show. */
  readonly choices: ReadonlyMap<Draft, readonly Draft[]>;
  /** What could have been understood in another way. */
  readonly guessed: string[];
}

/** Whether the text leaves open if the region answers or is a container. */
export const isOpen = ({ node }: Draft): boolean =>
  node.type === 'i/o' && node.alias === null && !node.unprinted;
