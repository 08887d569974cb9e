/**
 * The words through which the control thread and the verifying vCPUs tell each other how far they are.
 *
 *   word  name                  writer   meaning
 *   0     BOARD_ANNOUNCED       control  number of the layout step that is published, or about to be
 *   1     BOARD_PUBLISHED       control  number of the layout step that certainly is published
 *   2     BOARD_ERA             control  goes up once every vCPU has taken the era before
 *   64    BOARD_CHANGED         control  + space: the last step at which something is due to answer differently there
 *   1088  BOARD_VCPUS           (below)  + vcpu * VCPU_STRIDE_WORDS
 *
 * A vCPU's words:
 *
 *   word  name                  writer   meaning
 *   0     VCPU_ACCESSES         vCPU     accesses checked, modulo 2^32
 *   1     VCPU_VIOLATIONS       vCPU     violations found
 *   2     VCPU_CONFIRMED        vCPU     the step of which it has verified everything
 *   3     VCPU_SLICES           vCPU     checkpoints passed
 *   4     VCPU_SET_ASIDE        vCPU     slices not begun because the layout of their space was changing
 *   5     VCPU_ERA              vCPU     the era that it has taken
 *   16    VCPU_EXAMPLES         vCPU     + n * EXAMPLE_WORDS: its first violations
 *
 * Eras keep versions comparable: see AccessChecker.
 *
 * Order: control stores ANNOUNCED, runs the transaction, stores CHANGED, then PUBLISHED. A vCPU loads CHANGED
 * and PUBLISHED, passes a checkpoint, then loads ANNOUNCED: its map is of a step between the two.
 */
import type { SharedWords } from '../layout/control-block.ts';

export const BOARD_ANNOUNCED = 0;
export const BOARD_PUBLISHED = 1;
export const BOARD_ERA = 2;
export const BOARD_CHANGED = 64;
const BOARD_VCPUS = 1088;

export const VCPU_ACCESSES = 0;
export const VCPU_VIOLATIONS = 1;
export const VCPU_CONFIRMED = 2;
export const VCPU_SLICES = 3;
export const VCPU_SET_ASIDE = 4;
export const VCPU_ERA = 5;
const VCPU_EXAMPLES = 16;
const VCPU_STRIDE_WORDS = 128;

export const SPACE_COUNT_MAX = BOARD_VCPUS - BOARD_CHANGED;
export const EXAMPLE_COUNT = 10;
export const EXAMPLE_WORDS = 10;

export const vcpuWord = (vcpu: number): number => BOARD_VCPUS + vcpu * VCPU_STRIDE_WORDS;
export const exampleWord = (vcpu: number, example: number): number =>
  vcpuWord(vcpu) + VCPU_EXAMPLES + example * EXAMPLE_WORDS;

export const createBoard = (vcpuCount: number): SharedWords =>
  new Int32Array(new SharedArrayBuffer(4 * vcpuWord(vcpuCount)));

/** Begins the next era if every vCPU has taken this one. Control thread; call it several times a second. */
export function advanceEra(board: SharedWords, vcpuCount: number): void {
  const era = board[BOARD_ERA]!;
  for (let vcpu = 0; vcpu < vcpuCount; vcpu += 1) {
    if (Atomics.load(board, vcpuWord(vcpu) + VCPU_ERA) !== era) return; // pairs with AccessChecker.beginSlice
  }
  Atomics.store(board, BOARD_ERA, era + 1); // pairs with AccessChecker.beginSlice
}

/** What a vCPU can find wrong by itself. */
export const FOUND_RESULT = 1;
export const FOUND_ANSWER = 2;
export const FOUND_OWN_WRITE = 3;
export const FOUND_OLD_VERSION = 4;
export const FOUND_LAYOUT = 5;
export const FOUND_TORN = 6;
export const FOUND_COUNTER = 7;

/** One violation as it stands on the board, in this order of words. */
export interface Finding {
  /** FOUND_* */
  readonly what: number;
  readonly space: number;
  /** The step that the vCPU's map is of. */
  readonly step: number;
  readonly hi: number;
  readonly lo: number;
  /** Bytes, negative for a write. */
  readonly access: number;
  /** What was expected: an expectation (cell-format.ts), or a word for FOUND_TORN and FOUND_COUNTER. */
  readonly expected: number;
  readonly value: number;
  readonly result: number;
}

/** Counts a violation, and keeps it if it is among the vCPU's first. */
export function putFinding(board: SharedWords, vcpu: number, finding: Finding): void {
  const word = vcpuWord(vcpu) + VCPU_VIOLATIONS;
  const count = board[word]!;
  if (count < EXAMPLE_COUNT) {
    const { what, space, step, hi, lo, access, expected, value, result } = finding;
    board.set([what, space, step, hi, lo, access, expected, value, result], exampleWord(vcpu, count));
  }
  board[word] = count + 1;
}

export function takeFindings(board: SharedWords, vcpu: number): Finding[] {
  const count = Math.min(board[vcpuWord(vcpu) + VCPU_VIOLATIONS]!, EXAMPLE_COUNT);
  return Array.from({ length: count }, (_, index) => {
    const at = exampleWord(vcpu, index);
    const word = (offset: number): number => board[at + offset]!;
    return {
      what: word(0),
      space: word(1),
      step: word(2),
      hi: word(3),
      lo: word(4),
      access: word(5),
      expected: word(6),
      value: word(7),
      result: word(8),
    };
  });
}
