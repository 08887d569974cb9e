/**
 * The vCPU program of most rows: at each turn it makes one pass of a kind and reports how long that took
 * and the sum of what it read. Between turns it sleeps as a vCPU does, offline.
 *
 * Each kind is a function literal of its own, instantiated once a thread. So V8 takes the port for a constant in
 * each alike, and the array in `limit`: no row is measured with worse code than the one it is compared with.
 */
import type { MemoryPort } from '../../src/vcpu/memory-port.ts';
import type { Vcpu } from '../../src/vcpu/vcpu.ts';
import type { Stream } from '../support/stream.ts';
import { alternativeSweeps } from './alternatives.ts';

/** Accesses between two checkpoints of the checkpointed kind. */
const SLICE = 1024;

export type PassKind = keyof typeof sweeps;

export interface PassData {
  readonly kind: PassKind;
  readonly stream: Stream;
  /** Sweeps over the stream in one pass. */
  readonly rounds: number;
  /** Layout: the WORD_* below, in this order, then the results of each vCPU. */
  readonly board: SharedArrayBuffer;
  /** Milliseconds to sleep before each access, which alone is timed; 0: the pass is timed as a whole. */
  readonly idleMs: number;
}

/** Number of the turn that vCPUs shall make. */
export const WORD_TURN = 0;
/** + vCPU: the turn that it made last. */
export const WORD_DONE = 16;
/** + RESULT_STRIDE * vCPU, in float64 elements: the RESULT_* of its last pass. */
export const RESULTS = 128;
export const RESULT_STRIDE = 4;
/** Nanoseconds that were timed. */
export const RESULT_NS = 0;
/** Sum of what was read. */
export const RESULT_SUM = 1;
/** Milliseconds since 1970, on the clock that all threads share. */
export const RESULT_START_MS = 2;
export const RESULT_END_MS = 3;
export const BOARD_BYTES = 4096;

const sweeps = {
  ...alternativeSweeps,
  limit:
    (_memory: MemoryPort, { indices, words }: Stream) =>
    (): number => {
      let sum = 0;
      for (let i = 0; i < indices.length; i += 1) sum = (sum + words[indices[i]!]!) | 0;
      return sum;
    },
  load:
    (memory: MemoryPort, { his, los }: Stream) =>
    (): number => {
      let sum = 0;
      for (let i = 0; i < los.length; i += 1) sum = (sum + memory.load32(his[i]!, los[i]!)) | 0;
      return sum;
    },
  'load-checkpointed':
    (memory: MemoryPort, { his, los }: Stream, vcpu: Vcpu) =>
    (): number => {
      let sum = 0;
      for (let i = 0; i < los.length; ) {
        const end = Math.min(i + SLICE, los.length);
        for (; i < end; i += 1) sum = (sum + memory.load32(his[i]!, los[i]!)) | 0;
        if (!vcpu.checkpoint()) break;
      }
      return sum;
    },
  'load-byte':
    (memory: MemoryPort, { his, los }: Stream) =>
    (): number => {
      let sum = 0;
      for (let i = 0; i < los.length; i += 1) sum = (sum + memory.load8(his[i]!, los[i]!)) | 0;
      return sum;
    },
  store:
    (memory: MemoryPort, { his, los }: Stream) =>
    (): number => {
      for (let i = 0; i < los.length; i += 1) memory.store32(his[i]!, los[i]!, i);
      return memory.result;
    },
  'atomic-add':
    (memory: MemoryPort, { his, los }: Stream) =>
    (): number => {
      for (let i = 0; i < los.length; i += 1) memory.atomicAdd32(his[i]!, los[i]!, 1);
      return memory.result;
    },
};

export default function passes(vcpu: Vcpu, data: PassData): void {
  const board = new Int32Array(data.board);
  const results = new Float64Array(data.board).subarray(RESULTS + RESULT_STRIDE * vcpu.id);
  const sweep = sweeps[data.kind](vcpu.memory, data.stream, vcpu);
  let turn = 0;
  while (vcpu.waitForInterrupt()) {
    const asked = Atomics.load(board, WORD_TURN);
    if (asked === turn) continue;
    turn = asked;
    results[RESULT_START_MS] = performance.timeOrigin + performance.now();
    let sum = 0;
    let ns = 0;
    for (let round = 0; round < data.rounds; round += 1) {
      if (data.idleMs > 0 && !vcpu.waitForInterrupt(data.idleMs)) return;
      const start = performance.now();
      sum = sweep();
      ns += (performance.now() - start) * 1e6;
    }
    results[RESULT_END_MS] = performance.timeOrigin + performance.now();
    results[RESULT_NS] = ns;
    results[RESULT_SUM] = sum;
    Atomics.store(board, WORD_DONE + vcpu.id, turn); // pairs with PacedVcpus.turn
    Atomics.notify(board, WORD_DONE + vcpu.id);
  }
}
