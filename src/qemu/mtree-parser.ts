/**
 * From the text of `info mtree` to a layout. The text leaves out whether an i/o region answers, which aliases
 * are read-only, who wins among siblings of equal priority, and which of several regions of one name is meant.
 * These are guessed by rules, corrected by the text of `info mtree -f` where that is given, and told in words.
 */
import { type FlatTextView, readFlatText } from './flat-text.ts';
import { draftsFromSections } from './mtree-drafts.ts';
import { learnFromFlat } from './mtree-evidence.ts';
import { applyRules } from './mtree-guesses.ts';
import { readMtreeText } from './mtree-lines.ts';
import { layoutFromDrafts } from './mtree-records.ts';
import type { LayoutState } from './region-record.ts';

export interface ImportedText {
  readonly layout: LayoutState;
  /** What the text did not say, in words. */
  readonly guessed: readonly string[];
}

/** A text, and the name of its file for messages. */
export interface NamedText {
  readonly text: string;
  readonly file: string;
}

/**
 * @param tree the text of `info mtree`, best with -D and -o
 * @param flat the text of `info mtree -f` of the same moment
 * @throws MemoryError INVALID_MTREE_TEXT, INVALID_FLAT_TEXT with file, line and column
 */
export function importMtree(tree: NamedText, flat?: NamedText): ImportedText {
  const views: readonly FlatTextView[] = flat === undefined ? [] : readFlatText(flat.text, flat.file);
  const drafts = draftsFromSections(readMtreeText(tree.text, tree.file), tree.file);
  const guessed = [...drafts.guessed, ...applyRules(drafts.drafts)];
  if (flat !== undefined) guessed.push(...learnFromFlat(drafts, views, tree.file));
  return { layout: layoutFromDrafts(drafts, tree.file), guessed };
}
