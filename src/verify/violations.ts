/** Says in words what a vCPU found wrong, and guesses at the cause from what it got instead. */
import { addressFromHalves, hexFromAddress } from '../base/addresses.ts';
import type { SharedWords } from '../layout/control-block.ts';
import * as board from './board.ts';
import type { CellBook, CellOrigin } from './cell-book.ts';
import * as format from './cell-format.ts';
import { probeOf } from './probe-devices.ts';

/** One violation as the commands print it. */
export interface Violation {
  /** Null for what the control thread found. */
  readonly vcpu: number | null;
  /** Number of the layout step that the vCPU's map was of. */
  readonly step: number;
  readonly addressSpace: string;
  readonly address: string;
  readonly access: string;
  readonly expected: string;
  readonly got: string;
  /** What that looks like. */
  readonly diagnosis: string;
}

export interface FindingContext {
  readonly book: CellBook;
  /** Name of a space of the board. */
  spaceName(space: number): string;
  /** Steps or states in which `tag` is due at this address, the latest first; none if it never is. */
  statesWithTag?(space: number, hi: number, lo: number, tag: number): readonly number[];
}

const EXAMPLES_MAX = 10;

/** The first violations: in turn one of each vCPU, then those that the control thread found. */
export function exampleViolations(
  words: SharedWords,
  vcpuCount: number,
  context: FindingContext,
  foundByControl: readonly Violation[],
): Violation[] {
  const byVcpu = Array.from({ length: vcpuCount }, (_, vcpu) =>
    board.takeFindings(words, vcpu).map((finding) => violationFrom(vcpu, finding, context)),
  );
  const inTurn = Array.from({ length: board.EXAMPLE_COUNT }, (_, turn) =>
    byVcpu.flatMap((found) => found[turn] ?? []),
  );
  return [...inTurn.flat(), ...foundByControl].slice(0, EXAMPLES_MAX);
}

/** What a vCPU or device could not say itself: writes that reached a device for which they were not meant. */
export const misdirectedWrites = (count: number): Violation[] =>
  count === 0
    ? []
    : [
        {
          vcpu: null,
          step: 0,
          addressSpace: '',
          address: '',
          access: `${count} writes`,
          expected: 'each at the device and offset that its value names',
          got: 'another device or offset',
          diagnosis: 'a device received writes that were not meant for it',
        },
      ];

const CLASS_WORDS: Readonly<Record<number, string>> = {
  [format.CLASS_RAM]: 'RAM',
  [format.CLASS_ROM]: 'ROM',
  [format.CLASS_DEVICE]: 'device',
  [format.CLASS_DEVICE_READONLY]: 'read-only device',
  [format.CLASS_ROM_DEVICE]: 'ROM device',
};

function violationFrom(vcpu: number, finding: board.Finding, context: FindingContext): Violation {
  const { what, hi, lo, access } = finding;
  return {
    vcpu,
    step: finding.step,
    addressSpace: context.spaceName(finding.space),
    address: hexFromAddress(addressFromHalves(hi, lo)),
    access: access === 0 ? 'checkpoint' : `${access < 0 ? 'write' : 'read'} of ${Math.abs(access)} bytes`,
    expected:
      what >= board.FOUND_LAYOUT ? hexWord(finding.expected) : expectationText(finding.expected, context),
    got: `${hexWord(finding.value)}, MemTxResult ${finding.result}`,
    diagnosis: diagnose(finding, context),
  };
}

const hexWord = (word: number): string => `0x${(word >>> 0).toString(16)}`;

const originText = ({ region, offset, isMemory }: CellOrigin): string =>
  `'${region.name}' + ${hexFromAddress(offset)}${isMemory ? '' : ' (device)'}`;

function expectationText(entry: number, { book }: FindingContext): string {
  if (format.classOf(entry) === format.CLASS_HOLE) return 'nothing mapped: 0, MemTxResult 2';
  const origin = book.originOf(format.cellOf(entry));
  const kind = CLASS_WORDS[format.classOf(entry)] ?? 'unknown';
  return origin === undefined ? kind : `${kind} ${originText(origin)}, tag ${hexWord(origin.tag)}`;
}

function diagnose(finding: board.Finding, context: FindingContext): string {
  switch (finding.what) {
    case board.FOUND_RESULT:
      return 'wrong MemTxResult: the wrong kind of section answered';
    case board.FOUND_OWN_WRITE:
      return `lost or foreign write: this vCPU alone writes the word, and version ${finding.value >>> format.VERSION_SHIFT} is not the one it wrote last`;
    case board.FOUND_OLD_VERSION:
      return 'the version went back: an old copy of the word was read';
    case board.FOUND_LAYOUT:
      return finding.value < finding.expected
        ? `stale map: layout ${finding.value} was in use after a checkpoint that had to bring layout ${finding.expected}`
        : `a map of layout ${finding.value}, which was not announced yet`;
    case board.FOUND_TORN:
      return 'torn or foreign value in RAM that only this vCPU uses';
    case board.FOUND_COUNTER:
      return 'an atomic counter went back';
    default:
      return wrongAnswer(finding, context);
  }
}

function wrongAnswer(finding: board.Finding, context: FindingContext): string {
  const { space, hi, lo, value, access } = finding;
  if (Math.abs(access) !== 4) return 'wrong owner or offset: a part of its tag does not fit';
  const tag = value & format.TAG_MASK;
  const states = context.statesWithTag?.(space, hi, lo, tag) ?? [];
  if (states.length > 0) return `stale layout: that is due here in layout ${states[0]}, not in this one`;
  const owner = context.book.findTag(tag);
  if (owner !== undefined) return `wrong owner or offset: the tag is that of ${originText(owner)}`;
  if ((tag & format.DEVICE_TAG_BIT) !== 0) return wrongDevice(finding.expected, tag, context);
  return value === 0
    ? 'nothing answered, or memory that was never written'
    : 'torn or foreign: no word has this tag';
}

/** How far from the due offset a device's answer is looked for. */
const OFFSETS_NEAR = 256n;

function wrongDevice(expected: number, tag: number, { book }: FindingContext): string {
  const due = book.originOf(format.cellOf(expected));
  const probe = due === undefined ? null : probeOf(due.region);
  for (
    let distance = -OFFSETS_NEAR;
    due !== undefined && probe !== null && distance <= OFFSETS_NEAR;
    distance += 1n
  ) {
    const offset = due.offset + distance;
    if (offset >= 0n && format.deviceTag(probe, Number(offset)) === tag)
      return `wrong offset: '${due.region.name}' answered for offset ${hexFromAddress(offset)}`;
  }
  return 'wrong owner or offset: a device answered, but not the one that is due';
}
