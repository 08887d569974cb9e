/**
 * The vCPU program of `run`: reads and writes as fast as it can, and checks every access against the layout
 * that its map is of.
 * Guarantee: an access is compared with one state of the machine, never with "one of several". Which state
 * that is follows from the bounds on the board (board.ts) and from the layout tag of the view in use; where
 * both leave a doubt, the slice is set aside, not guessed.
 */
import type { SharedWords } from '../layout/control-block.ts';
import type { MemoryPort } from '../vcpu/memory-port.ts';
import type { Vcpu } from '../vcpu/vcpu.ts';
import { AccessChecker } from './access-checker.ts';
import {
  BOARD_ANNOUNCED,
  BOARD_CHANGED,
  BOARD_PUBLISHED,
  FOUND_LAYOUT,
  VCPU_ACCESSES,
  VCPU_SET_ASIDE,
  VCPU_SLICES,
  vcpuWord,
} from './board.ts';
import type { SharedCells } from './cell-format.ts';
import { PrivateMemory, type PrivatePlaces } from './private-memory.ts';
import { Random } from './random.ts';

/** An operation is the number of a sample, with this bit for a write. */
export const OPERATION_WRITE = 0x10000;
export const SAMPLE_MASK = 0xffff;
export const SAMPLE_HI = 0;
export const SAMPLE_LO = 1;
export const SAMPLE_SIZE = 2;
export const SAMPLE_STRIDE_WORDS = 4;
/** Operations of one address space; a power of two. */
export const OPERATION_COUNT = 8192;
/** Accesses between two checkpoints. */
export const SLICE_ACCESSES = 512;

const operationWrite = OPERATION_WRITE; // local names for the hot path: V8 does not fold bindings across modules
const sampleMask = SAMPLE_MASK;
const sampleStride = SAMPLE_STRIDE_WORDS;
const sampleLo = SAMPLE_LO;
const sampleSize = SAMPLE_SIZE;
const operationCount = OPERATION_COUNT;
const sliceAccesses = SLICE_ACCESSES;

/** The expectations of all states for all samples. The control thread fills them before any vCPU starts. */
export interface StateTables {
  readonly stateCount: number;
  readonly sampleCount: number;
  /** sampleCount words for each state: expectations, see cell-format.ts. */
  readonly entries: SharedWords;
  /** SAMPLE_STRIDE_WORDS each: upper half of the address, lower half, size in bytes. */
  readonly samples: SharedWords;
  /** OPERATION_COUNT words for each group of address spaces with one root. */
  readonly operations: SharedWords;
  /** One word for each group and state: 1 if the state differs there from the one before. */
  readonly changes: SharedWords;
  readonly groupCount: number;
}

export interface ProbedSpace {
  readonly name: string;
  /** Address spaces with the same root share samples and expectations. */
  readonly group: number;
  /** Its view begins at one region or another, so views made long ago may come back. */
  readonly switchesRoot: boolean;
}

export interface ProbeProgramData {
  readonly vcpu: number;
  readonly seed: number;
  readonly board: SharedWords;
  readonly cells: SharedCells;
  readonly tables: StateTables;
  readonly spaces: readonly ProbedSpace[];
  /** Which space each slice works in; its length is a power of two. */
  readonly schedule: readonly number[];
  /** In the first space of all. */
  readonly privatePlaces: PrivatePlaces;
  readonly privateSpace: number;
}

export default function probeProgram(vcpu: Vcpu, data: ProbeProgramData): Int32Array {
  const prober = new Prober(vcpu, data);
  while (prober.slice()) prober.tell();
  prober.tell();
  return prober.privateMemory.added;
}

export class Prober {
  readonly privateMemory: PrivateMemory;
  protected readonly ports: readonly MemoryPort[];
  private readonly vcpu: Vcpu;
  private readonly data: ProbeProgramData;
  private readonly board: SharedWords;
  private readonly tables: StateTables;
  private readonly checker: AccessChecker;
  private readonly random: Random;
  private readonly line: number;
  private turn: number;

  constructor(vcpu: Vcpu, data: ProbeProgramData) {
    this.vcpu = vcpu;
    this.data = data;
    this.board = new Int32Array(data.board.buffer);
    this.tables = data.tables;
    this.checker = new AccessChecker(data.vcpu, this.board, data.cells);
    this.random = new Random(data.seed * 1009 + data.vcpu);
    this.privateMemory = new PrivateMemory(data.privatePlaces);
    this.ports = data.spaces.map(({ name }) => vcpu.port(name));
    this.line = vcpuWord(data.vcpu);
    this.turn = this.random.below(data.schedule.length);
  }

  /** A checkpoint, then SLICE_ACCESSES accesses in one address space. False if the vCPU shall stop. */
  slice(): boolean {
    const { board, checker, data } = this;
    const index = data.schedule[this.turn & (data.schedule.length - 1)]!;
    this.turn = (this.turn + 1) | 0;
    const changed = Atomics.load(board, BOARD_CHANGED + index); // pairs with ChurnDriver.publish
    const published = Atomics.load(board, BOARD_PUBLISHED);
    if (!this.checkpoint()) return false;
    checker.beginSlice();
    const port = this.ports[index]!;
    checker.space = index;
    const step = this.stepOf(port, index, published, changed);
    if (step < 0) return true;
    checker.step = step;
    this.probe(port, data.spaces[index]!.group, step % this.tables.stateCount);
    if (index === data.privateSpace) {
      for (let count = 0; count < 4; count += 1) this.privateMemory.exercise(port, checker, this.random);
    }
    return true;
  }

  /** Shows on the board how far this vCPU is. */
  tell(): void {
    this.board[this.line + VCPU_ACCESSES] = this.checker.checked;
    this.board[this.line + VCPU_SLICES] = (this.board[this.line + VCPU_SLICES]! + 1) | 0;
  }

  protected checkpoint(): boolean {
    return this.vcpu.checkpoint();
  }

  /** The step whose layout the port shows; -1 if that cannot be told. Judges the port's layout as such. */
  private stepOf(port: MemoryPort, index: number, published: number, changed: number): number {
    const announced = Atomics.load(this.board, BOARD_ANNOUNCED); // pairs with ChurnDriver.publish
    const tag = port.layoutTag;
    if (this.data.spaces[index]!.switchesRoot) {
      if (this.staysTheSame(this.data.spaces[index]!.group, published, announced)) return published;
      this.board[this.line + VCPU_SET_ASIDE] = this.board[this.line + VCPU_SET_ASIDE]! + 1;
      return -1;
    }
    this.checker.step = tag;
    if (tag < changed) this.checker.report(FOUND_LAYOUT, 0, 0, 0, changed, tag);
    if (tag > announced) this.checker.report(FOUND_LAYOUT, 0, 0, 0, announced, tag);
    return tag > published ? tag : published;
  }

  /** Whether no step after `published`, up to `announced`, changes what the group answers. */
  private staysTheSame(group: number, published: number, announced: number): boolean {
    const { changes, stateCount } = this.tables;
    if (announced - published >= stateCount) return false;
    for (let step = published + 1; step <= announced; step += 1) {
      if (changes[group * stateCount + (step % stateCount)] !== 0) return false;
    }
    return true;
  }

  private probe(port: MemoryPort, group: number, state: number): void {
    const { checker, tables } = this;
    const { entries, samples, operations } = tables;
    const row = state * tables.sampleCount;
    const base = group * operationCount;
    let turn = this.random.next();
    for (let count = sliceAccesses; count > 0; count -= 1) {
      const operation = operations[base + (turn & (operationCount - 1))]!;
      turn = (turn + 1) | 0;
      const sample = operation & sampleMask;
      const entry = entries[row + sample]!;
      if (entry === 0) continue; // CLASS_SKIP
      const word = sample * sampleStride;
      const hi = samples[word]!;
      const lo = samples[word + sampleLo]!;
      const size = samples[word + sampleSize]!;
      if ((operation & operationWrite) === 0) checker.read(port, hi, lo, size, entry);
      else checker.write(port, hi, lo, size, entry);
    }
  }
}
