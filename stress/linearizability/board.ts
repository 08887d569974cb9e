/**
 * The words through which control thread, devices and vCPUs of a recorded history tell each other how far they are.
 *
 *   word  name                writer   meaning
 *   0     BOARD_PUBLISHED     control  newest layout that certainly is published
 *   1     BOARD_INTENT        control  newest layout that is published, or may be at any moment
 *   2     BOARD_CHAPTER       control  chapter that the vCPUs shall record, from 1
 *   16    BOARD_LINES         (below)  + vCPU * LINE_WORDS
 *
 * A vCPU's line:
 *
 *   word  name                writer   meaning
 *   0     LINE_DONE           vCPU     the last chapter that it has recorded to the end
 *   1     LINE_RECORDED       vCPU     accesses recorded, modulo 2^32: that it goes on
 *   2     LINE_MOVED          control  the last layout that one of its writes made
 *   3     LINE_LANDED         device   calls that took a piece of its write; the vCPU sets it to 0 before each
 *   4     LINE_LANDINGS       device   for each of them region, offset, size
 *
 * Order: control stores INTENT, commits, stores PUBLISHED. A vCPU loads PUBLISHED, passes a checkpoint, then loads
 * INTENT. The layout that it took is between the two: the first was published before its checkpoint began, and the
 * root that it loaded was stored after INTENT had reached that layout. The same holds around an access that a homed
 * device answers; LINE_MOVED was stored before the answer, so the vCPU comes back on that layout or a later one.
 */
import type { SharedWords } from '../../src/layout/control-block.ts';

export const BOARD_PUBLISHED = 0;
export const BOARD_INTENT = 1;
export const BOARD_CHAPTER = 2;
const BOARD_LINES = 16;

export const LINE_DONE = 0;
export const LINE_RECORDED = 1;
export const LINE_MOVED = 2;
const LINE_LANDED = 3;
const LINE_LANDINGS = 4;

const LINE_WORDS = 32;
/** A write of eight bytes is eight calls at most. */
const LANDINGS_MAX = 8;

/** Where a piece of a write went. */
export interface Landing {
  readonly region: number;
  readonly offset: number;
  readonly size: number;
}

export const lineWord = (vcpu: number, word: number): number => BOARD_LINES + vcpu * LINE_WORDS + word;
export const boardWords = (vcpus: number): number => lineWord(vcpus, 0);

/** A device took a piece of a write of `vcpu`, which waits for it. */
export function land(board: SharedWords, vcpu: number, { region, offset, size }: Landing): void {
  const landed = board[lineWord(vcpu, LINE_LANDED)]!;
  if (landed === LANDINGS_MAX) return; // one too many is enough to convict
  board.set([region, offset, size], lineWord(vcpu, LINE_LANDINGS) + 3 * landed);
  board[lineWord(vcpu, LINE_LANDED)] = landed + 1;
}

export const forgetLandings = (board: SharedWords, vcpu: number): void => {
  board[lineWord(vcpu, LINE_LANDED)] = 0;
};

export function landings(board: SharedWords, vcpu: number): Landing[] {
  return Array.from({ length: board[lineWord(vcpu, LINE_LANDED)]! }, (_, index) => {
    const at = lineWord(vcpu, LINE_LANDINGS) + 3 * index;
    return { region: board[at]!, offset: board[at + 1]!, size: board[at + 2]! };
  });
}
