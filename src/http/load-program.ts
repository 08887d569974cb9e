/**
 * The vCPU program that makes load: accesses addresses out of a list in random order, as fast as asked, and counts.
 * What it is asked for can change while it runs. Its words are shared with MachineLoad.
 *
 *   word  name                  writer   meaning
 *   0     LOAD_RATE             control  accesses a second of each vCPU; 0: as many as it can
 *   1     LOAD_WRITE_PERCENT    control  stores among them
 *   2     LOAD_SLICE            control  accesses between two checkpoints, at most
 *   32    LOAD_VCPUS            (below)  + vCPU of the load * LOAD_STRIDE_WORDS
 *
 *   word  name                  writer   meaning
 *   0     LOAD_ACCESSES         vCPU     modulo 2^32, as are the next two
 *   1     LOAD_FAILURES         vCPU     accesses whose result was not MEMTX_OK: layouts change under them
 *   2     LOAD_WALKS            vCPU     accesses that the TLB did not know
 */
import { MEMTX_OK } from '../base/mem-tx-result.ts';
import type { SharedWords } from '../layout/control-block.ts';
import type { MemoryPort } from '../vcpu/memory-port.ts';
import type { Vcpu } from '../vcpu/vcpu.ts';

export const LOAD_RATE = 0;
export const LOAD_WRITE_PERCENT = 1;
export const LOAD_SLICE = 2;
export const LOAD_VCPUS = 32;
export const LOAD_STRIDE_WORDS = 32;

export const LOAD_ACCESSES = 0;
export const LOAD_FAILURES = 1;
export const LOAD_WALKS = 2;

export interface LoadProgramData {
  /** Which of the load's vCPUs it is. */
  readonly index: number;
  readonly board: SharedWords;
  /** Number of the address space. */
  readonly space: number;
  /** Pairs of halves, as many as a power of two. */
  readonly addresses: SharedWords;
}

/** Between two checkpoints may lie many more accesses: who watches sees them counted meanwhile. */
const COUNTED_ACCESSES = 1024;
/** Longest sleep of a vCPU that is ahead of its rate: then it looks whether the rate is another one. */
const SLEEP_MS_MAX = 50;

export default function loadProgram(vcpu: Vcpu, { index, board, space, addresses }: LoadProgramData): void {
  const port = vcpu.portAt(space);
  const line = LOAD_VCPUS + index * LOAD_STRIDE_WORDS;
  const slicer = new Slicer(port, addresses, index);
  let rate = 0;
  let sinceMs = 0;
  let done = 0;
  while (vcpu.checkpoint()) {
    const asked = Atomics.load(board, LOAD_RATE); // pairs with MachineLoad.adjust
    if (asked !== rate) {
      rate = asked;
      sinceMs = performance.now();
      done = 0;
    }
    const aheadMs = rate === 0 ? 0 : (1000 * done) / rate - (performance.now() - sinceMs);
    if (aheadMs >= 1) {
      if (!vcpu.waitForInterrupt(Math.min(aheadMs, SLEEP_MS_MAX))) return;
      continue;
    }
    const slice = Atomics.load(board, LOAD_SLICE);
    const count = rate === 0 ? slice : Math.min(slice, Math.ceil(rate / 100));
    const writePercent = Atomics.load(board, LOAD_WRITE_PERCENT);
    for (let left = count; left > 0; left -= COUNTED_ACCESSES) {
      const part = Math.min(left, COUNTED_ACCESSES);
      board[line + LOAD_FAILURES] = (board[line + LOAD_FAILURES]! + slicer.slice(part, writePercent)) | 0;
      board[line + LOAD_ACCESSES] = (board[line + LOAD_ACCESSES]! + part) | 0;
      board[line + LOAD_WALKS] = port.walks;
    }
    done += count;
  }
}

class Slicer {
  private readonly port: MemoryPort;
  private readonly addresses: SharedWords;
  private state: number;

  constructor(port: MemoryPort, addresses: SharedWords, seed: number) {
    this.port = port;
    this.addresses = addresses;
    this.state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  }

  /** @returns how many accesses failed */
  slice(count: number, writePercent: number): number {
    const { port, addresses } = this;
    const mask = addresses.length - 2;
    const writeBelow = (writePercent * 2 ** 16) / 100;
    let { state } = this;
    let failures = 0;
    for (let access = 0; access < count; access += 1) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      const at = (state << 1) & mask;
      const hi = addresses[at]!;
      const lo = addresses[at + 1]!;
      if (state >>> 16 < writeBelow) port.store32(hi, lo, state);
      else port.load32(hi, lo);
      if (port.result !== MEMTX_OK) failures += 1;
    }
    this.state = state;
    return failures;
  }
}
