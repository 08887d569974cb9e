/**
 * The vCPU program of `replay`: goes over all samples of all address spaces, again and again, and confirms a
 * step once it has seen every one of them in that step's layout.
 * Guarantee: as for probe-program.ts, an access is compared with the layout of one step. While a step is
 * being published, an address space whose view may go back to an older one is left out until it is done.
 */
import type { SharedWords } from '../layout/control-block.ts';
import type { MemoryPort } from '../vcpu/memory-port.ts';
import type { Vcpu } from '../vcpu/vcpu.ts';
import { AccessChecker } from './access-checker.ts';
import {
  BOARD_ANNOUNCED,
  BOARD_PUBLISHED,
  FOUND_LAYOUT,
  VCPU_ACCESSES,
  VCPU_CONFIRMED,
  VCPU_SET_ASIDE,
  VCPU_SLICES,
  vcpuWord,
} from './board.ts';
import type { SharedCells } from './cell-format.ts';
import { SAMPLE_LO, SAMPLE_SIZE, SAMPLE_STRIDE_WORDS } from './probe-program.ts';
import { Random } from './random.ts';
import * as tables from './step-tables.ts';

export interface ReplayProgramData {
  readonly vcpu: number;
  readonly board: SharedWords;
  readonly cells: SharedCells;
  readonly tables: tables.StepTables;
}

/** The name under which the machine shows address space number `space` of a replay. */
export const spaceName = (space: number): string => `space-${space}`;

const STOP = -2;
const SET_ASIDE = -1;

export default function replayProgram(vcpu: Vcpu, data: ReplayProgramData): void {
  const replayer = new Replayer(vcpu, data);
  while (replayer.pass());
}

export class Replayer {
  private readonly vcpu: Vcpu;
  private readonly board: SharedWords;
  private readonly tables: tables.StepTables;
  private readonly checker: AccessChecker;
  private readonly random: Random;
  private readonly line: number;

  constructor(vcpu: Vcpu, data: ReplayProgramData) {
    this.vcpu = vcpu;
    this.board = new Int32Array(data.board.buffer);
    this.tables = data.tables;
    this.checker = new AccessChecker(data.vcpu, this.board, data.cells);
    this.random = new Random(data.vcpu);
    this.line = vcpuWord(data.vcpu);
  }

  /** Over all address spaces once. False if the vCPU shall stop. */
  pass(): boolean {
    const { board, line } = this;
    const { directory } = this.tables;
    const step = Atomics.load(board, BOARD_PUBLISHED); // pairs with LiveReplay.publish
    const row = tables.directoryWord(step);
    let isWhole = true;
    for (let index = directory[row]! - 1; index >= 0; index -= 1) {
      const at = row + 1 + index * tables.DIRECTORY_SPACE_WORDS;
      const verified = this.verifySpace(directory[at + tables.DIRECTORY_SPACE]!);
      if (verified === STOP) return false;
      if (verified !== step) isWhole = false;
    }
    board[line + VCPU_ACCESSES] = this.checker.checked;
    board[line + VCPU_SLICES] = (board[line + VCPU_SLICES]! + 1) | 0;
    if (isWhole) Atomics.store(board, line + VCPU_CONFIRMED, step); // pairs with LiveReplay.confirmed
    return directory[row] !== 0 || this.checkpoint();
  }

  protected portOf(space: number): MemoryPort {
    return this.vcpu.port(spaceName(space));
  }

  protected checkpoint(): boolean {
    return this.vcpu.checkpoint();
  }

  /** All samples of one address space. @returns the step that they were compared with, SET_ASIDE or STOP */
  private verifySpace(space: number): number {
    const { board, checker } = this;
    const port = this.portOf(space);
    const published = Atomics.load(board, BOARD_PUBLISHED); // pairs with LiveReplay.publish
    if (!this.checkpoint()) return STOP;
    checker.beginSlice();
    const announced = Atomics.load(board, BOARD_ANNOUNCED); // pairs with LiveReplay.publish
    const tag = port.layoutTag;
    const step = tag > published ? tag : published;
    checker.space = space;
    checker.step = step;
    if (tag > announced) checker.report(FOUND_LAYOUT, 0, 0, 0, announced, tag);
    const { directory } = this.tables;
    if (step !== announced) {
      const next = tables.findSpace(directory, announced, space);
      if (next < 0 || directory[next + tables.DIRECTORY_SWITCHED] !== 0) {
        board[this.line + VCPU_SET_ASIDE] = board[this.line + VCPU_SET_ASIDE]! + 1;
        return SET_ASIDE;
      }
    }
    const at = tables.findSpace(directory, step, space);
    if (at < 0) return SET_ASIDE; // it went away with this step
    this.verifySamples(
      port,
      tables.sampleWord(step, directory[at + tables.DIRECTORY_FIRST]!),
      directory[at + tables.DIRECTORY_COUNT]!,
    );
    return step;
  }

  private verifySamples(port: MemoryPort, first: number, count: number): void {
    const { checker, random } = this;
    const { samples } = this.tables;
    const last = first + count * SAMPLE_STRIDE_WORDS;
    for (let at = first; at < last; at += SAMPLE_STRIDE_WORDS) {
      const entry = samples[at + tables.SAMPLE_ENTRY]!;
      if (entry === 0) continue; // CLASS_SKIP
      const hi = samples[at]!;
      const lo = samples[at + SAMPLE_LO]!;
      const size = samples[at + SAMPLE_SIZE]!;
      if ((random.next() & 3) === 0) checker.write(port, hi, lo, size, entry);
      checker.read(port, hi, lo, size, entry);
    }
  }
}
